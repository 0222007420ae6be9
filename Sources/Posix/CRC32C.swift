import CLinux

/// The Castagnoli CRC, as iSCSI (RFC 3720, appendix B.4) and S3's `x-amz-checksum-crc32c` use it.
public struct CRC32C: Sendable {
    private var state: UInt32 = ~0

    /// Of no bytes yet.
    public init() {}

    /// The checksum of the bytes so far.
    public var value: UInt32 { ~state }

    /// The checksum of some bytes.
    public static func of(_ bytes: RawSpan) -> UInt32 {
        var checksum = CRC32C()
        checksum.update(bytes)
        return checksum.value
    }

    /// Adds bytes, by the processor's instruction where it has one.
    public mutating func update(_ bytes: RawSpan) {
        guard Self.isInstruction else { return updateByTables(bytes) }
        state = bytes.withUnsafeBytes {
            $0.count >= Self.longBytes && Self.hasLanes
                ? clinux_crc32c_lanes(state, $0.baseAddress, $0.count)
                : clinux_crc32c(state, $0.baseAddress, $0.count)
        }
    }

    /// So many bytes are worth three lanes.
    private static let longBytes = 4096
    private static let hasLanes = clinux_has_crc32c_lanes() != 0

    /// True when the processor has an instruction for it.
    static let isInstruction = clinux_has_crc32c() != 0

    /// Adds bytes: eight at a time, a table for each of the eight places.
    mutating func updateByTables(_ bytes: RawSpan) {
        var crc = state
        CRC32CTables.values.span.withUnsafeBufferPointer { table in
            bytes.withUnsafeBytes { bytes in
                var index = 0
                while index + 8 <= bytes.count {
                    let word =
                        bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ UInt64(crc)
                    crc =
                        table[7 << 8 | Int(word & 255)] ^ table[6 << 8 | Int(word >> 8 & 255)]
                        ^ table[5 << 8 | Int(word >> 16 & 255)]
                        ^ table[4 << 8 | Int(word >> 24 & 255)]
                        ^ table[3 << 8 | Int(word >> 32 & 255)]
                        ^ table[2 << 8 | Int(word >> 40 & 255)]
                        ^ table[1 << 8 | Int(word >> 48 & 255)] ^ table[Int(word >> 56)]
                    index += 8
                }
                while index < bytes.count {
                    crc = crc >> 8 ^ table[Int((crc ^ UInt32(bytes[index])) & 255)]
                    index += 1
                }
            }
        }
        state = crc
    }
}

private enum CRC32CTables {
    /// Eight tables of 256: entry `place << 8 | byte` is the CRC of `byte` with `place` zeros after.
    static let values: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var crc = UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
            tables[byte] = crc
        }
        for place in 1..<8 {
            for byte in 0..<256 {
                let before = tables[(place - 1) << 8 | byte]
                tables[place << 8 | byte] = before >> 8 ^ tables[Int(before & 255)]
            }
        }
        return tables
    }()
}
