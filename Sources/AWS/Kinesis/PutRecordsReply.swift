/// The answer to a `PutRecords` request whose records were all meant for one shard.
public struct PutRecordsReply: Sendable, Equatable {
    /// A record that was not stored.
    public struct Failure: Sendable, Equatable {
        /// Its place in the request.
        public let index: Int
        /// `ProvisionedThroughputExceededException`, `InternalFailure`, or what may come.
        public let code: String
        /// The service's words.
        public let message: String

        /// True when the shard asked for less.
        public var isThrottle: Bool { code == "ProvisionedThroughputExceededException" }
    }

    /// Those that were not stored, in the order of the request.
    public private(set) var failures: [Failure] = []
    /// True when a record went to another shard than was expected: the shards have changed.
    public private(set) var hasStrayed = false

    /// Reads an answer.
    ///
    /// - Parameters:
    ///   - count: records in the request.
    ///   - shard: the id of the shard that was expected; empty for none.
    /// - Returns: nil for bytes that are no such answer, or one with another number of records:
    ///   then nothing is known of any of them.
    public init?(_ body: [UInt8], count: Int, shard: String) {
        let expected = Array(shard.utf8)
        var found = 0
        var failures: [Failure] = []
        var strayed = false
        let isWhole = body.withUnsafeBytes { bytes in
            var cursor = JSONCursor(bytes)
            return cursor.object { name, cursor in
                guard cursor.matches(name, "Records") else { return cursor.skip() }
                return cursor.array { cursor in
                    var isStored = false
                    var code: String?
                    var message: String?
                    let isEntry = cursor.object { name, cursor in
                        guard cursor.peek() == UInt8(ascii: "\"") else { return cursor.skip() }
                        if cursor.matches(name, "SequenceNumber") {
                            guard let range = cursor.rawText() else { return false }
                            isStored = !range.isEmpty
                            return true
                        }
                        if cursor.matches(name, "ShardId") {
                            guard let range = cursor.rawText() else { return false }
                            if !expected.isEmpty, !range.isEmpty, !strayed {
                                strayed = !cursor.matches(range, expected)
                            }
                            return true
                        }
                        if cursor.matches(name, "ErrorCode") {
                            code = cursor.text()
                            return code != nil
                        }
                        if cursor.matches(name, "ErrorMessage") {
                            message = cursor.text()
                            return message != nil
                        }
                        return cursor.skip()
                    }
                    if !isStored {
                        failures.append(
                            Failure(index: found, code: code ?? "", message: message ?? ""))
                    }
                    found += 1
                    return isEntry
                }
            }
        }
        guard isWhole, found == count else { return nil }
        self.failures = failures
        hasStrayed = strayed
    }
}
