extension JSONScanner {
    /// The run of at most 18 digits that begins at a byte: what fits a word for certain.
    @inline(__always)
    func digits(from start: Int) -> (value: Int64, count: Int, end: Int) {
        let limit = min(bytes.byteCount, start + 18)
        var index = start
        var value: Int64 = 0
        while index + 8 <= limit {
            let run = EightDigits(bytes.word(index))
            guard run.count == 8 else {
                guard run.count > 0 else { break }
                value = value &* PowersOfTen.narrow[run.count] &+ run.value
                index += run.count
                return (value, index - start, index)
            }
            value = value &* 100_000_000 &+ run.value
            index += 8
        }
        while index < limit {
            let digit = Int64(self[index]) &- 0x30
            guard UInt64(bitPattern: digit) < 10 else { break }
            value = value &* 10 &+ digit
            index += 1
        }
        return (value, index - start, index)
    }

    /// Takes a member's key of one letter and the colon right behind it, which is how the venue
    /// writes most; nil, and nothing taken, when something else is next.
    @inline(__always)
    @_lifetime(self: copy self)
    mutating func letterKey() -> Range<Int>? {
        guard offset + 4 <= bytes.byteCount, self[offset] == UInt8(ascii: "\""),
            self[offset + 2] == UInt8(ascii: "\""), self[offset + 3] == UInt8(ascii: ":")
        else { return nil }
        let letter = self[offset + 1] | 0x20
        guard (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(letter) else { return nil }
        offset += 4
        return (offset - 3)..<(offset - 2)
    }

    /// Takes digits, a point and digits, between quotes or bare, at most 18 digits in all; nil, and
    /// nothing taken, when something else is next.
    @inline(__always)
    @_lifetime(self: copy self)
    mutating func quickMantissa() -> (mantissa: Int64, exponent: Int8)? {
        let isQuoted = peek() == UInt8(ascii: "\"")
        let whole = digits(from: isQuoted ? offset + 1 : offset)
        guard whole.count > 0, whole.end < bytes.byteCount, self[whole.end] == UInt8(ascii: ".")
        else { return nil }
        let part = digits(from: whole.end + 1)
        guard part.count > 0, whole.count + part.count <= 18 else { return nil }
        if isQuoted {
            guard part.end < bytes.byteCount, self[part.end] == UInt8(ascii: "\"") else {
                return nil
            }
            offset = part.end + 1
        } else {
            guard part.end == bytes.byteCount || !Self.isNumeric(self[part.end]) else { return nil }
            offset = part.end
        }
        let scale = PowersOfTen.narrow[part.count]
        return (whole.value &* scale &+ part.value, Int8(truncatingIfNeeded: -part.count))
    }

    /// Decimal text as an exact number.
    ///
    /// - Returns: nil unless the bytes are a JSON number whose digits fit 128 bits, zeros at its
    ///   ends not counted, and whose exponent is −128 to 127.
    public static func decimal(_ bytes: RawSpan, _ range: Range<Int>) -> ExactDecimal? {
        var index = range.lowerBound
        func byte() -> UInt8? {
            index < range.upperBound ? bytes.byte(index) : nil
        }
        let isNegative = byte() == UInt8(ascii: "-")
        if isNegative { index += 1 }
        // Up to 18 digits stay in one word, which is every price and quantity of the venue.
        var narrow: Int64 = 0
        // Below zero, where there is room for one number more.
        var wide: Int128 = 0
        var digits = 0
        var significant = 0
        var fraction = 0
        // Zeros that the mantissa has no room for.
        var surplus = 0
        var hasPoint = false
        while let next = byte() {
            if next == UInt8(ascii: ".") {
                guard !hasPoint, digits > 0 else { return nil }
                hasPoint = true
            } else if (0x30...0x39).contains(next) {
                digits += 1
                guard digits <= 1024 else { return nil }
                if significant > 0 || next != 0x30 { significant += 1 }
                if significant <= 18 {
                    narrow = narrow * 10 + Int64(next - 0x30)
                    if hasPoint { fraction += 1 }
                } else {
                    if significant == 19 { wide = -Int128(narrow) }
                    let (product, overflow) = wide.multipliedReportingOverflow(by: 10)
                    let (sum, overflowed) = product.subtractingReportingOverflow(
                        Int128(next - 0x30))
                    if surplus > 0 || overflow || overflowed {
                        guard next == 0x30 else { return nil }
                        surplus += 1
                    } else {
                        wide = sum
                    }
                    if hasPoint { fraction += 1 }
                }
            } else {
                break
            }
            index += 1
        }
        guard digits > 0, !hasPoint || bytes.byte(index - 1) != UInt8(ascii: ".") else {
            return nil
        }
        var exponent = surplus - fraction
        if let mark = byte(), mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") {
            index += 1
            guard let power = self.exponent(bytes, index..<range.upperBound) else { return nil }
            exponent += power
            index = range.upperBound
        }
        guard index == range.upperBound else { return nil }
        var mantissa = significant <= 18 ? -Int128(narrow) : wide
        if mantissa == 0 { exponent = min(max(exponent, -128), 127) }
        while exponent > 127 {
            let (product, overflow) = mantissa.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            mantissa = product
            exponent -= 1
        }
        while exponent < -128 {
            guard mantissa % 10 == 0 else { return nil }
            mantissa /= 10
            exponent += 1
        }
        if !isNegative {
            guard mantissa != .min else { return nil }
            mantissa = -mantissa
        }
        return ExactDecimal(mantissa: mantissa, exponent: Int8(exponent))
    }

