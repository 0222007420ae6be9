import Posix

/// Small numbers of a known width as runs, either of one value or packed bit by bit: the hybrid of
/// apache/parquet-format, Encodings.md, for definition levels and indices of a dictionary.
enum RunLengthEncoding {
    /// Appends numbers.
    ///
    /// - Parameter width: bits that every number fits in, 1 to 32.
    static func append<Number: FixedWidthInteger & BitwiseCopyable>(
        _ values: UnsafeBufferPointer<Number>, width: Int, to output: inout Bytes
    ) {
        // Values from `start` on are not written yet.
        var (start, next) = (0, 0)
        while next < values.count {
            let value = values[next]
            var end = next + 1
            while end < values.count, values[end] == value { end += 1 }
            // Only the last packed run may be padded: what waits is filled up from this run.
            let filling = (8 - (next - start) % 8) % 8
            if end - next >= filling + 8 {
                pack(values, start..<(next + filling), width, to: &output)
                output.append(varint: UInt64(end - next - filling) << 1)
                for byte in 0..<((width + 7) / 8) {
                    output.append(UInt8(truncatingIfNeeded: value >> Number(byte * 8)))
                }
                start = end
            }
            next = end
        }
        pack(values, start..<values.count, width, to: &output)
    }

    private static func pack<Number: FixedWidthInteger & BitwiseCopyable>(
        _ values: UnsafeBufferPointer<Number>, _ range: Range<Int>, _ width: Int,
        to output: inout Bytes
    ) {
        guard !range.isEmpty else { return }
        let groups = (range.count + 7) / 8
        output.append(varint: UInt64(groups) << 1 | 1)
        var (bits, held): (UInt64, Int) = (0, 0)
        for place in 0..<(groups * 8) {
            let index = range.lowerBound + place
            let value = index < range.upperBound ? UInt64(truncatingIfNeeded: values[index]) : 0
            bits |= value &<< held
            held += width
            while held >= 8 {
                output.append(UInt8(truncatingIfNeeded: bits))
                bits &>>= 8
                held -= 8
            }
        }
    }
}
