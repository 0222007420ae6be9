import Configuration
import Encoding
import Glibc
import Posix
import Records
import Stats

/// Log lines on standard error: text on a terminal, JSON elsewhere.
///
/// One event is one line, whatever words of a peer are in it: control characters are escaped, and
/// the user and password of a URL are left out. Nothing on the data path logs; a line per
/// connection, object or batch is welcome, a line per record is a bug.
///
/// What a peer can cause as often as it likes names its cause: of each cause at most five lines a
/// minute are written, and the next one, or the end of the program, says how many were left out.
///
/// ```swift
/// log.warning("the venue sent an error: \(words)", cause: "venue_error")
/// ```
public struct Log: Sendable {
    let stage: String
    /// One for all copies of the log: it may change while the stage runs.
    private let threshold: LogThreshold
    var format: LogFormat
    var descriptor: Int32
    let isUnderJournal: Bool
    /// Gets each warning and error, for those who watch the stage.
    var lastError: LastError?
    /// One for all copies of the log.
    private let limiter = LogLimiter()

    init(stage: String, level: LogLevel = .info, format: LogFormat? = nil, descriptor: Int32 = 2) {
        self.stage = stage
        threshold = LogThreshold(level)
        self.descriptor = descriptor
        self.format = format ?? (isatty(descriptor) == 1 ? .text : .json)
        isUnderJournal = Self.isJournal(
            descriptor, getenv("JOURNAL_STREAM").map { String(cString: $0) })
    }

    /// The least level that is written.
    var level: LogLevel {
        get { threshold.level }
        nonmutating set { threshold.level = newValue }
    }

    /// True when a descriptor is the stream that systemd connected to the journal: the variable,
    /// `DEVICE:INODE`, is inherited by whatever a service starts, whose output may go elsewhere.
    ///
    /// Source: systemd.exec(5), `$JOURNAL_STREAM`.
    static func isJournal(_ descriptor: Int32, _ variable: String?) -> Bool {
        guard let words = variable?.split(separator: ":"), words.count == 2 else { return false }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return false }
        return UInt64(words[0]) == UInt64(status.st_dev)
            && UInt64(words[1]) == UInt64(status.st_ino)
    }

    /// Something worth knowing when looking for a fault.
    public func debug(
        _ message: String, _ fields: KeyValuePairs<String, String> = [:], cause: String? = nil
    ) {
        write(.debug, message, fields, cause)
    }

    /// Something that an operator expects to see.
    public func info(
        _ message: String, _ fields: KeyValuePairs<String, String> = [:], cause: String? = nil
    ) {
        write(.info, message, fields, cause)
    }

    /// Something that an operator should look at; the stage goes on.
    public func warning(
        _ message: String, _ fields: KeyValuePairs<String, String> = [:], cause: String? = nil
    ) {
        write(.warning, message, fields, cause)
    }

    /// Why the stage ends, or what it lost.
    public func error(
        _ message: String, _ fields: KeyValuePairs<String, String> = [:], cause: String? = nil
    ) {
        write(.error, message, fields, cause)
    }

    /// Says what was left out because its cause had too many lines; at the end of the program.
    func endLimits() {
        for (cause, lines) in limiter.leftOut() {
            info("lines were left out", ["cause": cause, "left_out": "\(lines)"])
        }
    }

    private func write(
        _ level: LogLevel, _ message: String, _ fields: KeyValuePairs<String, String>,
        _ cause: String?
    ) {
        let message = message.withoutUserInfo
        if level >= .warning { lastError?.set(message) }
        guard level >= self.level else { return }
        var fields = fields.map { (key: $0.key, value: $0.value.withoutUserInfo) }
        if let cause {
            guard let leftOut = limiter.admit(cause) else { return }
            if leftOut > 0 { fields.append((key: "left_out", value: "\(leftOut)")) }
        }
        var line = isUnderJournal ? "<\(level.priority)>" : ""
        switch format {
        case .text:
            line += "\(stage): "
            if level >= .warning { line += "\(level.rawValue.lowercased()): " }
            line += message.escapingControls
            for (key, value) in fields { line += " \(key)=\(Self.word(value))" }
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

    /// A value in a text line: quoted where it would not be seen as one word.
    private static func word(_ value: String) -> String {
        let isWord = !value.isEmpty && !value.contains { $0 == " " || $0 == "\"" || $0 == "=" }
        let text = value.escapingControls
        return isWord ? text : "\"" + text.replacing("\"", with: "\\\"") + "\""
    }
}
