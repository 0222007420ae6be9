import Identity
import Posix

/// The kinds of claim in a batch. A program that does not know one at or above `optional` passes
/// over it, and refuses the ledger for one below.
enum ClaimTag: UInt8 {
    case held = 1
    case declared = 2
    case run = 3
    case recent = 4
    case timeMark = 5
    case removed = 6
    case begun = 7
    case confirmed = 8
    case progressDropped = 9
    case progressKept = 10
    case reported = 128

    static let optional: UInt8 = 128
}

/// Claims as the bytes of a batch; docs/ledger.md has them.
///
/// Numbers are little-endian groups of seven bits, the top bit says that more follow; signed ones
/// are zigzag: 0, −1, 1, −2 ….
struct ClaimWriter: ~Copyable {
    /// Ranges in one claim.
    static let mostRanges = 1 << 16
    /// Bytes after which another batch begins; a reader takes four times as many for damage.
    private static let batchLength = 64 << 20

    private(set) var payload = Bytes()
    private var body = Bytes()
    /// Where batches after the first begin.
    private var laterBatches: [Int] = []

    /// Bytes of the claims that go into one batch.
    var firstBatch: Int { laterBatches.first ?? payload.count }

    mutating func removeFirstBatch() {
        let length = firstBatch
        payload.removeFirst(length)
        laterBatches = laterBatches.dropFirst().map { $0 - length }
    }

    var isEmpty: Bool { payload.isEmpty }
    var count: Int { payload.count }

    mutating func removeAll() {
        payload.removeAll()
        laterBatches.removeAll()
    }

    // MARK: - Claims

    mutating func ranges(
        _ tag: ClaimTag, _ sequence: SequenceID, _ ranges: some Collection<ClosedRange<Int64>>
    ) {
        body.append(number: UInt64(ranges.count))
        var last: Int64 = 0
        for range in ranges {
            body.append(signed: range.lowerBound &- last)
            body.append(number: UInt64(bitPattern: range.upperBound &- range.lowerBound))
            last = range.upperBound
        }
        close(tag, sequence)
    }

    /// The same of any number of ranges.
    mutating func manyRanges(
        _ tag: ClaimTag, _ sequence: SequenceID, _ all: [ClosedRange<Int64>]
    ) {
        for start in stride(from: 0, to: all.count, by: Self.mostRanges) {
            ranges(tag, sequence, all[start..<min(start + Self.mostRanges, all.count)])
        }
    }

    mutating func run(_ sequence: SequenceID, _ run: Run) {
        body.append(signed: run.first)
        body.append(signed: run.last)
        body.append(signed: run.firstTime)
        body.append(signed: run.lastTime)
        body.append(signed: run.count)
        body.append(run.previous == nil ? 0 : 1)
        if let previous = run.previous { body.append(signed: previous) }
        close(.run, sequence)
    }

    mutating func recent(_ sequence: SequenceID, _ ids: some Collection<Int64>) {
        body.append(number: UInt64(ids.count))
        var last: Int64 = 0
        for id in ids {
            body.append(signed: id &- last)
            last = id
        }
        close(.recent, sequence)
    }

    mutating func numbers(_ tag: ClaimTag, _ sequence: SequenceID, _ numbers: [Int64]) {
        for number in numbers { body.append(signed: number) }
        close(tag, sequence)
    }

    /// A claim about spools, not about a sequence.
    mutating func spools(_ tag: ClaimTag, _ numbers: [UInt64]) {
        payload.append(tag.rawValue)
        for number in numbers { body.append(number: number) }
        Self.append(body, to: &payload)
        body.removeAll()
    }

    private mutating func close(_ tag: ClaimTag, _ sequence: SequenceID) {
        if payload.count - (laterBatches.last ?? 0) >= Self.batchLength {
            laterBatches.append(payload.count)
        }
        payload.append(tag.rawValue)
        payload.append(sequence.venue)
        payload.append(bits: sequence.template)
        payload.append(bits: sequence.series)
        payload.append(bits: sequence.epoch)
        withUnsafeBytes(of: sequence.symbol) { symbol in
            let length = (symbol.lastIndex { $0 != 0 } ?? -1) + 1
            payload.append(UInt8(length))
            payload.append(UnsafeRawBufferPointer(rebasing: symbol[..<length]))
        }
        Self.append(body, to: &payload)
        body.removeAll()
    }
}

extension ClaimWriter {
    private static func append(_ body: borrowing Bytes, to payload: inout Bytes) {
        payload.append(number: UInt64(body.count))
        payload.append(body.span)
    }
}

extension Bytes {
    fileprivate mutating func append(number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    fileprivate mutating func append(signed number: Int64) {
        append(number: UInt64(bitPattern: number << 1 ^ number >> 63))
    }
}

/// A batch whose checksums are right and whose content makes no sense to this program.
struct ClaimError: Error {
    let reason: String
}

/// Reads the claims of a batch.
struct ClaimReader: ~Escapable {
    private let bytes: RawSpan
    private var offset = 0

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) { self.bytes = bytes }

    var isAtEnd: Bool { offset == bytes.byteCount }

    mutating func byte() throws(ClaimError) -> UInt8 {
        guard offset < bytes.byteCount else {
            throw ClaimError(reason: "a claim that is cut short")
        }
        defer { offset += 1 }
        return bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    mutating func number() throws(ClaimError) -> UInt64 {
        var number: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try byte()
            number |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return number }
            shift += 7
            guard shift < 64 else { throw ClaimError(reason: "a number of over 64 bits") }
        }
    }

    mutating func signed() throws(ClaimError) -> Int64 {
        let number = try number()
        return Int64(bitPattern: number >> 1) ^ -Int64(bitPattern: number & 1)
    }

    /// A number of things that each take at least so many bytes.
    mutating func count(of bytesEach: Int) throws(ClaimError) -> Int {
        let count = try number()
        guard count <= UInt64(bytes.byteCount - offset) / UInt64(bytesEach) else {
            throw ClaimError(reason: "more ranges than bytes")
        }
        return Int(count)
    }

    mutating func sequence() throws(ClaimError) -> SequenceID {
        let venue = try byte()
        let template = try word()
        let series = try word()
        let epoch = try word()
        let length = Int(try byte())
        var symbol = SymbolName.unnamed
        guard length <= MemoryLayout<SymbolName>.size, length <= bytes.byteCount - offset else {
            throw ClaimError(reason: "a symbol of \(length) bytes")
        }
        withUnsafeMutableBytes(of: &symbol) { room in
            for index in 0..<length {
                room[index] = bytes.unsafeLoad(fromByteOffset: offset + index, as: UInt8.self)
            }
        }
        offset += length
        return SequenceID(
            venue: venue, template: template, series: series, epoch: epoch, symbol: symbol)
    }

    /// The bytes of a claim whose length is next, to be read on their own.
    @_lifetime(copy self)
    mutating func body() throws(ClaimError) -> ClaimReader {
        let length = try count(of: 1)
        let body = ClaimReader(bytes.extracting(offset..<(offset + length)))
        offset += length
        return body
    }

    private mutating func word() throws(ClaimError) -> UInt16 {
        UInt16(try byte()) | UInt16(try byte()) << 8
    }
}
