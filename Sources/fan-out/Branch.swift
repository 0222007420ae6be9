import Glibc
import Posix
import Records
import Spool
import Stats

/// One output: how far it is in the spool, and what is on its way to it.
final class Branch {
    /// Bytes that are read from the spool at once.
    private static let chunk: Int64 = 256 << 10

    /// An entry that was read from the spool.
    private struct Entry {
        /// Bytes that the output has had when it has all of it, since this process began.
        let end: Int64
        let next: Spool.Position
        let records: Int64
    }

    let name: String
    let path: String
    private let output: FrameOutput
    /// The first entry that was not read from the spool yet.
    private var position: Spool.Position
    /// Before it everything was taken by the output's reader.
    private(set) var confirmed: Spool.Position
    /// Records that its reader took, of this run and what an earlier one left.
    private(set) var records: Int64 = 0
    private var entries: [Entry] = []
    private var waiting = Bytes(capacity: 256 << 10)
    private var sent = 0
    /// Bytes given to the system.
    private(set) var written: Int64 = 0
    private var loaded: Int64 = 0
    /// Why it takes nothing any more; nil while it may.
    private(set) var failure: SystemError?
    /// Since when the oldest that waits for it waits, ns since the epoch, or a little earlier; 0: it has
    /// everything.
    private(set) var behindSince: Int64 = 0
    /// Where the spool ended at some moment. Once that is taken, what waits came later than that moment:
    /// under load something always waits, and none of it for long.
    private var mark: (end: Spool.Position, time: Int64)?

    init(
        _ wanted: FanOutOptions.Output, from position: Spool.Position, _ stats: StatsWriter
    ) throws(SystemError) {
        name = wanted.name
        path = wanted.path
        self.position = position
        confirmed = position
        let descriptor = try Self.open(wanted.path)
        // The health shows who reads from it; of standard output it knows.
        if wanted.path != "-" {
            stats.addNeighbour(descriptor: descriptor.raw, isInput: false)
        }
        output = FrameOutput(descriptor, neverWaits: true)
    }

    /// Opens a FIFO for both sides, so that one without a reader is no error and keeps its bytes when
    /// the reader is replaced; all else to be written to.
    private static func open(_ path: String) throws(SystemError) -> Descriptor {
        if path == "-" { return Descriptor.standardOutput() }
        let isFIFO = try Files.status(path).map { $0.st_mode & S_IFMT == S_IFIFO } ?? false
        // A shell's >(command) is a pipe under /dev/fd: opened for both sides, its reader would never
        // see the end, and we never that it is gone.
        let isNamed = isFIFO && !path.hasPrefix("/dev/fd/") && !path.hasPrefix("/proc/")
        return try Descriptor.open(
            path, isNamed ? O_RDWR : isFIFO ? O_WRONLY : O_WRONLY | O_CREAT | O_APPEND)
    }

    /// For poll(2), while something waits that could not be written; -1 else.
    var pollDescriptor: Int32 {
        failure == nil && sent < waiting.count ? output.pollDescriptor : -1
    }

    /// True when its reader has everything that is in the spool.
    func isDone(_ spool: borrowing Spool) -> Bool {
        // An empty spool begins a new segment, behind which no place is.
        entries.isEmpty && (confirmed >= spool.next || spool.isEmpty)
    }

    /// Takes records that found no room in the spool, behind all that is in it. They are taken by the
    /// output's reader once ``isDone(_:)`` is true again.
    func lend(_ frames: borrowing Bytes) {
        waiting.removeAll()
        sent = 0
        waiting.append(frames.span)
        loaded += Int64(frames.count)
        entries.append(Entry(end: loaded, next: confirmed, records: Self.count(frames.span)))
    }

    /// Hands over what the output takes now.
    ///
    /// - Throws: when the spool cannot be read. What the output says is its ``failure``.
    func send(_ spool: inout Spool) throws {
        guard failure == nil else { return }
        while failure == nil {
            if sent == waiting.count, try !load(&spool) { break }
            do throws(SystemError) {
                let count = try output.write(waiting.span(sent..<waiting.count))
                guard count > 0 else { break }
                sent += count
                written += Int64(count)
            } catch { failure = error }
        }
        settle()
        // A reader that ended without taking what was written is noticed by no write.
        if failure == nil, !entries.isEmpty, sent == waiting.count, output.isAbandoned {
            // It may have taken the last of it just now.
            settle()
            if !entries.isEmpty { failure = SystemError("write to", path, code: EPIPE) }
        }
        noteWait(spool)
    }

    private func noteWait(_ spool: borrowing Spool) {
        guard !isDone(spool) else {
            behindSince = 0
            mark = nil
            return
        }
        let now = Clock.realtimeNanoseconds()
        if let mark {
            guard confirmed >= mark.end else { return }
            behindSince = mark.time
        } else {
            behindSince = now
        }
        mark = (spool.next, now)
    }

    /// Reads on in the spool; false when there is no more.
    private func load(_ spool: inout Spool) throws -> Bool {
        guard position < spool.next else { return false }
        waiting.removeAll()
        sent = 0
        var starts: [(start: Spool.Position, end: Int64, records: Int64)] = []
        position = try spool.read(from: position, atLeast: Self.chunk) { start, entry in
            waiting.append(entry)
            loaded += Int64(entry.byteCount)
            starts.append((start, loaded, Self.count(entry)))
        }
        for (index, part) in starts.enumerated() {
            let next = index + 1 < starts.count ? starts[index + 1].start : position
            entries.append(Entry(end: part.end, next: next, records: part.records))
        }
        return !waiting.isEmpty
    }

    /// Notes what the reader took: what is in a pipe may go with it.
    private func settle() {
        let fifo = output.pollDescriptor
        let taken = written - (fifo >= 0 ? Int64(PeekedPipe.content(fifo)) : 0)
        var count = 0
        while count < entries.count, entries[count].end <= taken {
            confirmed = entries[count].next
            records += entries[count].records
            count += 1
        }
        if count > 0 { entries.removeFirst(count) }
    }

    /// How many frames there are in an entry, which has whole ones only.
    static func count(_ entry: RawSpan) -> Int64 {
        var (offset, count) = (0, Int64(0))
        while offset + Frame.headerLength <= entry.byteCount {
            let length = UInt32(
                bigEndian: entry.unsafeLoadUnaligned(
                    fromUncheckedByteOffset: offset, as: UInt32.self))
            offset += max(Frame.headerLength, Int(length))
            count += 1
        }
        return count
    }
}
