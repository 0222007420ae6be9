import Encoding
import Posix

/// A file of variables, `.env`, in the dialects that are about: lines of `NAME=value`, with or
/// without `export`, with LF or CRLF, with a byte order mark or without.
///
/// - Without quotes: white space around the value is not part of it, and ` #` begins a comment.
/// - In single quotes: as it is, over several lines if need be.
/// - In double quotes: also over several lines; `\n`, `\r`, `\t`, `\\`, `\"` and `\$` are what they
///   are in a shell.
/// - `${NAME}` and `${NAME:-default}`, but in single quotes: another variable, of this file above or of
///   the environment. A `$` without a brace is itself, since passwords have them.
/// - `NAME` alone says nothing; of a name that is set twice the last one counts.
struct EnvFile {
    /// A variable and where it is set.
    struct Entry: Sendable, Equatable {
        let name: String
        let value: String
        let line: Int
    }

    /// As for a configuration file: this keeps a wrong path from being read whole.
    static let maximumLength = 1 << 20

    let path: String
    private(set) var entries: [Entry] = []
    /// What is wrong in it, with its line.
    private(set) var problems: [ConfigFile.Problem] = []

    /// Reads a file.
    init(path: String, variables: Variables) throws(ConfigurationError) {
        let bytes: [UInt8]
        do { bytes = try Files.read(path, limit: Self.maximumLength) } catch {
            throw ConfigurationError("environment file: \(error)")
        }
        self.init(path: path, bytes: bytes, variables: variables)
    }

    init(path: String, bytes: [UInt8], variables: Variables) {
        self.path = path
        var text = EnvText(bytes)
        guard !text.hasNUL else {
            problems.append(
                ConfigFile.Problem(line: 1, reason: "a NUL byte: the file is not text in UTF-8"))
            return
        }
        var known: [String: String] = [:]
        while !text.isAtEnd {
            let line = text.line
            do throws(SettingError) {
                guard let (name, value, isLiteral) = try text.nextEntry() else { continue }
                let whole = isLiteral ? value : try Self.expanded(value, known, variables)
                known[name] = whole
                entries.append(Entry(name: name, value: whole, line: line))
            } catch {
                problems.append(ConfigFile.Problem(line: line, reason: error.description))
                text.skipLine()
            }
        }
    }

    /// A backslash before a brace's `$` was marked by the reader: it stays.
    private static func expanded(
        _ value: String, _ known: [String: String], _ variables: Variables
    ) throws(SettingError) -> String {
        var all = variables
        if !known.isEmpty {
            // What the environment has wins in the end, so it wins here too.
            all = Variables(known.merging(variables.dictionary) { $1 })
        }
        return try Substitution.apply(value, all).replacing(EnvText.dollar, with: "$")
    }
}

/// The text of a file of variables, read from front to end.
private struct EnvText {
    /// Stands for a `$` that a backslash took its meaning from; a character for private use.
    static let dollar = "\u{E000}"

    private let characters: [Character]
    private var place = 0
    private(set) var line = 1
    let hasNUL: Bool

    init(_ bytes: [UInt8]) {
        var bytes = bytes[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        hasNUL = bytes.contains(0)
        // CR LF is one character of Swift; a lone CR is a line end of old.
        characters = Array(String(decoding: bytes, as: UTF8.self)).map { $0.isNewline ? "\n" : $0 }
    }

    var isAtEnd: Bool { place >= characters.count }
    private var next: Character? { isAtEnd ? nil : characters[place] }

    private mutating func advance() {
        if characters[place] == "\n" { line += 1 }
        place += 1
    }

    private mutating func skipBlanks() {
        while let character = next, character.isWhitespace, character != "\n" { advance() }
    }

    /// Steps behind the end of the line.
    mutating func skipLine() {
        while let character = next {
            advance()
            if character == "\n" { return }
        }
    }

    /// What the next line sets; nil for a line that sets nothing.
    mutating func nextEntry() throws(SettingError) -> (
        name: String, value: String, isLiteral: Bool
    )? {
        skipBlanks()
        guard let first = next, first != "\n", first != "#" else {
            skipLine()
            return nil
        }
        var name = word()
        skipBlanks()
        if name == "export", let character = next, character != "=", character != "\n" {
            name = word()
            skipBlanks()
        }
        guard !name.isEmpty, name.first?.isNumber == false else {
            throw SettingError("the line is not NAME=value")
        }
        guard let sign = next, sign != "\n", sign != "#" else {
            skipLine()
            return nil
        }
        // Some tools write NAME: value.
        guard sign == "=" || sign == ":" else { throw SettingError("the line is not NAME=value") }
        advance()
        skipBlanks()
        switch next {
        case "'":
            let value = try quoted("'", isLiteral: true)
            try expectEnd(of: name)
            return (name, value, true)
        case "\"":
            let value = try quoted("\"", isLiteral: false)
            try expectEnd(of: name)
            return (name, value, false)
        default:
            let value = plain()
            return (name, value, false)
        }
    }

    /// Letters, digits and underscores; also dots and dashes, which some names have.
    private mutating func word() -> String {
        var word = ""
        while let character = next,
            character.isASCII,
            character.isLetter || character.isNumber || "_.-".contains(character)
        {
            word.append(character)
            advance()
        }
        return word
    }

    private mutating func quoted(
        _ quote: Character, isLiteral: Bool
    ) throws(SettingError) -> String {
        let start = line
        advance()
        var value = ""
        while let character = next {
            advance()
            if character == quote { return value }
            guard character == "\\", !isLiteral, let escaped = next else {
                value.append(character)
                continue
            }
            advance()
            switch escaped {
            case "n": value.append("\n")
            case "r": value.append("\r")
            case "t": value.append("\t")
            case "$": value.append(Self.dollar)
            case "\\", "\"": value.append(escaped)
            case "\n": break
            default:
                value.append("\\")
                value.append(escaped)
            }
        }
        throw SettingError("the quotation mark \(quote) that opens in line \(start) is not closed")
    }

    private mutating func plain() -> String {
        var value = ""
        while let character = next, character != "\n" {
            if character == "#", value.isEmpty || value.last?.isWhitespace == true { break }
            value.append(character)
            advance()
        }
        skipLine()
        return value.trimmed
    }

    private mutating func expectEnd(of name: String) throws(SettingError) {
        skipBlanks()
        guard next == nil || next == "\n" || next == "#" else {
            throw SettingError("\(name): text after the closing quotation mark")
        }
        skipLine()
    }
}
