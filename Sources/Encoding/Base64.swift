import CLinux
public import Posix

/// Base64 with padding (RFC 4648, section 4).
public enum Base64 {
    /// Bytes as text.
    public static func text(_ bytes: [UInt8]) -> String {
        var text = Bytes(capacity: (bytes.count + 2) / 3 * 4 + 8)
        text.append(base64: unsafe bytes.span.bytes)
        return String(decoding: text.array, as: UTF8.self)
    }

    /// A checksum as S3 and HTTP write it: of its four bytes, the highest first.
    public static func text(bigEndian checksum: UInt32) -> String {
        text((0..<4).map { UInt8(truncatingIfNeeded: checksum >> (24 - 8 * $0)) })
    }

    /// The bytes of a text.
    ///
    /// - Parameter requiringPadding: false takes a text whose `=` at the end were left out as well.
    /// - Returns: nil for anything that is not base64.
    public static func decode(
        _ text: some StringProtocol, requiringPadding: Bool = true
    ) -> [UInt8]? {
        let bytes = Array(text.utf8)
        return decode(unsafe bytes.span.bytes, requiringPadding: requiringPadding)
    }

    /// The bytes of a text; see ``decode(_:requiringPadding:)``.
    public static func decode(_ text: RawSpan, requiringPadding: Bool = true) -> [UInt8]? {
        var count = text.byteCount
        while count > 0, text.byte(count - 1) == UInt8(ascii: "=") { count -= 1 }
        let padding = text.byteCount - count
        guard padding <= 2, count % 4 != 1, padding == 0 || (count + padding) % 4 == 0,
            !requiringPadding || (count + padding) % 4 == 0
        else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count / 4 * 3 + 2)
        var group: UInt32 = 0
        for index in 0..<count {
            let value = values[Int(text.byte(index))]
            guard value < 64 else { return nil }
            group = group << 6 | UInt32(value)
            if index % 4 == 3 {
                bytes.append(UInt8(truncatingIfNeeded: group >> 16))
                bytes.append(UInt8(truncatingIfNeeded: group >> 8))
                bytes.append(UInt8(truncatingIfNeeded: group))
            }
        }
        switch count % 4 {
        case 2: bytes.append(UInt8(truncatingIfNeeded: group >> 4))
        case 3:
            bytes.append(UInt8(truncatingIfNeeded: group >> 10))
            bytes.append(UInt8(truncatingIfNeeded: group >> 2))
        default: break
        }
        return bytes
    }

    fileprivate static let digits = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The value of each byte as a digit; 255 for what is not one.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, digit) in digits.enumerated() { values[Int(digit)] = UInt8(value) }
        return values
    }()

    fileprivate static let hasWideRegisters = clinux_has_avx2() != 0

    /// The two characters of each twelve bits, the first one in the low byte.
    fileprivate static let pairs: [UInt16] =
        (0..<4096).map { UInt16(digits[$0 >> 6]) | UInt16(digits[$0 & 63]) << 8 }
}

extension Bytes {
    /// Appends bytes in base64 with padding.
    ///
    /// By AVX2 where the processor has it, 24 bytes at a time (CLinux/base64.c); elsewhere six bytes at
    /// a time, twelve bits to a table look-up of two characters.
    public mutating func append(base64 source: RawSpan) {
        // Up to 32 bytes are stored at a time, the last ones in part over free space.
        unsafe append(room: (source.byteCount + 2) / 3 * 4 + 32) { room in
            unsafe source.withUnsafeBytes { source in
                unsafe Base64.pairs.withUnsafeBufferPointer { pairs in
                    unsafe Self.encode(source, pairs, room)
                }
            }
        }
    }

    private static func encode(
        _ source: UnsafeRawBufferPointer, _ pairs: UnsafeBufferPointer<UInt16>,
        _ room: UnsafeMutableRawBufferPointer
    ) -> Int {
        if Base64.hasWideRegisters, let from = source.baseAddress, let to = room.baseAddress {
            return unsafe clinux_base64(from, source.count, to)
        }
        var index = 0
        var place = 0
        while index + 8 <= source.count {
            let word = UInt64(
                bigEndian: unsafe source.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let text =
                unsafe UInt64(pairs[Int(word >> 52)])
                | UInt64(pairs[Int(word >> 40 & 0xFFF)]) << 16
                | UInt64(pairs[Int(word >> 28 & 0xFFF)]) << 32
                | UInt64(pairs[Int(word >> 16 & 0xFFF)]) << 48
            unsafe room.storeBytes(of: text, toByteOffset: place, as: UInt64.self)
            index += 6
            place += 8
        }
        while index < source.count {
            let left = min(3, source.count - index)
            var group = unsafe Int(source[index]) << 16
            if left > 1 { group |= unsafe Int(source[index + 1]) << 8 }
            if left > 2 { group |= unsafe Int(source[index + 2]) }
            let text = unsafe UInt32(pairs[group >> 12]) | UInt32(pairs[group & 0xFFF]) << 16
            unsafe room.storeBytes(of: text, toByteOffset: place, as: UInt32.self)
            for missing in left..<3 { unsafe room[place + 1 + missing] = UInt8(ascii: "=") }
            index += 3
            place += 4
        }
        return place
    }
}
