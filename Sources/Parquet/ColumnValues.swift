/// The values of one column of one row group.
///
/// Row for row: where a value is absent the arrays hold a zero or an empty text.
public struct ColumnValues: Sendable {
    /// What they are.
    public let type: ParquetType
    /// Rows.
    public internal(set) var count = 0
    /// Numbers, times (µs since the epoch) and decimals of 64 bits.
    public internal(set) var int64s: [Int64] = []
    /// Decimals of 128 bits.
    public internal(set) var int128s: [Int128] = []
    /// Booleans.
    public internal(set) var booleans: [Bool] = []
    /// The bytes of texts; ``ranges`` tells which of them are whose.
    public internal(set) var data: [UInt8] = []
    /// Of each row's text. Rows with the same text may share its bytes.
    public internal(set) var ranges: [Range<Int>] = []
    /// True for rows without a value; empty when all have one.
    public internal(set) var absent: [Bool] = []

    init(_ type: ParquetType) { self.type = type }

    /// True when a row has no value.
    public func isNull(_ row: Int) -> Bool { !absent.isEmpty && absent[row] }

    /// Lends the bytes of a row's text.
    public func withBytes<Result>(
        _ row: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        let range = ranges[row]
        return try data.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    /// Adds the values of a page, with zeros where rows have none.
    mutating func add(_ page: ColumnValues, _ absent: [Bool]) {
        let shift = data.count
        data += page.data
        if absent.contains(true) {
            if self.absent.isEmpty { self.absent = [Bool](repeating: false, count: count) }
            self.absent += absent
            var next = 0
            for isAbsent in absent {
                switch type.physical {
                case .boolean: booleans.append(isAbsent ? false : page.booleans[next])
                case .fixedLengthByteArray: int128s.append(isAbsent ? 0 : page.int128s[next])
                case .byteArray:
                    let range = isAbsent ? 0..<0 : page.ranges[next]
                    ranges.append((range.lowerBound + shift)..<(range.upperBound + shift))
                default: int64s.append(isAbsent ? 0 : page.int64s[next])
                }
                if !isAbsent { next += 1 }
            }
            count += absent.count
            return
        }
        if !self.absent.isEmpty {
            self.absent += [Bool](repeating: false, count: page.count)
        }
        booleans += page.booleans
        int64s += page.int64s
        int128s += page.int128s
        for range in page.ranges {
            ranges.append((range.lowerBound + shift)..<(range.upperBound + shift))
        }
        count += page.count
    }

    /// A row's text.
    public func text(_ row: Int) -> String { String(decoding: data[ranges[row]], as: UTF8.self) }
}

/// Least and largest value of a chunk, where the file tells them.
public enum ColumnBounds: Sendable, Equatable {
    case booleans(Bool, Bool)
    /// Numbers, times and decimals of 64 bits.
    case int64s(Int64, Int64)
    case int128s(Int128, Int128)
    /// Texts; long ones may have been cut, and still enclose all values.
    case texts([UInt8], [UInt8])

    init?(_ bounds: Bounds) {
        switch (bounds.least, bounds.largest) {
        case (.boolean(let one), .boolean(let other)): self = .booleans(one, other)
        case (.number(let one), .number(let other)): self = .int64s(one, other)
        case (.wide(let one), .wide(let other)): self = .int128s(one, other)
        case (.text(let one, _), .text(let other, _)): self = .texts(one, other)
        default: return nil
        }
    }
}
