import Posix

extension Bytes {
    /// Appends a line of JSON with a member to a line; arrays inside stay on theirs, so that a book
    /// has a level to a line.
    mutating func append(prettyJSON line: RawSpan) {
        var depth = 0
        var isText = false
        var isEscaped = false
        // How deep a line is broken: the members of the record, and the levels of a side.
        func breaks(_ depth: Int) -> Bool { depth <= 2 }
        func indent(_ depth: Int, _ bytes: inout Bytes) {
            bytes.append("\n")
            for _ in 0..<depth { bytes.append("  ") }
        }
        for index in 0..<line.byteCount {
            let byte = line.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            if isText {
                append(byte)
                if byte == UInt8(ascii: "\""), !isEscaped { isText = false }
                isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
                continue
            }
            switch byte {
            case UInt8(ascii: "\""):
                isText = true
                append(byte)
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                append(byte)
                depth += 1
                let isEmpty =
                    index + 1 < line.byteCount
                    && [UInt8(ascii: "}"), UInt8(ascii: "]")].contains(
                        line.unsafeLoad(fromByteOffset: index + 1, as: UInt8.self))
                if breaks(depth), !isEmpty { indent(depth, &self) }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                let isEmpty =
                    index > 0
                    && [UInt8(ascii: "{"), UInt8(ascii: "[")].contains(
                        line.unsafeLoad(fromByteOffset: index - 1, as: UInt8.self))
                if breaks(depth), !isEmpty { indent(depth - 1, &self) }
                depth -= 1
                append(byte)
            case UInt8(ascii: ","):
                append(byte)
                if breaks(depth) { indent(depth, &self) } else { append(" ") }
            case UInt8(ascii: ":"):
                append(": ")
            case 0x0A: break
            default: append(byte)
            }
        }
        append("\n")
    }
}
