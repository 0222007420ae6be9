public import Posix

/// Many records in one, as the Kinesis Producer Library writes them and its consumers take them
/// apart.
///
/// ```
/// offset 0      4 bytes   F3 89 9A C2
/// offset 4      N bytes   protobuf: 1 partition keys, 2 explicit hash keys, 3 records of
///                         (1 key's index, 2 hash key's index, 3 data)
/// offset 4+N   16 bytes   MD5 of the N bytes
/// ```
///
/// Source: "KPL Aggregated Record Format" in the amazon-kinesis-producer repository. All records
/// share one explicit hash key, if any: consumers drop a whole container of which one record is
/// outside the shard's range, and this keeps that from happening also after a reshard.
public struct AggregatedRecord: ~Copyable {
    /// Bytes around the records and keys.
    static let overhead = 4 + 16

    private var keys = Bytes(capacity: 256)
    private var keyCount = 0
    /// Of the record before, which the next one nearly always has too.
    private var lastKey = ""
    private var lastIndex = 0
    private var keyIndices: [String: Int] = [:]
    private var hashKey = Bytes(capacity: 64)
    private var records = Bytes(capacity: 32 << 10)
    /// Records in it.
    public private(set) var count = 0
    /// Where the data of the first record is in `records`.
    private var firstData = 0..<0

    /// An empty container.
    public init() {}

    /// Empties it.
    ///
    /// - Parameter explicitHash: the hash key of every record in it; nil for none.
    public mutating func reset(explicitHash: UInt128?) {
        keys.removeAll()
        records.removeAll()
        hashKey.removeAll()
        keyIndices.removeAll(keepingCapacity: true)
        keyCount = 0
        lastKey = ""
        count = 0
        if let explicitHash {
            let text = Array("\(explicitHash)".utf8)
            hashKey.append(UInt8(0x12))
            hashKey.append(varint: text.count)
            hashKey.append(text.span.bytes)
        }
    }

    /// Bytes that it has when finished.
    public var length: Int { Self.overhead + keys.count + hashKey.count + records.count }

    /// The most that ``length`` grows by with one more record.
    public static func growth(data: Int, key: Int) -> Int {
        // Tag, length, index and hash key's index, tag and length of the data; tag and length of
        // the key.
        data + key + 1 + 5 + 6 + 2 + 6 + 1 + 5
    }

    /// Adds a record.
    public mutating func append(_ data: RawSpan, partitionKey: String) {
        let index = index(of: partitionKey)
        let inner =
            1 + Bytes.varintLength(index) + (hashKey.isEmpty ? 0 : 2)
            + 1 + Bytes.varintLength(data.byteCount) + data.byteCount
        records.append(UInt8(0x1A))
        records.append(varint: inner)
        records.append(UInt8(0x08))
        records.append(varint: index)
        if !hashKey.isEmpty {
            records.append(UInt8(0x10))
            records.append(UInt8(0))
        }
        records.append(UInt8(0x1A))
        records.append(varint: data.byteCount)
        if count == 0 { firstData = records.count..<records.count + data.byteCount }
        records.append(data)
        count += 1
    }

    /// Gives the data of the first record: a container with one record is sent plain.
    public borrowing func withFirst<Result>(_ body: (RawSpan) -> Result) -> Result {
        body(records.span(firstData))
    }

    /// Writes the whole of it.
    ///
    /// - Returns: false where the library refuses MD5; `output` is as before then.
    public borrowing func write(to output: inout Bytes) -> Bool {
        let start = output.count
        let magic: [UInt8] = [0xF3, 0x89, 0x9A, 0xC2]
        output.append(magic.span.bytes)
        output.append(keys.span)
        output.append(hashKey.span)
        output.append(records.span)
        guard let digest = HashKey.digest(output.span(start + 4..<output.count)) else {
            output.truncate(to: start)
            return false
        }
        output.append(digest.span.bytes)
        return true
    }

    private mutating func index(of key: String) -> Int {
        if keyCount > 0, key == lastKey { return lastIndex }
        lastKey = key
        lastIndex = keyIndices[key] ?? add(key)
        return lastIndex
    }

    private mutating func add(_ key: String) -> Int {
        let text = Array(key.utf8)
        keys.append(UInt8(0x0A))
        keys.append(varint: text.count)
        keys.append(text.span.bytes)
        keyIndices[key] = keyCount
        keyCount += 1
        return keyCount - 1
    }
}

extension Bytes {
    /// Appends a number as protobuf does: seven bits to a byte, low bits first.
    fileprivate mutating func append(varint value: Int) {
        var rest = UInt64(value)
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    fileprivate static func varintLength(_ value: Int) -> Int {
        max(1, (UInt64.bitWidth - UInt64(value).leadingZeroBitCount + 6) / 7)
    }
}
