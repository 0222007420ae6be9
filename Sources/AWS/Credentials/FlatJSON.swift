import Encoding

/// A JSON object of texts, numbers and words, as the credential services answer: names and values.
enum FlatJSON {
    /// Reads an object; values other than texts keep their spelling. Nil for anything else, also
    /// for nested values.
    static func parse(_ bytes: [UInt8]) -> [String: String]? {
        var fields: [String: String] = [:]
        var scanner = JSONScanner(bytes.span.bytes)
        do throws(JSONScanner.Failure) {
            try scanner.take(UInt8(ascii: "{"))
            var isFirst = true
            while try scanner.more(&isFirst, until: UInt8(ascii: "}")) {
                let name = try scanner.text()
                try scanner.take(UInt8(ascii: ":"))
                if scanner.isAtString() {
                    fields[name] = try scanner.text()
                    continue
                }
                let first = scanner.peek()
                guard first != UInt8(ascii: "{"), first != UInt8(ascii: "[") else { return nil }
                let start = scanner.position
                try scanner.skip()
                fields[name] = String(decoding: bytes[start..<scanner.position], as: UTF8.self)
            }
            try scanner.end()
        } catch { return nil }
        return fields
    }
}
