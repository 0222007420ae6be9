import Identity
import Posix

/// The bytes of a ledger file; little-endian throughout.
///
/// ```
/// file   magic "BILEDG1\n", then batches
/// batch  uint32 length of the entries, uint32 CRC32C of them, uint32 CRC32C of these 8 bytes,
///        entries
/// entry  uint8 venue, uint8 0 held or 1 declared, plus 2 for a symbol of 32 bytes, uint16 template,
///        uint16 series, uint16 zero, 24 or 32 bytes symbol, uint32 number of ranges, then per
///        range int64 first, int64 last
/// ```
enum LedgerFormat {
    static let magic = Array("BILEDG1\n".utf8)
    static let batchHeader = 12
    static let entryHeader = 36
    /// In an entry's second byte: its symbol has eight bytes more.
    static let longSymbol: UInt8 = 2
    /// A longer file is refused before it is read: over a hundred million intervals.
    static let maximumFile = 2 << 30
    /// A shorter file is not worth compacting.
    static let compactAbove: Int64 = 1 << 20

    struct Entry {
        let key: SequenceID
        let isDeclared: Bool
        let ranges: [ClosedRange<Int64>]
    }

    // MARK: - Writing

    static func append(batch payload: RawSpan, to bytes: inout Bytes) {
        bytes.append(bits: UInt32(payload.byteCount))
        bytes.append(bits: CRC32C.of(payload))
        bytes.append(bits: CRC32C.of(bytes.span.extracting(last: 8)))
        bytes.append(payload)
    }

    static func append(
        _ key: SequenceID, _ isDeclared: Bool, _ ranges: [ClosedRange<Int64>],
        to bytes: inout Bytes
    ) {
        bytes.append(key.venue)
        let symbol = key.symbol.words
        let isLong = symbol.3 != 0
        bytes.append((isDeclared ? 1 : 0) | (isLong ? longSymbol : 0))
        bytes.append(bits: key.template)
        bytes.append(bits: key.series)
        bytes.append(bits: UInt16(0))
        bytes.append(bits: symbol.0)
        bytes.append(bits: symbol.1)
        bytes.append(bits: symbol.2)
        if isLong { bytes.append(bits: symbol.3) }
        bytes.append(bits: UInt32(ranges.count))
        for range in ranges {
            bytes.append(bits: range.lowerBound)
            bytes.append(bits: range.upperBound)
        }
    }

    // MARK: - Reading

    /// Reads batch after batch.
    struct Parser {
        private let bytes: [UInt8]
        private let path: String
        /// Where the last whole batch ends.
        private(set) var position: Int

        init(_ bytes: [UInt8], path: String) throws(LedgerError) {
            guard bytes.starts(with: magic) else { throw .notALedger(path) }
            self.bytes = bytes
            self.path = path
            position = magic.count
        }

        /// The entries of the next batch; nil at the end, or at a torn last batch.
        mutating func nextBatch() throws(LedgerError) -> [Entry]? {
            guard bytes.count - position >= batchHeader else { return nil }
            let length = Int(load(position, UInt32.self))
            let start = position + batchHeader
            guard checksum(position..<(position + 8)) == load(position + 8, UInt32.self) else {
                // Zeros are what a crash may leave of an append; anything else was altered.
                if bytes[position...].allSatisfy({ $0 == 0 }) { return nil }
                throw .corrupt(path: path, offset: position, reason: "a wrong checksum")
            }
            // A batch that would leave the file is the torn end that a crash leaves.
            guard length <= bytes.count - start else { return nil }
            guard checksum(start..<(start + length)) == load(position + 4, UInt32.self) else {
                // So is one of the right length whose pages were not all written.
                if start + length == bytes.count { return nil }
                throw .corrupt(path: path, offset: position, reason: "a wrong checksum")
            }
            let entries = try entries(start..<(start + length))
            position = start + length
            return entries
        }

        private func entries(_ range: Range<Int>) throws(LedgerError) -> [Entry] {
            var entries: [Entry] = []
            var next = range.lowerBound
            while next < range.upperBound {
                guard range.upperBound - next >= entryHeader else {
                    throw .corrupt(path: path, offset: next, reason: "half an entry")
                }
                let marks = load(next + 1, UInt8.self)
                let extra = marks & longSymbol == 0 ? 0 : 8
                guard range.upperBound - next >= entryHeader + extra else {
                    throw .corrupt(path: path, offset: next, reason: "half an entry")
                }
                let count = Int(load(next + 32 + extra, UInt32.self))
                guard count <= (range.upperBound - next - entryHeader - extra) / 16 else {
                    throw .corrupt(path: path, offset: next, reason: "more ranges than bytes")
                }
                let key = SequenceID(
                    venue: load(next, UInt8.self), template: load(next + 2, UInt16.self),
                    series: load(next + 4, UInt16.self),
                    symbol: SymbolName(
                        words: (
                            load(next + 8, UInt64.self), load(next + 16, UInt64.self),
                            load(next + 24, UInt64.self),
                            extra == 0 ? 0 : load(next + 32, UInt64.self)
                        )))
                let isDeclared = marks & 1 == 1
                next += entryHeader + extra
                var ranges: [ClosedRange<Int64>] = []
                ranges.reserveCapacity(count)
                for _ in 0..<count {
                    let (first, last) = (load(next, Int64.self), load(next + 8, Int64.self))
                    guard first <= last else {
                        throw .corrupt(
                            path: path, offset: next, reason: "a range that ends before it starts")
                    }
                    ranges.append(first...last)
                    next += 16
                }
                entries.append(Entry(key: key, isDeclared: isDeclared, ranges: ranges))
            }
            return entries
        }

        private func checksum(_ range: Range<Int>) -> UInt32 {
            CRC32C.of(bytes.span.bytes.extracting(range))
        }

        private func load<Value: BitwiseCopyable>(_ offset: Int, _ type: Value.Type) -> Value {
            bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
        }
    }
}
