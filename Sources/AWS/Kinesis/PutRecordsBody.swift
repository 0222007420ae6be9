import Encoding
public import Posix

/// What follows the data of each record of one partition key in a `PutRecords` body.
public struct RecordSuffix: Sendable {
    /// The key, 1 to 256 characters.
    public let partitionKey: String
    let bytes: [UInt8]
    /// Bytes of the key, which count towards the limits.
    let keyLength: Int

    /// - Parameters:
    ///   - partitionKey: 1 to 256 Unicode characters.
    ///   - explicitHash: where the record goes instead of where the key's hash is.
    public init(partitionKey: String, explicitHash: UInt128? = nil) {
        self.partitionKey = partitionKey
        keyLength = partitionKey.utf8.count
        var text = "\",\"PartitionKey\":\(String(jsonQuoted: partitionKey))"
        if let explicitHash { text += ",\"ExplicitHashKey\":\"\(explicitHash)\"" }
        bytes = Array((text + "},").utf8)
    }
}

/// The body of a `PutRecords` request, built in memory that is used again.
public struct PutRecordsBody: ~Copyable {
    /// The body so far.
    private var bytes: Bytes
    /// What follows each record's data.
    private var suffix = Bytes(capacity: 256)
    /// Bytes of the partition key in it.
    public private(set) var keyLength = 0
    /// Records in it.
    public private(set) var count = 0
    /// Data and keys in it, as the service's limit counts them.
    public private(set) var payloadBytes = 0

    /// Starts a body in the place of what `memory` holds.
    public init(_ stream: StreamReference, reusing memory: consuming Bytes) {
        bytes = memory
        bytes.removeAll()
        bytes.append("{")
        bytes.append(utf8: stream.member)
        bytes.append(",\"Records\":[")
    }

    /// Sets what follows the data of the records to come.
    public mutating func choose(_ suffix: borrowing RecordSuffix) {
        self.suffix.removeAll()
        self.suffix.append(suffix.bytes.span.bytes)
        keyLength = suffix.keyLength
    }

    /// Adds a record with the suffix that was chosen.
    public mutating func append(_ data: RawSpan) {
        bytes.append("{\"Data\":\"")
        bytes.append(base64: data)
        Self.append(suffix, to: &bytes)
        count += 1
        payloadBytes += data.byteCount + keyLength
    }

    /// Apart from `self`, whose parts may not be lent and changed at once.
    private static func append(_ suffix: borrowing Bytes, to bytes: inout Bytes) {
        bytes.append(suffix.span)
    }

    /// Adds a record.
    public mutating func append(_ data: RawSpan, _ suffix: borrowing RecordSuffix) {
        choose(suffix)
        append(data)
    }

    /// Ends the body and gives its memory.
    ///
    /// - Precondition: a record is in it.
    public consuming func finish() -> Bytes {
        precondition(count > 0, "a call without records")
        bytes.truncate(to: bytes.count - 1)
        bytes.append("]}")
        return bytes
    }
}
