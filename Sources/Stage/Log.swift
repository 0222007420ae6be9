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
    /// Whose lines these are, where several processes write to one log: the name of this one among
    /// those of its stage, and of its pipeline; empty for none. JSON has them in each line.
    var instance = ""
    var pipeline = ""
    /// How a text line shows on a terminal: with the time, and a colour for what needs a look.
    private let look: Look
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
        look = Look(descriptor, hasTime: format == nil)
    }

    /// What a terminal gets besides the words.
    struct Look {
        var hasTime = false
        var hasColor = false

        /// - Parameter hasTime: true for a stage, which runs for long.
        init(_ descriptor: Int32, hasTime: Bool) {
            guard isatty(descriptor) == 1 else { return }
            self.hasTime = hasTime
            let isPlain = getenv("TERM").map { String(cString: $0) } == "dumb"
            hasColor = getenv("NO_COLOR").map { $0.pointee == 0 } ?? true && !isPlain
        }

        /// `12:34:56 ` of a moment, UTC; empty without.
        func time(_ nanoseconds: Int64) -> String {
            guard hasTime else { return "" }
            return Timestamp.text(nanoseconds: nanoseconds).dropFirst(11).prefix(8) + "Z "
        }

        func word(_ level: LogLevel) -> String {
            let word = "\(level.rawValue.lowercased()):"
            guard hasColor else { return word }
            return "\u{1B}[1;\(level == .error ? 31 : 33)m\(word)\u{1B}[0m"
        }
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

    /// True when what an operator expects to see is written, progress included.
    public var showsProgress: Bool { level <= .info }

    /// Something worth knowing when looking for a fault.
    public func debug(
        _ message: String, _ fields: KeyValuePairs<String, LogValue> = [:], cause: String? = nil
    ) {
        write(.debug, message, fields, cause)
    }

    /// Something that an operator expects to see.
    public func info(
        _ message: String, _ fields: KeyValuePairs<String, LogValue> = [:], cause: String? = nil
    ) {
        write(.info, message, fields, cause)
    }

    /// Something that an operator should look at; the stage goes on.
    public func warning(
        _ message: String, _ fields: KeyValuePairs<String, LogValue> = [:], cause: String? = nil
    ) {
        write(.warning, message, fields, cause)
    }

    /// Why the stage ends, or what it lost.
    public func error(
        _ message: String, _ fields: KeyValuePairs<String, LogValue> = [:], cause: String? = nil
    ) {
        write(.error, message, fields, cause)
    }

    /// Says what was left out because its cause had too many lines; at the end of the program.
    func endLimits() {
        for (cause, lines) in limiter.leftOut() {
            info("log lines were left out", ["cause": "\(cause)", "left_out": "\(lines)"])
        }
    }

    private func write(
        _ level: LogLevel, _ message: String, _ fields: KeyValuePairs<String, LogValue>,
        _ cause: String?
    ) {
        let message = message.withoutUserInfo
        if level >= .warning { lastError?.set(message) }
        guard level >= self.level else { return }
        var fields = fields.map { (key: $0.key, value: $0.value) }
        if let cause {
            guard let leftOut = limiter.admit(cause) else { return }
            if leftOut > 0 { fields.append((key: "left_out", value: "\(leftOut)")) }
        }
        let time = Clock.realtimeNanoseconds()
        var line = isUnderJournal ? "<\(level.priority)>" : ""
        switch format {
        case .text:
            line += "\(look.time(time))\(stage): "
            if level >= .warning { line += look.word(level) + " " }
            line += message.escapingControls
            for (key, value) in fields {
                line += " \(key)=\(Self.word(value.text.withoutUserInfo))"
            }
        case .json:
            line += "{\"timestamp\":\"\(Timestamp.text(nanoseconds: time))\""
            line += ",\"level\":\"\(level.rawValue)\",\"stage\":"
            line.append(jsonQuoted: stage)
            line += ",\"pid\":\(getpid())"
            for (key, value) in [("instance", instance), ("pipeline", pipeline)]
            where !value.isEmpty {
                line += ",\"\(key)\":"
                line.append(jsonQuoted: value)
            }
            line += ",\"message\":"
            line.append(jsonQuoted: message)
            for (key, value) in fields {
                line += ","
                line.append(jsonQuoted: key)
                line += ":"
                if value.isNumber {
                    line += value.text
                } else {
                    line.append(jsonQuoted: value.text.withoutUserInfo)
                }
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
