import Encoding

extension ConfigurationReference {
    /// A JSON Schema of the configuration file, for editors (draft 07, which they know).
    static var schema: String {
        var root = Section()
        for (_, entries) in sections {
            for entry in entries {
                root.insert(entry.key.split(separator: ".")[...], property(entry))
            }
        }
        for old in LegacyKey.all {
            let text =
                old.successor.map { "Now \($0): \(old.reason)." } ?? "No effect: \(old.reason)."
            root.insert(
                old.key.split(separator: ".")[...],
                "{\"description\": \(String(jsonQuoted: text)), \"deprecated\": true}")
        }
        return """
            {
              "$schema": "http://json-schema.org/draft-07/schema#",
              "title": "Configuration of bitcoin-ingestor",
              "type": "object",
              "additionalProperties": false,
              "patternProperties": {"^x-": {}},
              "properties": {
            \(root.text(indentation: "    "))
              }
            }

            """
    }

    /// The schemas of a section's keys.
    private struct Section {
        var leaves: [String: String] = [:]
        var sections: [String: Section] = [:]

        mutating func insert(_ path: ArraySlice<Substring>, _ schema: String) {
            guard let name = path.first.map(String.init) else { return }
            if path.count == 1 {
                leaves[name] = schema
            } else {
                sections[name, default: Section()].insert(path.dropFirst(), schema)
            }
        }

        func text(indentation: String) -> String {
            let names = (Array(leaves.keys) + sections.keys).sorted()
            return names.map { name in
                let value =
                    leaves[name] ?? """
                        {
                        \(indentation)  "type": ["object", "null"],
                        \(indentation)  "additionalProperties": false,
                        \(indentation)  "properties": {
                        \(sections[name]?.text(indentation: indentation + "    ") ?? "")
                        \(indentation)  }
                        \(indentation)}
                        """
                return "\(indentation)\(String(jsonQuoted: name)): \(value)"
            }.joined(separator: ",\n")
        }
    }

    /// The schema of a value. Every value may be null, and text with a variable in it.
    private static func property(_ entry: Entry) -> String {
        let variable = "{\"type\": \"string\", \"pattern\": \"\\\\$\\\\{\"}"
        let forms = entry.first.shape.schemas + [variable, "{\"type\": \"null\"}"]
        var text = "{\"description\": \(String(jsonQuoted: entry.meaning))"
        if !entry.fallback.isEmpty {
            text += ", \"default\": \(String(jsonQuoted: entry.fallback))"
        }
        return text + ", \"anyOf\": [\(forms.joined(separator: ", "))]}"
    }
}

extension SettingShape {
    /// What a value may be, as JSON Schemas of which one holds.
    fileprivate var schemas: [String] {
        let numberText = "{\"type\": \"string\", \"pattern\": \"^[0-9.]+ *[A-Za-z%]*$\"}"
        switch self {
        case .text:
            return ["{\"type\": [\"string\", \"number\", \"boolean\"]}"]
        case .url(let schemes):
            return [
                "{\"type\": \"string\", \"pattern\": \"^(\(schemes.joined(separator: "|")))://\"}"
            ]
        case .integer(let range):
            let high = range.upperBound == .max ? "" : ", \"maximum\": \(range.upperBound)"
            return ["{\"type\": \"integer\", \"minimum\": \(range.lowerBound)\(high)}", numberText]
        case .seconds(let range):
            return [
                "{\"type\": \"number\", \"minimum\": \(range.lowerBound), "
                    + "\"maximum\": \(range.upperBound)}", numberText,
            ]
        case .bytes(let range):
            return [
                "{\"type\": \"integer\", \"minimum\": \(range.lowerBound), "
                    + "\"maximum\": \(range.upperBound)}", numberText,
            ]
        case .percent:
            return ["{\"type\": \"number\", \"minimum\": 0, \"maximum\": 100}", numberText]
        case .boolean:
            return [
                "{\"type\": \"boolean\"}",
                "{\"enum\": [\"yes\", \"no\", \"on\", \"off\", \"true\", \"false\", 1, 0]}",
            ]
        case .word(let words):
            return ["{\"enum\": [\(Self.quoted(words))]}"]
        case .list(let words):
            let items =
                words.isEmpty
                ? "{\"type\": [\"string\", \"number\"]}" : "{\"enum\": [\(Self.quoted(words))]}"
            return ["{\"type\": \"array\", \"items\": \(items)}", "{\"type\": \"string\"}"]
        }
    }

    private static func quoted(_ words: [String]) -> String {
        // Any case is taken; an editor offers the two usual ones.
        var seen: Set<String> = []
        return (words + words.map { $0.lowercased() } + words.map { $0.uppercased() })
            .filter { seen.insert($0).inserted }
            .map { String(jsonQuoted: $0) }.joined(separator: ", ")
    }
}
