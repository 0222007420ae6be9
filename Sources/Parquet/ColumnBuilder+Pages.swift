import Posix

/// The values of one page: encoded, and their bounds.
extension ColumnBuilder {
    /// Appends the values of a page.
    ///
    /// - Returns: false when they do not suit the encoding.
    func append(_ cut: PageCut, _ encoding: Encoding, to body: inout Bytes) -> Bool {
        switch (column.type.physical, encoding) {
        case (.boolean, _):
            plain.withUnsafeBytes(cut.values) { Self.appendBits($0, to: &body) }
        case (.byteArray, .rleDictionary): appendNumbers(cut.values, to: &body)
        case (.byteArray, _): plain.withUnsafeBytes(cut.bytes) { body.append($0) }
        case (_, .deltaBinaryPacked):
            return withNumbers(cut.values) { DeltaEncoding.append($0, to: &body) }
        default:
            let width = column.type.width ?? 1
            plain.withUnsafeBytes((cut.values.lowerBound * width)..<(cut.values.upperBound * width))
            {
                body.append($0)
            }
        }
        return true
    }

    private static func appendBits(_ values: UnsafeRawBufferPointer, to body: inout Bytes) {
        var byte: UInt8 = 0
        for (index, value) in values.enumerated() {
            byte |= (value & 1) << UInt8(index & 7)
            if index & 7 == 7 {
                body.append(byte)
                byte = 0
            }
        }
        if values.count & 7 != 0 { body.append(byte) }
    }

    private func appendNumbers(_ values: Range<Int>, to body: inout Bytes) {
        let width = max(1, UInt32.bitWidth - UInt32(max(words.count, 1) - 1).leadingZeroBitCount)
        body.append(UInt8(width))
        numbers.withUnsafeBytes((values.lowerBound * 4)..<(values.upperBound * 4)) { bytes in
            RunLengthEncoding.append(bytes.bindMemory(to: UInt32.self), width: width, to: &body)
        }
    }

    func withNumbers<Result>(
        _ values: Range<Int>, _ body: (UnsafeBufferPointer<Int64>) -> Result
    ) -> Result {
        plain.withUnsafeBytes((values.lowerBound * 8)..<(values.upperBound * 8)) {
            body($0.bindMemory(to: Int64.self))
        }
    }

    // MARK: - Bounds

    /// Least and largest value of a page; nil when it has none.
    func bounds(of cut: PageCut) -> Bounds? {
        guard !cut.values.isEmpty else { return nil }
        switch column.type.physical {
        case .boolean:
            return plain.withUnsafeBytes(cut.values) { values in
                Bounds(
                    least: .boolean(values.allSatisfy { $0 == 1 }),
                    largest: .boolean(values.contains(1)))
            }
        case .fixedLengthByteArray: return wideBounds(cut.values)
        case .byteArray: return isNumbered ? numberedBounds(cut.values) : textBounds(cut)
        default:
            return withNumbers(cut.values) { values in
                var (least, largest) = (Int64.max, Int64.min)
                for value in values {
                    least = min(least, value)
                    largest = max(largest, value)
                }
                return Bounds(least: .number(least), largest: .number(largest))
            }
        }
    }

    private func wideBounds(_ values: Range<Int>) -> Bounds {
        plain.withUnsafeBytes((values.lowerBound * 16)..<(values.upperBound * 16)) { bytes in
            var (least, largest) = (Int128.max, Int128.min)
            for offset in stride(from: 0, to: bytes.count, by: 16) {
                let value = Int128(
                    bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int128.self))
                if value < least { least = value }
                if value > largest { largest = value }
            }
            return Bounds(least: .wide(least), largest: .wide(largest))
        }
    }

    /// Of the texts that occur in the page: each is looked at once.
    private func numberedBounds(_ values: Range<Int>) -> Bounds? {
        var isSeen = [Bool](repeating: false, count: words.count)
        numbers.withUnsafeBytes((values.lowerBound * 4)..<(values.upperBound * 4)) { bytes in
            for number in bytes.bindMemory(to: UInt32.self) { isSeen[Int(number)] = true }
        }
        var bounds: Bounds?
        for number in isSeen.indices where isSeen[number] {
            let own = words.withText(UInt32(number)) {
                Bounds(least: $0, largest: $0, isText: column.type == .string)
            }
            if bounds == nil { bounds = own } else { bounds?.widen(by: own) }
        }
        return bounds
    }

    private func textBounds(_ cut: PageCut) -> Bounds? {
        plain.withUnsafeBytes(cut.bytes) { bytes in
            var (least, largest): (Range<Int>?, Range<Int>?) = (nil, nil)
            func isBefore(_ one: Range<Int>, _ other: Range<Int>) -> Bool {
                UnsafeRawBufferPointer(rebasing: bytes[one]).lexicographicallyPrecedes(
                    UnsafeRawBufferPointer(rebasing: bytes[other]))
            }
            var offset = 0
            while offset < bytes.count {
                let length = Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
                let text = (offset + 4)..<(offset + 4 + length)
                if least.map({ isBefore(text, $0) }) ?? true { least = text }
                if largest.map({ isBefore($0, text) }) ?? true { largest = text }
                offset = text.upperBound
            }
            guard let least, let largest else { return nil }
            return Bounds(
                least: UnsafeRawBufferPointer(rebasing: bytes[least]),
                largest: UnsafeRawBufferPointer(rebasing: bytes[largest]),
                isText: column.type == .string)
        }
    }
}
