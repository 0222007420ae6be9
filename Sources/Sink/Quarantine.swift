import Encoding
import Glibc
public import Posix
public import Records

/// Why a sink puts a record aside.
public enum QuarantineReason: Int, CaseIterable, Sendable {
    /// The message breaks its template.
    case brokenMessage
    /// It is longer than a record of the service may be.
    case tooLong
    /// The service will not take it.
    case refusedByService
    /// Its ids cannot be right.
    case implausibleIDs
    /// Its object would have taken the place of another one.
    case conflictingObject

    /// Its name in figures and log lines.
    public var label: String {
        switch self {
        case .brokenMessage: "broken_message"
        case .tooLong: "too_long"
        case .refusedByService: "refused_by_service"
        case .implausibleIDs: "implausible_ids"
        case .conflictingObject: "conflicting_object"
        }
    }
}

/// Keeps records that cannot be delivered, with the reason: they never reach a service as a guess,
/// and never vanish.
///
/// The file is opened once, written and synced once a batch, and bounded: a peer that sends nothing
/// else fills no disk. A file that someone has moved away is begun again.
public struct Quarantine: ~Copyable {
    /// One JSON object a line: the reason and the frame in base64.
    public let path: String
    /// Records for which there was no room.
    public private(set) var leftOut: Int64 = 0
    private let limit: Int64
    private var file: Descriptor?
    private var lines = Bytes()
    private var waiting: Int64 = 0
    /// Bytes of lines after which they are written without waiting for the end of the batch.
    private static let batchBytes = 1 << 20

    /// Keeps them in a file, which is made when the first one comes.
    ///
    /// - Parameter limit: most bytes of the file.
    public init(path: String, limit: Int64 = 256 << 20) {
        self.path = path
        self.limit = limit
    }

    /// Takes a record; it is on disk after ``flush()``.
    public mutating func add(
        _ frame: borrowing FrameView, because reason: String
    ) throws(SystemError) {
        lines.append(
            utf8: "{\"time\":\"\(Timestamp.text(nanoseconds: Clock.realtimeNanoseconds()))\",")
        lines.append("\"reason\":\"")
        lines.append(jsonEscaping: reason)
        lines.append("\",\"frame\":\"")
        lines.append(base64: frame.bytes)
        lines.append("\"}\n")
        waiting += 1
        if lines.count >= Self.batchBytes { try flush() }
    }

    /// Writes and syncs what was added.
    ///
    /// - Throws: what the disk says; the lines are kept, and a later call tries again.
    public mutating func flush() throws(SystemError) {
        guard !lines.isEmpty else { return }
        try openIfMoved()
        guard let length = try Self.append(lines, to: file, limit: limit) else {
            leftOut += waiting
            return empty()
        }
        do throws(SystemError) { try Self.sync(file) } catch {
            try? Self.cut(file, to: length)
            throw error
        }
        empty()
    }

    private mutating func empty() {
        lines.removeAll()
        waiting = 0
    }

    /// A file that was renamed by logrotate(8) or a person is not the one of this path any more.
    private mutating func openIfMoved() throws(SystemError) {
        if let place = try Files.status(path), let own = try Self.status(file),
            place.st_ino == own.st_ino, place.st_dev == own.st_dev
        {
            return
        }
        file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND)
    }

    /// - Returns: the length before; nil when there is no room below the limit.
    private static func append(
        _ lines: borrowing Bytes, to file: borrowing Descriptor?, limit: Int64
    ) throws(SystemError) -> Int64? {
        switch file {
        case .some(let file):
            let length = Int64(try file.status().st_size)
            guard length + Int64(lines.count) <= limit else { return nil }
            do throws(SystemError) { try file.writeAll(lines.span) } catch {
                // A part of a line would spoil the next one.
                try? file.truncate(to: length)
                throw error
            }
            return length
        case nil: return nil
        }
    }

    private static func status(_ file: borrowing Descriptor?) throws(SystemError) -> stat? {
        switch file {
        case .some(let file): try file.status()
        case nil: nil
        }
    }

    private static func sync(_ file: borrowing Descriptor?) throws(SystemError) {
        switch file {
        case .some(let file): try file.syncData()
        case nil: break
        }
    }

    private static func cut(
        _ file: borrowing Descriptor?, to length: Int64
    ) throws(SystemError) {
        switch file {
        case .some(let file): try file.truncate(to: length)
        case nil: break
        }
    }
}
