/// A JSON object of texts, numbers and words, as the credential services answer: names and values.
enum FlatJSON {
    /// Reads an object; values other than texts keep their spelling. Nil for anything else, also
    /// for nested values.
    static func parse(_ bytes: [UInt8]) -> [String: String]? {
        var reader = Reader(bytes: bytes)
        guard reader.take("{") else { return nil }
        var fields: [String: String] = [:]
        if !reader.take("}") {
            repeat {
                guard let name = reader.text(), reader.take(":"), let value = reader.value()
                else { return nil }
                fields[name] = value
            } while reader.take(",")
            guard reader.take("}") else { return nil }
        }
        reader.skipSpace()
        return reader.isAtEnd ? fields : nil
    }

    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        var isAtEnd: Bool { position == bytes.count }

        mutating func skipSpace() {
            while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
                position += 1
            }
        }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: character) else {
                return false
            }
            position += 1
            return true
        }

        mutating func value() -> String? {
            skipSpace()
            guard position < bytes.count else { return nil }
            if bytes[position] == UInt8(ascii: "\"") { return text() }
            let start = position
            while position < bytes.count,
                bytes[position] >= 0x2B && bytes[position] <= 0x7A
                    && ![UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: ":")].contains(
                        bytes[position])
            { position += 1 }
            return start == position
                ? nil : String(decoding: bytes[start..<position], as: UTF8.self)
        }

        mutating func text() -> String? {
            guard take("\"") else { return nil }
            var units: [UInt8] = []
            while position < bytes.count {
                let byte = bytes[position]
                position += 1
                if byte == UInt8(ascii: "\"") { return String(decoding: units, as: UTF8.self) }
                guard byte == UInt8(ascii: "\\") else {
                    units.append(byte)
                    continue
                }
                guard position < bytes.count else { return nil }
                let escape = bytes[position]
                position += 1
                switch escape {
                case UInt8(ascii: "n"): units.append(0x0A)
                case UInt8(ascii: "t"): units.append(0x09)
                case UInt8(ascii: "r"): units.append(0x0D)
                case UInt8(ascii: "b"): units.append(0x08)
                case UInt8(ascii: "f"): units.append(0x0C)
                case UInt8(ascii: "u"):
                    // Credentials are ASCII; a surrogate is refused with the object.
                    guard position + 4 <= bytes.count,
                        let code = UInt32(
                            String(decoding: bytes[position..<position + 4], as: UTF8.self),
                            radix: 16),
                        let scalar = Unicode.Scalar(code)
                    else { return nil }
                    units.append(contentsOf: Array(String(Character(scalar)).utf8))
                    position += 4
                default: units.append(escape)
                }
            }
            return nil
        }
    }
}
