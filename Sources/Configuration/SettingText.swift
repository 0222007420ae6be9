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
