extension JSONScanner {
    /// Takes a number written as most are: perhaps a minus, digits, perhaps a point and digits, at
    /// most 18 digits in all, then the end of the value.
    ///
    /// - Returns: its digits with sign, and how many of them are behind the point; nil, and nothing
    ///   taken, for anything else.
    @inline(__always)
    @_lifetime(self: copy self)
    public mutating func plainNumber() -> (mantissa: Int64, fraction: Int)? {
        guard let first = peek() else { return nil }
        let isNegative = first == UInt8(ascii: "-")
        let start = isNegative ? offset + 1 : offset
        let whole = digits(from: start)
        guard whole.count > 0 else { return nil }
        var (value, end, fraction) = (whole.value, whole.end, 0)
        if end < bytes.byteCount, self[end] == UInt8(ascii: ".") {
            let part = digits(from: end + 1)
            guard part.count > 0, whole.count + part.count <= 18 else { return nil }
            value = value &* PowersOfTen.narrow[part.count] &+ part.value
            fraction = part.count
            end = part.end
        }
        if end < bytes.byteCount {
            switch self[end] {
            case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0x20, 0x09, 0x0A, 0x0D:
                break
            default: return nil
            }
        }
        offset = end
        return (isNegative ? 0 &- value : value, fraction)
    }
}
