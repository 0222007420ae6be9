/// Bytes and numbers in base 16.
public enum Hex {
    /// Two lower-case digits a byte.
    public static func text(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            text.append(lower[Int(byte >> 4)])
            text.append(lower[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// A number with at least `width` lower-case digits.
    public static func text(_ value: some BinaryInteger, width: Int = 1) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    private static let lower = Array("0123456789abcdef".utf8)
}
