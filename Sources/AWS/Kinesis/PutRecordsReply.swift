import Encoding

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

        /// What is known of the reason.
        public var words: String {
            let name = code.isEmpty ? "no error code, no sequence number" : code
            return message.isEmpty ? name : "\(name): \(message)"
        }

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
        var scanner = JSONScanner(body.span.bytes)
        do throws(JSONScanner.Failure) {
            var members = JSONScanner.Place()
            while let name = try scanner.nextKey(&members) {
                guard scanner.equals(name, "Records") else {
                    try scanner.skip()
                    continue
                }
                try scanner.take(UInt8(ascii: "["))
                var isFirst = true
                var usual: UsualEntry?
                while try scanner.more(&isFirst, until: UInt8(ascii: "]")) {
                    _ = scanner.peek()
                    let start = scanner.position
                    if let end = usual?.end(at: start, in: body.span.bytes) {
                        scanner = JSONScanner(body.span.bytes, from: end)
                        found += 1
                        continue
                    }
                    let entry = try Entry(&scanner, expected)
                    if entry.isStored, !entry.hasStrayed, let number = entry.number {
                        usual = UsualEntry(start..<scanner.position, number: number)
                    }
                    strayed = strayed || entry.hasStrayed
                    if !entry.isStored {
                        failures.append(
                            Failure(
                                index: found, code: entry.code ?? "", message: entry.message ?? ""))
                    }
                    found += 1
                }
            }
        } catch { return nil }
        guard found == count else { return nil }
        self.failures = failures
        hasStrayed = strayed
    }
}

/// What an answer says of one record.
private struct Entry {
    var isStored = false
    var hasStrayed = false
    /// Where its sequence number is.
    var number: Range<Int>?
    var code: String?
    var message: String?

    /// - Parameter expected: the id of the shard that was expected; empty for none.
    init(
        _ scanner: inout JSONScanner, _ expected: [UInt8]
    ) throws(JSONScanner.Failure) {
        var members = JSONScanner.Place()
        while let name = try scanner.nextKey(&members) {
            guard scanner.isAtString() else {
                try scanner.skip()
                continue
            }
            if scanner.equals(name, "SequenceNumber") {
                let text = try scanner.string()
                isStored = !text.isEmpty
                number = text
            } else if scanner.equals(name, "ShardId") {
                let id = try scanner.string()
                hasStrayed = !expected.isEmpty && !id.isEmpty && !scanner.equals(id, expected)
            } else if scanner.equals(name, "ErrorCode") {
                code = try scanner.lenientText()
            } else if scanner.equals(name, "ErrorMessage") {
                message = try scanner.lenientText()
            } else {
                try scanner.skip()
            }
        }
    }
}
