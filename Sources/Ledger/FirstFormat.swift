import Identity
import Posix

/// Ledgers of the program's first format, which are read and written again in the second.
///
/// ```
/// file   magic "BILEDG1\n", then batches
/// batch  uint32 length of the entries, uint32 CRC32C of them, uint32 CRC32C of these 8 bytes,
///        entries
/// entry  uint8 venue, uint8 0 held or 1 declared, plus 2 for a symbol of 32 bytes, uint16 template,
///        uint16 series, uint16 zero, 24 or 32 bytes symbol, uint32 number of ranges, then per
///        range int64 first, int64 last
/// ```
enum FirstFormat {
    static let magic: StaticString = "BILEDG1\n"
    private static let batchHeader = 12
    private static let entryHeader = 36
    private static let symbolLength = 24
    /// In an entry's second byte: its symbol has eight bytes more.
    private static let longSymbol: UInt8 = 2

    /// Takes in every whole batch of a file.
    ///
    /// - Parameter wrong: gets runs of bytes that are no batches.
    /// - Returns: how many batches there were.
    static func read(
        _ bytes: RawSpan, into state: inout LedgerState, wrong: (Range<Int64>) -> Void
    ) throws(ClaimError) -> Int {
        var offset = 8
        var batches = 0
        while offset < bytes.byteCount {
            if let batch = batch(bytes, at: offset) {
                try take(bytes.extracting(batch), into: &state)
                batches += 1
                offset = batch.upperBound
                continue
            }
            let start = offset
            offset += 1
            while offset < bytes.byteCount, batch(bytes, at: offset) == nil { offset += 1 }
            wrong(Int64(start)..<Int64(offset))
        }
        return batches
    }

    /// The entries of the batch at an offset; nil when there is none that is whole.
    private static func batch(_ bytes: RawSpan, at offset: Int) -> Range<Int>? {
        let start = offset + batchHeader
        guard start <= bytes.byteCount else { return nil }
        func word(_ place: Int) -> UInt32 {
            bytes.unsafeLoadUnaligned(fromByteOffset: offset + place, as: UInt32.self)
        }
        let length = Int(word(0))
        guard length > 0, length <= bytes.byteCount - start,
            CRC32C.of(bytes.extracting(offset..<(offset + 8))) == word(8),
            CRC32C.of(bytes.extracting(start..<(start + length))) == word(4)
        else { return nil }
        return start..<(start + length)
    }

    private static func take(
        _ entries: RawSpan, into state: inout LedgerState
    ) throws(ClaimError) {
        var next = 0
        func load<Value: BitwiseCopyable>(_ offset: Int, _ type: Value.Type) -> Value {
            entries.unsafeLoadUnaligned(fromByteOffset: next + offset, as: type)
        }
        while next < entries.byteCount {
            guard entries.byteCount - next >= entryHeader else {
                throw ClaimError(reason: "half an entry")
            }
            let marks = load(1, UInt8.self)
            let extra = marks & longSymbol == 0 ? 0 : 8
            guard entries.byteCount - next >= entryHeader + extra else {
                throw ClaimError(reason: "half an entry")
            }
            let count = Int(load(32 + extra, UInt32.self))
            guard count <= (entries.byteCount - next - entryHeader - extra) / 16 else {
                throw ClaimError(reason: "more ranges than bytes")
            }
            var symbol = SymbolName.unnamed
            withUnsafeMutableBytes(of: &symbol) { room in
                for index in 0..<(symbolLength + extra) {
                    room[index] = load(8 + index, UInt8.self)
                }
            }
            let sequence = SequenceID(
                venue: load(0, UInt8.self), template: load(2, UInt16.self),
                series: load(4, UInt16.self), symbol: symbol)
            let index = state.index(of: sequence)
            let isDeclared = marks & 1 == 1
            next += entryHeader + extra
            for _ in 0..<count {
                let (first, last) = (load(0, Int64.self), load(8, Int64.self))
                guard first <= last else {
                    throw ClaimError(reason: "a range that ends before it starts")
                }
                next += 16
                if isDeclared {
                    state.declare(first...last, at: index)
                } else if sequence.numbering == .increasing {
                    // It vouched for ids between records as well; what is true of it is that
                    // the first and the last record of the stretch were delivered.
                    state.add(
                        Run(first: first, last: last, firstTime: 0, lastTime: 0, count: 0),
                        at: index)
                    state.remember(first, at: index)
                    state.remember(last, at: index)
                } else {
                    state.hold(first...last, at: index)
                }
            }
        }
    }
}

extension SymbolName {
    /// Room for the bytes of a name.
    static var unnamed: SymbolName { SymbolName(words: (0, 0, 0, 0)) }
}
