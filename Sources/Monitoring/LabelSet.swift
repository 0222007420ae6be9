/// Labels of a series, parsed from the text of a stats file.
struct LabelSet: Hashable {
    private(set) var pairs: [(name: String, value: String)] = []

    static func == (one: Self, other: Self) -> Bool { one.text == other.text }
    func hash(into hasher: inout Hasher) { hasher.combine(text) }

    init(_ pairs: KeyValuePairs<String, String>) { self.pairs = pairs.map { ($0.key, $0.value) } }

    /// Takes `name="value",…`; what is not of that form ends the set, since a stage's file is
    /// bytes from outside.
    init(parsing text: String) {
        var rest = text.unicodeScalars[...]
        while let equals = rest.firstIndex(of: "=") {
            let name = String(rest[..<equals])
            rest = rest[rest.index(after: equals)...]
            guard name.isLabelName, rest.first == "\"" else { return }
            rest = rest.dropFirst()
            guard let value = Self.value(&rest) else { return }
            pairs.append((name, value))
            if rest.first == "," { rest = rest.dropFirst() }
        }
    }

    /// The text up to the closing quote, which is taken off.
    private static func value(_ rest: inout Substring.UnicodeScalarView) -> String? {
        var value = String.UnicodeScalarView()
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\"": return String(value)
            case "\\":
                guard let escaped = rest.popFirst() else { return nil }
                value.append(escaped == "n" ? "\n" : escaped)
            default: value.append(scalar)
            }
        }
        return nil
    }

    /// What is left without some names, and with each other name once.
    func without(_ names: Set<String>) -> LabelSet {
        var names = names
        var left = LabelSet([:])
        left.pairs = pairs.filter { names.insert($0.name).inserted }
        return left
    }

    /// The value of a label; nil when there is none.
    subscript(name: String) -> String? { pairs.first { $0.name == name }?.value }

    /// As an exposition has them, without braces.
    var text: String {
        var text = ""
        for (name, value) in pairs {
            if !text.isEmpty { text += "," }
            text += name
            text += "=\""
            for scalar in value.unicodeScalars {
                switch scalar {
                case "\"": text += "\\\""
                case "\\": text += "\\\\"
                case "\n": text += "\\n"
                default: text.unicodeScalars.append(scalar)
                }
            }
            text += "\""
        }
        return text
    }
}

extension String {
    /// True for a name that Prometheus takes for a label.
    fileprivate var isLabelName: Bool {
        guard let first = utf8.first, !(48...57).contains(first), !hasPrefix("__") else {
            return false
        }
        return utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 95
        }
    }
}
