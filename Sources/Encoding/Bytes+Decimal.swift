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
        unsafe append(room: TextWriter.longestDecimal + TextWriter.slack) { room in
            guard let start = room.baseAddress else { return 0 }
            var writer = unsafe TextWriter(next: start)
            writer.put(decimal: mantissa, exponent: exponent)
            return unsafe writer.next - start
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
        append(unsafe digits.span.bytes)
    }
}
