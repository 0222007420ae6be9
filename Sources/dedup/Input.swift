import Glibc
import Posix
import Records

/// One input of a merge.
final class Input {
    var reader: FrameReader
    var hasEnded = false

    init(_ reader: consuming FrameReader) { self.reader = reader }

    /// True when reading would not wait.
    var isReadable: Bool { Descriptor.isReadable(reader.descriptorNumber) }

    /// Waits until an input or one of two other descriptors is readable, or some time is over.
    static func waitForAny(
        _ inputs: [Input], or stop: Int32, _ heartbeat: Heartbeat, other: Int32 = -1,
        milliseconds: Int32 = Heartbeat.longestWait
    ) {
        var watched = inputs.map {
            pollfd(fd: $0.reader.descriptorNumber, events: Int16(POLLIN), revents: 0)
        }
        watched.append(pollfd(fd: stop, events: Int16(POLLIN), revents: 0))
        watched.append(pollfd(fd: other, events: Int16(POLLIN), revents: 0))
        heartbeat.waits(for: .input)
        _ = poll(&watched, UInt(watched.count), min(milliseconds, Heartbeat.longestWait))
        heartbeat.waits(for: .nothing)
        heartbeat.beat()
    }
}
