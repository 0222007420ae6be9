public import Posix

extension Bytes {
    /// Appends a whole number as decimal text.
    public mutating func append(decimal value: Int64) {
        append(decimal: value, exponent: 0)
    }

    /// Appends mantissa × 10^exponent as plain decimal text, such as `65432.10000000`: every digit
    /// that the exponent stands for, no power notation.
    public mutating func append(decimal mantissa: Int64, exponent: Int8) {
        guard exponent <= 0, exponent >= -18 else {
            return append(decimal: Int128(mantissa), exponent: exponent)
        }
        let fraction = -Int(exponent)
        // Sign, 20 digits, point: at most 22 bytes, written from the back.
        unsafe append(room: 24) { room in
            var magnitude = mantissa.magnitude
            var position = 24
            var written = 0
            repeat {
                if written == fraction && fraction > 0 {
                    position -= 1
                    unsafe room[position] = UInt8(ascii: ".")
                }
                let (quotient, digit) = magnitude.quotientAndRemainder(dividingBy: 10)
                position -= 1
                unsafe room[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
                magnitude = quotient
                written += 1
            } while magnitude != 0 || written <= fraction
            if mantissa < 0 {
                position -= 1
                unsafe room[position] = UInt8(ascii: "-")
            }
            let length = 24 - position
            guard let base = unsafe room.baseAddress else { return 0 }
            unsafe base.copyMemory(from: base + position, byteCount: length)
            return length
        }
    }

    /// Appends mantissa × 10^exponent as plain decimal text; the form for any width.
    public mutating func append(decimal mantissa: Int128, exponent: Int8) {
        if mantissa < 0 { append(UInt8(ascii: "-")) }
        var digits = Array(String(mantissa.magnitude).utf8)
        if exponent > 0 && mantissa != 0 {
            digits += [UInt8](repeating: UInt8(ascii: "0"), count: Int(exponent))
        }
        let fraction = max(0, -Int(exponent))
        if digits.count <= fraction {
            let missing = fraction + 1 - digits.count
            digits.insert(contentsOf: [UInt8](repeating: UInt8(ascii: "0"), count: missing), at: 0)
        }
        if fraction > 0 { digits.insert(UInt8(ascii: "."), at: digits.count - fraction) }
        append(digits.span.bytes)
    }
}
