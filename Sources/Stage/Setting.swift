public import ArgumentParser

/// One setting, declared once: its key in the configuration file, flag, environment variable,
/// default, unit and meaning. Help, manual page, completions and `--explain-config` come from here.
public struct Setting<Value: Sendable>: Sendable {
    /// Its place in the configuration file, such as `retry.max_attempts`.
    public let key: String
    /// The long option without dashes; nil for what must not stand on a command line.
    public let flag: String?
    /// The environment variable.
    public let environment: String
    /// One that is asked after it.
    public let otherEnvironment: String?
    /// The default as a text that ``parse`` takes; nil when there is none.
    public let fallback: String?
    /// What a value looks like, in words for the help: `SECONDS`, `BYTES`.
    public let valueName: String
    /// One sentence.
    public let help: String
    /// What the text of the environment variable stands for, where that is not itself.
    let adapt: (@Sendable (String) -> String)?
    /// Text to value.
    public let parse: @Sendable (String) throws(SettingError) -> Value

    /// Declares a setting.
    ///
    /// - Parameters:
    ///   - environment: left out, the key in capitals with `__` for each dot.
    ///   - otherEnvironment: a variable that is asked when that one is not set.
    ///   - adapt: makes the value's text of the variable's.
    public init(
        _ key: String, flag: String?, environment: String? = nil,
        or otherEnvironment: String? = nil,
        default fallback: String?, value valueName: String, _ help: String,
        inEnvironment adapt: (@Sendable (String) -> String)? = nil,
        parse: @escaping @Sendable (String) throws(SettingError) -> Value
    ) {
        self.key = key
        self.flag = flag
        self.environment = environment ?? Self.environmentName(key)
        self.otherEnvironment = otherEnvironment
        self.fallback = fallback
        self.valueName = valueName
        self.help = help
        self.adapt = adapt
        self.parse = parse
    }

    private static func environmentName(_ key: String) -> String {
        key.split(separator: ".").joined(separator: "__").uppercased()
    }

    /// The help with default and unit.
    var argumentHelp: ArgumentHelp {
        let shown = fallback.map { " (default: \($0))" } ?? ""
        return ArgumentHelp(stringLiteral: help + shown).with(valueName: valueName.lowercased())
    }
}

extension ArgumentHelp {
    fileprivate func with(valueName: String) -> Self {
        var help = self
        help.valueName = valueName
        return help
    }
}

/// A value that a setting does not take.
public struct SettingError: Error, Equatable, CustomStringConvertible {
    /// What is wrong, such as `"x" is not a whole number`.
    public let description: String

    /// Refuses a value.
    public init(_ description: String) { self.description = description }
}

extension Option {
    /// The option of a setting: optional, because the environment and the file come after it.
    public init<Parsed>(_ setting: Setting<Parsed>) where Value == Parsed? {
        self.init(
            name: .customLong(setting.flag ?? setting.key), help: setting.argumentHelp,
            transform: { text in
                do throws(SettingError) { return try setting.parse(text) } catch {
                    throw ValidationError(error.description)
                }
            })
    }
}

/// The texts that settings take.
public enum SettingText {
    /// A whole number in a range.
    public static func integer(
        _ range: ClosedRange<Int>
    ) -> @Sendable (String) throws(SettingError) -> Int {
        { text throws(SettingError) in
            guard let value = Int(text) else {
                throw SettingError("\"\(text)\" is not a whole number")
            }
            guard range.contains(value) else {
                throw SettingError(
                    "\(value) is not between \(range.lowerBound) and \(range.upperBound)")
            }
            return value
        }
    }

    /// Seconds, with decimals; `ms`, `s`, `m`, `h` and `d` may follow.
    public static func seconds(
        _ range: ClosedRange<Double>
    ) -> @Sendable (String) throws(SettingError) -> Double {
        { text throws(SettingError) in
            let units: [(String, Double)] = [
                ("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("", 1),
            ]
            for (unit, factor) in units where text.hasSuffix(unit) {
                guard let value = Double(text.dropLast(unit.count)), value.isFinite else {
                    continue
                }
                let seconds = value * factor
                guard range.contains(seconds) else {
                    throw SettingError(
                        "\(text) is not between \(range.lowerBound) and \(range.upperBound) seconds"
                    )
                }
                return seconds
            }
            throw SettingError("\"\(text)\" is not a time in seconds (such as 30, 1.5, 500ms, 10m)")
        }
    }

    /// Bytes; `k`, `M`, `G` with an optional `iB` or `B` may follow, all powers of 1024.
    public static func bytes(
        _ range: ClosedRange<Int>
    ) -> @Sendable (String) throws(SettingError) -> Int {
        { text throws(SettingError) in
            let digits = text.prefix { $0.isASCII && $0.isNumber }
            let shifts = ["": 0, "k": 10, "m": 20, "g": 30, "t": 40]
            var unit = text.dropFirst(digits.count).lowercased()
            if unit.hasSuffix("ib") {
                unit.removeLast(2)
            } else if unit.hasSuffix("b") {
                unit.removeLast()
            }
            guard let value = Int(digits), let shift = shifts[unit] else {
                throw SettingError(
                    "\"\(text)\" is not a number of bytes (such as 65536, 64k, 128MiB)")
            }
            let (bytes, overflow) = value.multipliedReportingOverflow(by: 1 << shift)
            guard !overflow, range.contains(bytes) else {
                throw SettingError(
                    "\(text) is not between \(range.lowerBound) and \(range.upperBound) bytes")
            }
            return bytes
        }
    }

    /// `true` or `false`, `yes`/`no`, `on`/`off`, `1`/`0`.
    public static func boolean(_ text: String) throws(SettingError) -> Bool {
        switch text.lowercased() {
        case "true", "yes", "on", "1": return true
        case "false", "no", "off", "0": return false
        default: throw SettingError("\"\(text)\" is neither true nor false")
        }
    }

    /// One of some words, whatever their case.
    public static func word<
        Choice: RawRepresentable<String> & CaseIterable & Sendable & SendableMetatype
    >(
        _ type: Choice.Type
    ) -> @Sendable (String) throws(SettingError) -> Choice {
        let choices = Array(Choice.allCases)
        return { text throws(SettingError) in
            for choice in choices where choice.rawValue.lowercased() == text.lowercased() {
                return choice
            }
            let words = choices.map(\.rawValue).joined(separator: ", ")
            throw SettingError("\"\(text)\" is not one of \(words)")
        }
    }

    /// Words with commas or white space between them.
    public static func list(_ text: String) throws(SettingError) -> [String] {
        text.split { $0 == "," || $0.isWhitespace }.map(String.init)
    }

    /// Any text but none, or one that would be a path.
    @Sendable
    public static func name(_ text: String) throws(SettingError) -> String {
        guard !text.isEmpty, text != ".", text != ".." else {
            throw SettingError("\"\(text)\" is not a name")
        }
        return text
    }

    /// Any text.
    public static func text(_ text: String) throws(SettingError) -> String { text }
}
