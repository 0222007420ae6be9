import Glibc

/// Steps through JSON where it lies (RFC 8259): whoever reads an answer takes what it knows and
/// skips the rest. Every step says false or nil where the bytes are not JSON; nothing is allocated
/// but the texts that are asked for.
struct JSONCursor {
    /// Deeper nesting is refused, so that skipping cannot exhaust the stack.
    private static let maximumDepth = 64

    private let bytes: UnsafeRawBufferPointer
    private(set) var position = 0

    /// - Parameter bytes: must outlive the cursor.
    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next byte after white space; nil at the end.
    @inline(__always)
    mutating func peek() -> UInt8? {
        while position < bytes.count {
            let byte = bytes[position]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            position += 1
        }
        return nil
    }

    /// Steps over a mark; false when something else is there.
    @inline(__always)
    mutating func take(_ mark: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: mark) else { return false }
        position += 1
        return true
    }

    /// True when nothing but white space is left.
    mutating func isAtEnd() -> Bool { peek() == nil }

    // MARK: - Texts

    /// Steps over a text and gives its place between the quotes, escapes as they stand.
    mutating func rawText() -> Range<Int>? {
        guard take("\"") else { return nil }
        let start = position
        var search = start
        while search < bytes.count, let base = bytes.baseAddress,
            let found = memchr(base + search, 0x22, bytes.count - search)
        {
            let quote = UnsafeRawPointer(found) - base
            var slashes = 0
            while quote - slashes > start, bytes[quote - slashes - 1] == 0x5C { slashes += 1 }
            if slashes % 2 == 0 {
                position = quote + 1
                return start..<quote
            }
            search = quote + 1
        }
        return nil
    }

    /// The bytes of a place.
    func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[range])
    }

    /// True when a place holds exactly a text.
    @inline(__always)
    func matches(_ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount, let base = bytes.baseAddress else {
            return false
        }
        return memcmp(base + range.lowerBound, text.utf8Start, range.count) == 0
    }

    /// True when a place holds exactly these bytes.
    func matches(_ range: Range<Int>, _ text: [UInt8]) -> Bool {
        guard range.count == text.count, let base = bytes.baseAddress else { return false }
        return memcmp(base + range.lowerBound, text, range.count) == 0
    }

    /// Steps over a text, escapes resolved; bytes that are not UTF-8 show as U+FFFD.
    mutating func text() -> String? {
        guard let range = rawText() else { return nil }
        let raw = slice(range)
        guard raw.contains(0x5C) else { return String(decoding: raw, as: UTF8.self) }
        var units: [UInt16] = []
        var index = 0
        var plain = 0
        func flush(_ end: Int) {
            let part = UnsafeRawBufferPointer(rebasing: raw[plain..<end])
            units += Array(String(decoding: part, as: UTF8.self).utf16)
        }
        while index < raw.count {
            guard raw[index] == 0x5C else {
                index += 1
                continue
            }
            flush(index)
            guard index + 1 < raw.count else { return nil }
            switch raw[index + 1] {
            case UInt8(ascii: "n"): units.append(0x0A)
            case UInt8(ascii: "t"): units.append(0x09)
            case UInt8(ascii: "r"): units.append(0x0D)
            case UInt8(ascii: "b"): units.append(0x08)
            case UInt8(ascii: "f"): units.append(0x0C)
            case UInt8(ascii: "u"):
                guard index + 6 <= raw.count,
                    let unit = UInt16(
                        String(decoding: raw[(index + 2)..<(index + 6)], as: UTF8.self), radix: 16)
                else { return nil }
                units.append(unit)
                index += 4
            case let other: units.append(UInt16(other))
            }
            index += 2
            plain = index
        }
        flush(raw.count)
        return String(decoding: units, as: UTF16.self)
    }

    /// Steps over a number and gives it, if it is whole and fits.
    mutating func integer() -> Int64? {
        guard let first = peek(), first == 0x2D || (0x30...0x39).contains(first) else { return nil }
        let start = position
        skipPlain()
        return Int64(String(decoding: slice(start..<position), as: UTF8.self))
    }

    // MARK: - Structure

    /// Steps over an object and gives each member's name to `body`, which steps over the value and
    /// says whether it could.
    mutating func object(_ body: (Range<Int>, inout JSONCursor) -> Bool) -> Bool {
        guard take("{") else { return false }
        if take("}") { return true }
        repeat {
            guard let name = rawText(), take(":"), body(name, &self) else { return false }
        } while take(",")
        return take("}")
    }

    /// Steps over an array and has `body` step over each element.
    mutating func array(_ body: (inout JSONCursor) -> Bool) -> Bool {
        guard take("[") else { return false }
        if take("]") { return true }
        repeat {
            guard body(&self) else { return false }
        } while take(",")
        return take("]")
    }

    /// Steps over any value.
    mutating func skip(depth: Int = 0) -> Bool {
        guard depth < Self.maximumDepth, let first = peek() else { return false }
        switch first {
        case UInt8(ascii: "\""): return rawText() != nil
        case UInt8(ascii: "{"): return object { $1.skip(depth: depth + 1) }
        case UInt8(ascii: "["): return array { $0.skip(depth: depth + 1) }
        default:
            let start = position
            skipPlain()
            return position > start
        }
    }

    /// Steps over a number or a word.
    private mutating func skipPlain() {
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "E"):
                position += 1
            default: return
            }
        }
    }
}
