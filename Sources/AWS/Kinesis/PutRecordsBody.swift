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

    /// Adds a record.
    public mutating func append(_ data: RawSpan, _ suffix: borrowing RecordSuffix) {
        bytes.append("{\"Data\":\"")
        bytes.append(base64: data)
        bytes.append(suffix.bytes.span.bytes)
        count += 1
        payloadBytes += data.byteCount + suffix.keyLength
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
