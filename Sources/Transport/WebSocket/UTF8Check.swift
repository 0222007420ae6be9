/// Checks UTF-8 that comes in pieces, as RFC 3629 has it: no overlong forms, no surrogates, nothing
/// above U+10FFFF.
struct UTF8Check {
    /// Bytes that the character under way still lacks.
    private var left = 0
    /// What the next of them may be; the first one after some leading bytes is narrower.
    private var allowed: ClosedRange<UInt8> = 0x80...0xBF

    /// True between characters.
    var isComplete: Bool { left == 0 }

    /// Takes the next bytes.
    ///
    /// - Returns: false as soon as they cannot become UTF-8.
    mutating func take(_ bytes: RawSpan) -> Bool {
        var index = 0
        let count = bytes.byteCount
        while index < count {
            if left == 0 {
                // Eight ASCII bytes at once: most text is nothing else.
                while index + 8 <= count,
                    bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self)
                        & 0x8080_8080_8080_8080 == 0
                { index += 8 }
                guard index < count else { return true }
            }
            let byte = bytes.unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self)
            index += 1
            if left > 0 {
                guard allowed.contains(byte) else { return false }
                left -= 1
                allowed = 0x80...0xBF
            } else if byte >= 0x80 {
                guard begin(byte) else { return false }
            }
        }
        return true
    }

    private mutating func begin(_ byte: UInt8) -> Bool {
        switch byte {
        case 0xC2...0xDF: left = 1
        case 0xE0: (left, allowed) = (2, 0xA0...0xBF)
        case 0xED: (left, allowed) = (2, 0x80...0x9F)
        case 0xE1...0xEF: left = 2
        case 0xF0: (left, allowed) = (3, 0x90...0xBF)
        case 0xF1...0xF3: left = 3
        case 0xF4: (left, allowed) = (3, 0x80...0x8F)
        default: return false
        }
        return true
    }
}
