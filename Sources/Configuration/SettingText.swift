/// The forms that the texts of settings have.
public enum SettingText {
    /// A whole number in a range.
    public static func integer(_ range: ClosedRange<Int>) -> SettingForm<Int> {
        SettingForm(.integer(range)) { text throws(SettingError) in
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
    public static func seconds(_ range: ClosedRange<Double>) -> SettingForm<Double> {
        SettingForm(.seconds(range)) { text throws(SettingError) in
            let units: [(String, Double)] = [
                ("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("", 1),
            ]
            for (unit, factor) in units where text.hasSuffix(unit) {
                guard let value = decimal(text.dropLast(unit.count)) else { continue }
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
    public static func bytes(_ range: ClosedRange<Int>) -> SettingForm<Int> {
        SettingForm(.bytes(range)) { text throws(SettingError) in
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
    public static let boolean = SettingForm<Bool>(.boolean) { text throws(SettingError) in
        switch text.lowercased() {
        case "true", "yes", "on", "1": return true
        case "false", "no", "off", "0": return false
        default: throw SettingError("\"\(text)\" is neither true nor false")
        }
    }

    /// A percentage, with decimals.
    public static let percent = SettingForm<Double>(.percent) { text throws(SettingError) in
        let digits = text.hasSuffix("%") ? String(text.dropLast()) : text
        guard let value = decimal(digits), (0...100).contains(value) else {
            throw SettingError("\"\(text)\" is not a percentage between 0 and 100")
        }
        return value
    }

    /// A number as people write it: no hexadecimal, infinity or such, which `Double` reads as well.
    private static func decimal(_ text: some StringProtocol) -> Double? {
        guard text.utf8.allSatisfy({ "+-.0123456789eE".utf8.contains($0) }),
            let value = Double(text), value.isFinite
        else { return nil }
        return value
    }

    /// One of some words, whatever their case.
    public static func word<
        Choice: RawRepresentable<String> & CaseIterable & Sendable & SendableMetatype
    >(
        _ type: Choice.Type
    ) -> SettingForm<Choice> {
        let choices = Array(Choice.allCases)
        return SettingForm(.word(choices.map(\.rawValue))) { text throws(SettingError) in
            for choice in choices where choice.rawValue.lowercased() == text.lowercased() {
                return choice
            }
            let words = choices.map(\.rawValue).joined(separator: ", ")
            throw SettingError("\"\(text)\" is not one of \(words)")
        }
    }

    /// Words with commas or white space between them.
    public static let list = SettingForm<[String]>(.list([])) { text throws(SettingError) in
        elements(text)
    }

    /// Some of these words, whatever their case, each once.
    public static func list(of words: [String]) -> SettingForm<[String]> {
        SettingForm(.list(words)) { text throws(SettingError) in
            var found: [String] = []
            for element in elements(text) {
                // Two words may differ by case only, as kline_1m and kline_1M do.
                let match =
                    words.first { $0 == element }
                    ?? words.first { $0.lowercased() == element.lowercased() }
                guard let word = match else {
                    throw SettingError(
                        "\"\(element)\" is not one of \(words.joined(separator: ", "))")
                }
                guard !found.contains(word) else {
                    throw SettingError("\(word) is named twice")
                }
                found.append(word)
            }
            return found
        }
    }

    /// Any text but none, or one that would be a path.
    public static let name = SettingForm<String>(.text) { text throws(SettingError) in
        guard !text.isEmpty, text != ".", text != ".." else {
            throw SettingError("\"\(text)\" is not a name")
        }
        return text
    }

    /// A path.
    public static let path = SettingForm<String>(.text) { text throws(SettingError) in
        guard !text.isEmpty else { throw SettingError("an empty text is not a path") }
        return text
    }

    /// A schema of SBE: two numbers of 16 bits.
    public static let schema = SettingForm<String>(.text) { text throws(SettingError) in
        let numbers = text.split(separator: ":", omittingEmptySubsequences: false).map {
            UInt16($0)
        }
        guard numbers.count == 2, let id = numbers[0], let version = numbers[1] else {
            throw SettingError("\"\(text)\" is not the id and version of a schema, such as 3:5")
        }
        return "\(id):\(version)"
    }

    /// Any text.
    public static let text = SettingForm<String>(.text) { text throws(SettingError) in text }

    /// A URL with a host and one of these schemes.
    public static func url(_ schemes: [String]) -> SettingForm<String> {
        SettingForm(.url(schemes)) { text throws(SettingError) in
            for scheme in schemes where text.lowercased().hasPrefix("\(scheme)://") {
                let rest = text.dropFirst(scheme.count + 3)
                let host = rest.prefix { !"/?#".contains($0) }
                let isHostThere = host.split(separator: "@").last.map { !$0.hasPrefix(":") }
                if isHostThere == true || scheme == "file" && rest.hasPrefix("/"),
                    !text.contains(where: \.isWhitespace)
                {
                    return text
                }
            }
            let forms = schemes.map { "\($0)://…" }.joined(separator: " or ")
            throw SettingError("\"\(text)\" is not a URL such as \(forms)")
        }
    }

    /// The elements of a list.
    static func elements(_ text: String) -> [String] {
        text.split { $0 == "," || $0.isWhitespace }.map(String.init)
    }
}
