/// Decodes the content of one page.
struct ValueCursor {
    /// Of the page in the file, for messages.
    private let offset: Int64
    private let column: String

    init(at offset: Int64, column: String) {
        self.offset = offset
        self.column = column
    }

    func damaged(_ reason: String) -> ParquetError {
        .damaged(offset: offset, "column \(column): \(reason)")
    }

    // MARK: - PLAIN

    func plain(
        _ bytes: UnsafeRawBufferPointer, _ count: Int, of type: ParquetType,
        into page: inout ColumnValues
    ) throws(ParquetError) {
        func require(_ length: Int) throws(ParquetError) {
            guard bytes.count >= length else { throw damaged("a page is too short for its values") }
        }
        switch type.physical {
        case .boolean:
            try require((count + 7) / 8)
            page.booleans.reserveCapacity(count)
            for index in 0..<count {
                page.booleans.append(bytes[index >> 3] >> UInt8(index & 7) & 1 == 1)
            }
        case .fixedLengthByteArray:
            let (length, overflows) = count.multipliedReportingOverflow(by: 16)
            guard !overflows else { throw damaged("a page is too short for its values") }
            try require(length)
            page.int128s.reserveCapacity(count)
            for index in 0..<count {
                page.int128s.append(
                    Int128(
                        bigEndian: bytes.loadUnaligned(fromByteOffset: index * 16, as: Int128.self))
                )
            }
        case .byteArray:
            guard case .foreign(let name) = type else {
                return try texts(bytes, count, into: &page)
            }
            throw .unsupported("column \(column) has the type \(name)")
        default:
            try require(count * 8)
            page.int64s = [Int64](unsafeUninitializedCapacity: count) { room, used in
                UnsafeMutableRawBufferPointer(room).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: bytes[..<(count * 8)]))
                used = count
            }
        }
        page.count = count
    }

    private func texts(
        _ bytes: UnsafeRawBufferPointer, _ count: Int, into page: inout ColumnValues
    ) throws(ParquetError) {
        guard count <= bytes.count / 4 else { throw damaged("a page is too short for its texts") }
        page.ranges.reserveCapacity(count)
        var place = 0
        for _ in 0..<count {
            guard bytes.count - place >= 4 else { throw damaged("a text is cut off") }
            let length = bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)
            place += 4
            guard Int(length) <= bytes.count - place else { throw damaged("a text is cut off") }
            page.ranges.append(place..<(place + Int(length)))
            place += Int(length)
        }
        page.data = Array(bytes[..<place])
        page.count = count
    }

    // MARK: - Levels and indices

    /// Definition levels of an optional column: true for rows without a value.
    func levels(
        _ rest: inout Slice<UnsafeRawBufferPointer>, _ count: Int
    ) throws(ParquetError) -> [Bool] {
        let bytes = UnsafeRawBufferPointer(rebasing: rest)
        guard bytes.count >= 4 else { throw damaged("levels are cut off") }
        let length = Int(bytes.loadUnaligned(as: UInt32.self))
        guard length <= bytes.count - 4 else { throw damaged("levels are cut off") }
        var absent: [Bool] = []
        try runs(UnsafeRawBufferPointer(rebasing: bytes[4..<(4 + length)]), width: 1, count) {
            (value, times) throws(ParquetError) in
            absent.append(contentsOf: repeatElement(value == 0, count: times))
        }
        rest = rest.dropFirst(4 + length)
        return absent
    }

    func indices(
        _ bytes: UnsafeRawBufferPointer, _ count: Int, of dictionary: ColumnValues,
        into page: inout ColumnValues
    ) throws(ParquetError) {
        page.count = count
        guard count > 0 else { return }
        guard let width = bytes.first, width <= 32 else {
            throw damaged("indices of more than 32 bits")
        }
        page.data = dictionary.data
        try runs(UnsafeRawBufferPointer(rebasing: bytes.dropFirst()), width: Int(width), count) {
            (value, times) throws(ParquetError) in
            guard Int(value) < dictionary.count else {
                throw damaged("index \(value) of a dictionary of \(dictionary.count)")
            }
            switch dictionary.type.physical {
            case .boolean:
                page.booleans += repeatElement(dictionary.booleans[Int(value)], count: times)
            case .fixedLengthByteArray:
                page.int128s += repeatElement(dictionary.int128s[Int(value)], count: times)
            case .byteArray:
                page.ranges += repeatElement(dictionary.ranges[Int(value)], count: times)
            default: page.int64s += repeatElement(dictionary.int64s[Int(value)], count: times)
            }
        }
    }

    /// Gives each run of the RLE and bit-packed hybrid to `body`, `count` values in all.
    private func runs(
        _ bytes: UnsafeRawBufferPointer, width: Int, _ count: Int,
        _ body: (UInt32, Int) throws(ParquetError) -> Void
    ) throws(ParquetError) {
        var (place, left) = (0, count)
        while left > 0 {
            let head = try varint(bytes, &place)
            if head & 1 == 0 {
                let length = (width + 7) / 8
                guard head > 1, bytes.count - place >= length else {
                    throw damaged("a run is cut off")
                }
                var value: UInt32 = 0
                for index in 0..<length {
                    value |= UInt32(bytes[place + index]) << UInt32(index * 8)
                }
                place += length
                let times = Int(min(head >> 1, UInt64(left)))
                try body(value, times)
                left -= times
            } else {
                let groups = head >> 1
                guard groups > 0 else { throw damaged("a run of nothing") }
                let values = Int(min(groups, UInt64(left + 7) / 8)) * 8
                guard (values * width + 7) / 8 <= bytes.count - place else {
                    throw damaged("a run is cut off")
                }
                for index in 0..<min(values, left) {
                    try body(
                        UInt32(truncatingIfNeeded: bits(bytes, place, index * width, width)), 1)
                }
                left -= min(values, left)
                place += values * width / 8
            }
        }
    }

    /// `width` bits from a bit on, lowest first; zeros behind the end.
    private func bits(
        _ bytes: UnsafeRawBufferPointer, _ start: Int, _ bit: Int, _ width: Int
    ) -> UInt64 {
        guard width > 0 else { return 0 }
        let first = start + bit >> 3
        let shift = UInt64(bit & 7)
        var value: UInt64 = 0
        if bytes.count - first >= 8 {
            value = bytes.loadUnaligned(fromByteOffset: first, as: UInt64.self)
        } else {
            for index in 0..<(bytes.count - first) {
                value |= UInt64(bytes[first + index]) << UInt64(index * 8)
            }
        }
        value >>= shift
        // Nine bytes where a value of 57 bits or more does not begin at a byte.
        if width + Int(shift) > 64, bytes.count - first > 8 {
            value |= UInt64(bytes[first + 8]) << (64 - shift)
        }
        return width == 64 ? value : value & (1 << UInt64(width) - 1)
    }

    private func varint(
        _ bytes: UnsafeRawBufferPointer, _ place: inout Int
    ) throws(ParquetError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 63, by: 7) {
            guard place < bytes.count else { throw damaged("a number is cut off") }
            let byte = bytes[place]
            place += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        guard place < bytes.count, bytes[place] <= 1 else {
            throw damaged("a number beyond 64 bits")
        }
        value |= UInt64(bytes[place]) << 63
        place += 1
        return value
    }

    // MARK: - Differences

    func differences(
        _ bytes: UnsafeRawBufferPointer, _ count: Int, into page: inout ColumnValues
    ) throws(ParquetError) {
        var place = 0
        let block = try varint(bytes, &place)
        let miniblocks = try varint(bytes, &place)
        let total = try varint(bytes, &place)
        guard total == UInt64(count) else {
            throw damaged("\(total) differences for \(count) values")
        }
        guard miniblocks > 0, miniblocks <= 512, block > 0, block <= 1 << 16,
            block.isMultiple(of: miniblocks), (block / miniblocks).isMultiple(of: 32)
        else { throw damaged("blocks of \(block) values in \(miniblocks) miniblocks") }
        let length = Int(block / miniblocks)
        var value = zigzag(try varint(bytes, &place))
        page.count = count
        guard count > 0 else { return }
        page.int64s.append(value)
        while page.int64s.count < count {
            let smallest = zigzag(try varint(bytes, &place))
            guard bytes.count - place >= Int(miniblocks) else {
                throw damaged("a block is cut off")
            }
            let widths = place
            place += Int(miniblocks)
            for miniblock in 0..<Int(miniblocks) where page.int64s.count < count {
                let width = Int(bytes[widths + miniblock])
                guard width <= 64, bytes.count - place >= length * width / 8 else {
                    throw damaged("a block is cut off")
                }
                for index in 0..<min(length, count - page.int64s.count) {
                    let difference = Int64(bitPattern: bits(bytes, place, index * width, width))
                    value = value &+ smallest &+ difference
                    page.int64s.append(value)
                }
                place += length * width / 8
            }
        }
    }

    private func zigzag(_ value: UInt64) -> Int64 {
        Int64(bitPattern: value >> 1 ^ (0 &- (value & 1)))
    }
}
