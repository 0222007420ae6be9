import Binance
import Encoding
import Glibc
import Posix
import Records

/// Messages that are no records, with the reason: one JSON object a line, whose `frame` is a raw
/// record in base64, as the sinks write theirs. Bounded, because a venue that changed its schema
/// sends nothing else.
struct QuarantineFile: ~Copyable {
    let path: String
    private let limit: Int
    private var file: Descriptor?
    private var size = 0
    /// Of the file that is open.
    private var identity: (device: dev_t, number: ino_t)?
    private(set) var isFull = false

    init(path: String, limit: Int) {
        self.path = path
        self.limit = limit
    }

    /// Appends a message.
    ///
    /// - Returns: false when the file takes no more.
    mutating func add(
        _ message: RawSpan, because error: StreamError, number: Int64, at time: Int64
    ) throws(SystemError) -> Bool {
        try reviewPlace()
        guard !isFull else { return false }
        var frame = Bytes(capacity: message.byteCount + 256)
        if !frame.append(raw: message, number: number, at: time) { frame.append(message) }
        var line = Bytes(capacity: frame.count * 2)
        line.append(utf8: "{\"time\":\"\(Timestamp.text(nanoseconds: time))\",\"reason\":\"")
        line.append(jsonEscaping: "\(error.reason.rawValue): \(error)")
        line.append("\",\"frame\":\"")
        line.append(base64: frame.span)
        line.append("\"}\n")
        if file == nil { try open() }
        guard size + line.count <= limit else {
            isFull = true
            return false
        }
        try write(line.span)
        size += line.count
        return true
    }

    private mutating func open() throws(SystemError) {
        try Files.makeDirectories(Files.directory(of: path))
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND)
        let status = try file.status()
        size = Int(status.st_size)
        identity = (status.st_dev, status.st_ino)
        self.file = consume file
    }

    /// Notices that the file was moved away, removed or cut, as logrotate(8) does: what comes now
    /// goes to a new one, and a full one that is gone is no longer full. Messages that end here are
    /// rare enough for a system call each.
    private mutating func reviewPlace() throws(SystemError) {
        guard let identity else { return }
        guard let status = try Files.status(path), status.st_dev == identity.device,
            status.st_ino == identity.number
        else {
            file = nil
            self.identity = nil
            isFull = false
            return
        }
        if Int(status.st_size) < size {
            size = Int(status.st_size)
            isFull = false
        }
    }

    private func write(_ bytes: RawSpan) throws(SystemError) {
        switch file {
        case .some(let file):
            do { try file.writeAll(bytes) } catch {
                // A part of a line would spoil the next one.
                try? file.truncate(to: Int64(size))
                throw error
            }
        case nil: break
        }
    }
}
