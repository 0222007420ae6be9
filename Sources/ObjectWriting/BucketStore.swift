package import AWS
import Bronze
import Posix
import Stage
package import StageAWS

/// A bucket as a place for objects.
package struct BucketStore: ~Copyable {
    private var client: S3Client
    private let bucket: String
    /// Without slashes at its ends.
    package let prefix: String
    private let figures: ServiceFigures
    private let condition: ConditionalWrites
    /// True once the store was seen to refuse a second object under one key: only then is the
    /// header alone relied upon.
    private var isKnownToRefuse = false

    /// A bucket, and what below it is ours.
    package init(
        _ client: consuming S3Client, bucket: String, prefix: String,
        condition: ConditionalWrites, _ figures: ServiceFigures
    ) {
        self.client = client
        self.bucket = bucket
        self.prefix = prefix
        self.condition = condition
        self.figures = figures
    }

    private func key(_ name: String) -> String { prefix.isEmpty ? name : "\(prefix)/\(name)" }

    /// Stores a file; what is there stays.
    package mutating func put(_ object: FinishedFile) throws -> Placement {
        defer { figures.note(circuit: client.circuit, retryTokens: client.retryTokens) }
        let key = key(object.key)
        let upload = ObjectUpload(
            path: object.path, bucket: bucket, key: key, contentType: object.contentType,
            metadata: [("records", "\(object.records)")])
        do throws(AWSError) {
            // A store that ignores the condition would silently replace another object.
            if condition == .header, !isKnownToRefuse, let found = try exists(key) {
                return try compare(found, upload)
            }
            switch try client.put(upload) {
            case .created: return .created
            case .existedSame:
                isKnownToRefuse = true
                return .existed
            case .existedOther:
                isKnownToRefuse = true
                return .conflicts(
                    theirs: try describe(key), ours: "\(try client.checksum(of: upload))")
            }
        } catch { throw failure(error) }
    }

    /// - Returns: nil also where it may not be asked: the condition has to suffice then.
    private mutating func exists(_ key: String) throws(AWSError) -> ObjectFacts? {
        do throws(AWSError) { return try client.head(bucket: bucket, key: key) } catch {
            if error.status == 403 { return nil }
            throw error
        }
    }

    private func compare(
        _ found: ObjectFacts, _ upload: ObjectUpload
    ) throws(AWSError) -> Placement {
        let own = try client.checksum(of: upload)
        if own.isOf(found) { return .existed }
        return .conflicts(theirs: Self.describe(found), ours: "\(own)")
    }

    private mutating func describe(_ key: String) throws(AWSError) -> String {
        guard let facts = try client.head(bucket: bucket, key: key) else { return "gone by now" }
        return Self.describe(facts)
    }

    private static func describe(_ facts: ObjectFacts) -> String {
        let checksum = facts.crc32c.map { "CRC-32C \($0)" } ?? "ETag \(facts.etag)"
        return "\(facts.length) bytes, \(checksum)"
    }

    private func failure(_ error: AWSError) -> any Error {
        guard error.status == 501, condition == .header else { return error }
        return StageFailure(
            .configuration,
            "\(error); the store does not support conditional creates (the header If-None-Match): "
                + "--conditional-writes head asks whether an object exists before it is stored")
    }

    /// Removes an object; one that is gone already is fine.
    package mutating func remove(_ name: String) throws(AWSError) {
        try client.delete(bucket: bucket, key: key(name))
    }

    // MARK: - The start

    /// Begins an upload in parts of an object of our form and ends it again: that needs the
    /// permissions of storing one, and leaves nothing behind.
    package mutating func check() throws(AWSError) {
        try client.checkWriting(bucket: bucket, key: key(Partition.checkKey))
    }

    /// Ends uploads in parts that earlier runs left: those of objects in our own state,
    /// and below a prefix of ours old ones of objects of our form. Those of others stay.
    ///
    /// - Parameters:
    ///   - own: keys of objects in our own state, without the prefix.
    ///   - end: uploads of other runs go when they were begun before it, seconds since the epoch;
    ///     nil leaves them.
    package mutating func abortUploads(own: [String], begunBefore end: Int64?) throws(AWSError)
        -> Int
    {
        let folder = prefix.isEmpty ? "" : prefix + "/"
        let keys = Set(own.map { folder + $0 })
        // Without a prefix the bucket may be anybody's.
        let oldEnd = prefix.isEmpty ? nil : end
        guard !keys.isEmpty || oldEnd != nil else { return 0 }
        // Below a prefix both layouts are looked through at once; a bucket without one may be large.
        let isOfThisLayout = own.allSatisfy { $0.hasPrefix(Partition.keyStart) }
        let start = prefix.isEmpty && isOfThisLayout ? Partition.keyStart : folder
        return try client.abortUnfinished(
            bucket: bucket, prefix: start, keys: keys, begunBefore: oldEnd
        ) { Partition.isOfOurForm(String($0.dropFirst(folder.count))) }
    }
}
