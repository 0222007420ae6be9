/// How loud a log line is.
public enum LogLevel: String, CaseIterable, Sendable, Comparable {
    case debug = "DEBUG"
    case info = "INFO"
    case warning = "WARNING"
    case error = "ERROR"

    /// By loudness.
    public static func < (one: Self, other: Self) -> Bool { one.priority > other.priority }

    /// The syslog priority, which journald reads from a `<3>` in front of a line.
    public var priority: Int {
        switch self {
        case .debug: 7
        case .info: 6
        case .warning: 4
        case .error: 3
        }
    }
}

/// How a log line looks.
public enum LogFormat: String, CaseIterable, Sendable {
    case text
    case json
}