    /// True when the bytes are a number as RFC 8259 writes it, of whatever size.
    static func isNumber(_ bytes: RawSpan, _ range: Range<Int>) -> Bool {
        var index = range.lowerBound
        func digits() -> Int {
            let start = index
            while index < range.upperBound, (0x30...0x39).contains(bytes.byte(index)) { index += 1 }
            return index - start
        }
        func takes(_ byte: UInt8) -> Bool {
            guard index < range.upperBound, bytes.byte(index) == byte else { return false }
            index += 1
            return true
        }
        _ = takes(UInt8(ascii: "-"))
        guard digits() > 0 else { return false }
        if takes(UInt8(ascii: ".")), digits() == 0 { return false }
        if takes(UInt8(ascii: "e")) || takes(UInt8(ascii: "E")) {
            if !takes(UInt8(ascii: "+")) { _ = takes(UInt8(ascii: "-")) }
            guard digits() > 0 else { return false }
        }
        return index == range.upperBound
    }

    private static func exponent(_ bytes: RawSpan, _ range: Range<Int>) -> Int? {
        var text = ""
        guard range.count <= 5 else { return nil }
        for index in range {
            text.unicodeScalars.append(
                UnicodeScalar(bytes.byte(index)))
        }
        return Int(text)
    }
}

