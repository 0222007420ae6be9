import Encoding

/// Status line and fields of a response.
///
/// Source: RFC 9112, sections 4 and 5; a line may end without its carriage return.
struct HTTPHead {
    let version: String
    let status: Int
    private var fields: [(name: String, value: String)] = []

    /// Reads a header block; nil when its first line is not one of HTTP/1.
    init?(_ bytes: [UInt8]) {
        // Split as bytes: to Unicode there are more line ends than to HTTP.
        let lines = bytes.split(separator: UInt8(ascii: "\n")).map { line in
            String(
                decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
        }
        let words = (lines.first ?? "").split(separator: " ", maxSplits: 2)
        guard words.count >= 2, ["HTTP/1.0", "HTTP/1.1"].contains(words[0]),
            words[1].utf8.count == 3, let status = UInt16(words[1]), status >= 100
        else { return nil }
        version = String(words[0])
        self.status = Int(status)
        for line in lines.dropFirst() {
            if line.hasPrefix(" ") || line.hasPrefix("\t") {
                // A folded line continues the one before.
                guard let last = fields.indices.last else { continue }
                fields[last].value += " " + line.trimmedFieldValue
            } else if let colon = line.firstIndex(of: ":") {
                let value = line[line.index(after: colon)...].trimmedFieldValue
                fields.append((line[..<colon].lowercased(), value))
            }
        }
    }

    /// The first value of a field; the name in lower case.
    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    /// All values of a field; the name in lower case.
    func values(_ name: String) -> [String] {
        fields.filter { $0.name == name }.map(\.value)
    }

    /// True when a list of words, with commas between them, has this one.
    func has(_ word: String, in name: String) -> Bool {
        values(name).contains { value in
            value.lowercased().split(separator: ",").contains { $0.trimmedFieldValue == word }
        }
    }
}
