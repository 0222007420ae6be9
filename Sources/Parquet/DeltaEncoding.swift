import Posix

/// Whole numbers as differences: DELTA_BINARY_PACKED of apache/parquet-format, Encodings.md.
enum DeltaEncoding {
    /// Values of a block, and of the miniblocks that share one bit width.
    private static let blockLength = 128
    private static let miniblockLength = 32
    private static let miniblocks = blockLength / miniblockLength
    /// More bits a difference are not written: fastparquet 2026.9 reads miniblocks of 29 bits and
    /// more wrong, silently.
    static let mostBits = 28

    /// Appends the values of a page.
    ///
    /// - Returns: false when a difference needs more than ``mostBits``; part of the page may have
    ///   been appended then.
    static func append(
        _ values: UnsafeBufferPointer<Int64>, to output: inout Bytes
    ) -> Bool {
        output.append(varint: UInt64(blockLength))
        output.append(varint: UInt64(miniblocks))
        output.append(varint: UInt64(values.count))
        output.append(zigzag: values.first ?? 0)
        var next = 1
        while next < values.count {
            let end = min(next + blockLength, values.count)
            guard append(block: next..<end, of: values, to: &output) else { return false }
            next = end
        }
        return true
    }

    private static func append(
        block range: Range<Int>, of values: UnsafeBufferPointer<Int64>, to output: inout Bytes
    ) -> Bool {
        var smallest = Int64.max
        for index in range { smallest = min(smallest, values[index] &- values[index - 1]) }
        output.append(zigzag: smallest)
        let widths = output.count
        for _ in 0..<miniblocks { output.append(0) }
        for miniblock in 0..<miniblocks {
            let start = range.lowerBound + miniblock * miniblockLength
            guard start < range.upperBound else { break }
            let end = min(start + miniblockLength, range.upperBound)
            var all: UInt64 = 0
            for index in start..<end {
                all |= UInt64(bitPattern: values[index] &- values[index - 1] &- smallest)
            }
            let width = UInt64.bitWidth - all.leadingZeroBitCount
            guard width <= mostBits else { return false }
            output.store(bits: UInt8(width), at: widths + miniblock)
            if width > 0 { pack(start..<end, values, smallest, width, to: &output) }
        }
        return true
    }

    /// A miniblock that is begun is padded with zeros to its full length.
    private static func pack(
        _ range: Range<Int>, _ values: UnsafeBufferPointer<Int64>, _ smallest: Int64, _ width: Int,
        to output: inout Bytes
    ) {
        let length = miniblockLength * width / 8
        output.append(room: length + 8) { room in
            var (bits, held, place): (UInt64, Int, Int) = (0, 0, 0)
            for index in range {
                bits |= UInt64(bitPattern: values[index] &- values[index - 1] &- smallest) &<< held
                held += width
                // At most 28 bits are added to at most 31, so that nothing is shifted out.
                if held >= 32 {
                    room.storeBytes(
                        of: UInt32(truncatingIfNeeded: bits), toByteOffset: place, as: UInt32.self)
                    bits &>>= 32
                    held -= 32
                    place += 4
                }
            }
            while place < length {
                room.storeBytes(
                    of: UInt32(truncatingIfNeeded: bits), toByteOffset: place, as: UInt32.self)
                bits &>>= 32
                place += 4
            }
            return length
        }
    }
}
