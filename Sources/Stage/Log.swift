import Encoding
import Glibc
import Posix
import Records
import Stats

/// How loud a log line is.
public enum LogLevel: String, CaseIterable, Sendable, Comparable {
    case debug = "DEBUG"
    case info = "INFO"
    case warning = "WARNING"
    case error = "ERROR"

    /// By loudness.
    public static func < (one: Self, other: Self) -> Bool { one.priority > other.priority }

    /// The syslog priority, which journald reads from a `<3>` in front of a line.
    var priority: Int {
        switch self {
        case .debug: 7
        case .info: 6
        case .warning: 4
        case .error: 3
        }
    }
}

/// Log lines on standard error: text on a terminal, JSON elsewhere.
///
/// One event is one line. Nothing on the data path logs; a line per connection, object or
/// batch is welcome, a line per record is a bug.
public struct Log: Sendable {
    /// How a line looks.
    public enum Format: String, CaseIterable, Sendable {
        case text
        case json
    }

    let stage: String
    var level: LogLevel
    var format: Format
    var descriptor: Int32
    let isUnderJournal: Bool
    /// Gets each warning and error, for those who watch the stage.
    var lastError: LastError?

    init(stage: String, level: LogLevel = .info, format: Format? = nil, descriptor: Int32 = 2) {
        self.stage = stage
        self.level = level
        self.descriptor = descriptor
        self.format = format ?? (isatty(descriptor) == 1 ? .text : .json)
        isUnderJournal = getenv("JOURNAL_STREAM") != nil && isatty(descriptor) == 0
    }

    /// Something worth knowing when looking for a fault.
    public func debug(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        write(.debug, message, fields)
    }

    /// Something that an operator expects to see.
    public func info(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        write(.info, message, fields)
    }

    /// Something that an operator should look at; the stage goes on.
    public func warning(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        write(.warning, message, fields)
    }

    /// Why the stage ends, or what it lost.
    public func error(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        write(.error, message, fields)
    }

    private func write(
        _ level: LogLevel, _ message: String, _ fields: KeyValuePairs<String, String>
    ) {
        if level >= .warning { lastError?.set(message) }
        guard level >= self.level else { return }
        var line = isUnderJournal ? "<\(level.priority)>" : ""
        switch format {
        case .text:
            line += "\(stage): "
            if level >= .warning { line += "\(level.rawValue.lowercased()): " }
            line += message
            for (key, value) in fields {
                line += value.contains(" ") ? " \(key)=\"\(value)\"" : " \(key)=\(value)"
            }
        case .json:
            line += "{\"timestamp\":\"\(Timestamp.text(nanoseconds: Clock.realtimeNanoseconds()))\""
            line += ",\"level\":\"\(level.rawValue)\",\"stage\":"
            line.append(jsonQuoted: stage)
            line += ",\"message\":"
            line.append(jsonQuoted: message)
            for (key, value) in fields {
                line += ","
                line.append(jsonQuoted: key)
                line += ":"
                line.append(jsonQuoted: value)
            }
            line += "}"
        }
        line += "\n"
        // A log that cannot be written must not stop the data.
        var text = line
        text.withUTF8 { _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }
}