/// Escapes in JSON strings.
enum JSONEscapes {
    /// The text between two quotes with its escapes resolved.
    static func resolve(
        _ range: Range<Int>, in bytes: RawSpan, isLenient: Bool = false
    ) throws(JSONScanner.Failure) -> String {
        var resolved: [UInt8] = []
        resolved.reserveCapacity(range.count)
        var index = range.lowerBound
        func byte(_ index: Int) -> UInt8 { bytes.byte(index) }
        while index < range.upperBound {
            let next = byte(index)
            index += 1
            guard next == UInt8(ascii: "\\") else {
                resolved.append(next)
                continue
            }
            let escape = byte(index)
            index += 1
            switch escape {
            case UInt8(ascii: "n"): resolved.append(0x0A)
            case UInt8(ascii: "t"): resolved.append(0x09)
            case UInt8(ascii: "r"): resolved.append(0x0D)
            case UInt8(ascii: "b"): resolved.append(0x08)
            case UInt8(ascii: "f"): resolved.append(0x0C)
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): resolved.append(escape)
            case UInt8(ascii: "u"):
                var unit = hexadecimal(bytes, &index, range.upperBound)
                if let high = unit, (0xD800..<0xDC00).contains(high), index + 2 <= range.upperBound,
                    byte(index) == UInt8(ascii: "\\"), byte(index + 1) == UInt8(ascii: "u")
                {
                    index += 2
                    unit = hexadecimal(bytes, &index, range.upperBound).flatMap { low in
                        (0xDC00..<0xE000).contains(low)
                            ? 0x10000 + (high - 0xD800) << 10 + (low - 0xDC00) : nil
                    }
                }
                if isLenient { unit = unit.flatMap { UnicodeScalar($0) }?.value ?? 0xFFFD }
                guard let unit, let scalar = UnicodeScalar(unit) else {
                    throw JSONScanner.Failure(offset: index, reason: "a broken \\u escape")
                }
                resolved += Array(String(Character(scalar)).utf8)
            case _ where isLenient: resolved.append(escape)
            default:
                throw JSONScanner.Failure(offset: index, reason: "an unknown escape")
            }
        }
        if isLenient { return String(decoding: resolved, as: UTF8.self) }
        guard let text = String(validating: resolved, as: UTF8.self) else {
            throw JSONScanner.Failure(
                offset: range.lowerBound, reason: "a string that is not UTF-8")
        }
        return text
    }

    private static func hexadecimal(_ bytes: RawSpan, _ index: inout Int, _ end: Int) -> UInt32? {
        guard index + 4 <= end else { return nil }
        var value: UInt32 = 0
        for _ in 0..<4 {
            let scalar = UnicodeScalar(bytes.byte(index))
            guard let digit = Character(scalar).hexDigitValue else { return nil }
            value = value << 4 | UInt32(digit)
            index += 1
        }
        return value
    }
}

/// The digits at the beginning of eight bytes of text, taken all at once.
///
/// Source of the two steps: "Parsing series of integers with SIMD" and "Quickly parsing eight
/// digits", D. Lemire and W. Muła, 2018 to 2023.
struct EightDigits {
    /// How many of the bytes are digits before the first one that is not.
    let count: Int
    /// The number that these digits are.
    let value: Int64

    /// - Parameter text: the bytes, the first one lowest.
    @inline(__always)
    init(_ text: UInt64) {
        let digits = text ^ 0x3030_3030_3030_3030
        // The top bit of each byte from the first on that is not 0 to 9; what follows that one
        // may be wrong by its carry and is not looked at.
        let others = ((digits &+ 0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080
        count = others.trailingZeroBitCount / 8
        guard count > 0 else {
            value = 0
            return
        }
        // Zeros in front instead of what is behind; then pairs, then two fours at once.
        let aligned = digits &<< UInt64(64 - 8 * count)
        let pairs = aligned &* 10 &+ aligned &>> 8
        let low = (pairs & 0x0000_00FF_0000_00FF) &* 0x000F_4240_0000_0064
        let high = ((pairs &>> 16) & 0x0000_00FF_0000_00FF) &* 0x0000_2710_0000_0001
        value = Int64(truncatingIfNeeded: (low &+ high) &>> 32)
    }
}

extension RawSpan {
    /// Eight bytes, the first one lowest; the index is checked.
    @inline(__always)
    func word(_ index: Int) -> UInt64 {
        UInt64(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
    }

    /// Four bytes, the first one lowest; the index is checked.
    @inline(__always)
    func half(_ index: Int) -> UInt32 {
        UInt32(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: index, as: UInt32.self))
    }

    /// One byte; the index is checked.
    @inlinable @inline(__always)
    func byte(_ index: Int) -> UInt8 { unsafe unsafeLoad(fromByteOffset: index, as: UInt8.self) }
}
