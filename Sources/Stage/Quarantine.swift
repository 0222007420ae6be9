import Encoding
import Glibc
public import Posix
public import Records

/// Keeps records whose message breaks its template, with the reason: they never reach a sink as
/// a guess, and never vanish.
public struct Quarantine: Sendable {
    /// One JSON object a line: the reason and the frame in base64.
    public let path: String

    /// Keeps them in a file, which is made when the first one comes.
    public init(path: String) { self.path = path }

    /// Appends a frame and syncs.
    public func add(_ frame: borrowing FrameView, because reason: String) throws(SystemError) {
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND)
        var line = Bytes()
        line.append(
            utf8: "{\"time\":\"\(Timestamp.text(nanoseconds: Clock.realtimeNanoseconds()))\",")
        line.append("\"reason\":\"")
        line.append(jsonEscaping: reason)
        line.append("\",\"frame\":\"")
        line.append(base64: frame.bytes)
        line.append("\"}\n")
        try file.writeAll(line.span)
        try file.sync()
    }
}
