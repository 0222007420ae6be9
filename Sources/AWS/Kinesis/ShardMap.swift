/// Which shard takes which hash keys: the open shards of a stream, by their ranges.
public struct ShardMap: Sendable, Equatable {
    /// One open shard.
    public struct Shard: Sendable, Equatable {
        /// For example `shardId-000000000003`.
        public let id: String
        /// The lowest hash key that it takes.
        public let start: UInt128
        /// The highest hash key that it takes.
        public let end: UInt128

        /// Describes a shard.
        public init(id: String, start: UInt128, end: UInt128) {
            self.id = id
            self.start = start
            self.end = end
        }
    }

    /// By range, lowest first; never empty.
    public let shards: [Shard]
    /// False for the stand-in that takes everything, while the stream's own map is not known.
    public let isKnown: Bool

    /// One shard for everything.
    public static let unknown = ShardMap(
        shards: [Shard(id: "", start: 0, end: .max)], isKnown: false)

    private init(shards: [Shard], isKnown: Bool) {
        self.shards = shards
        self.isKnown = isKnown
    }

    /// A map of open shards; nil when there are none.
    public init?(_ shards: [Shard]) {
        guard !shards.isEmpty else { return nil }
        self.init(shards: shards.sorted { $0.start < $1.start }, isKnown: true)
    }

    /// The place in ``shards`` of the one that takes a hash key; the nearest one below, where
    /// a reshard under way leaves none that does.
    public func index(of hash: UInt128) -> Int {
        var low = 0
        var high = shards.count
        while low < high {
            let middle = (low + high) / 2
            if shards[middle].start <= hash { low = middle + 1 } else { high = middle }
        }
        return max(0, low - 1)
    }
}

/// One answer to `ListShards`.
struct ShardPage {
    var open: [ShardMap.Shard] = []
    var nextToken: String?

    /// Nil for bytes that are no such answer.
    init?(_ body: [UInt8]) {
        var shards: [ShardMap.Shard] = []
        var token: String?
        var isWhole = false
        body.withUnsafeBytes { bytes in
            var cursor = JSONCursor(bytes)
            isWhole = cursor.object { name, cursor in
                if cursor.matches(name, "NextToken"), cursor.peek() == UInt8(ascii: "\"") {
                    token = cursor.text()
                    return true
                }
                guard cursor.matches(name, "Shards") else { return cursor.skip() }
                return cursor.array { cursor in
                    guard let shard = ShardPage.shard(&cursor) else { return false }
                    if let open = shard { shards.append(open) }
                    return true
                }
            }
        }
        guard isWhole else { return nil }
        open = shards
        nextToken = token
    }

    /// An element of `Shards`: nil for no shard, and a nil in it for a closed one.
    private static func shard(_ cursor: inout JSONCursor) -> ShardMap.Shard?? {
        var id: String?
        var start: UInt128?
        var end: UInt128?
        var isClosed = false
        let isWhole = cursor.object { name, cursor in
            if cursor.matches(name, "ShardId") {
                id = cursor.text()
                return id != nil
            }
            if cursor.matches(name, "HashKeyRange") {
                return cursor.object { name, cursor in
                    let isStart = cursor.matches(name, "StartingHashKey")
                    guard isStart || cursor.matches(name, "EndingHashKey") else {
                        return cursor.skip()
                    }
                    let value = cursor.text().flatMap { UInt128($0) }
                    if isStart { start = value } else { end = value }
                    return value != nil
                }
            }
            if cursor.matches(name, "SequenceNumberRange") {
                return cursor.object { name, cursor in
                    if cursor.matches(name, "EndingSequenceNumber"),
                        cursor.peek() == UInt8(ascii: "\"")
                    {
                        isClosed = true
                    }
                    return cursor.skip()
                }
            }
            return cursor.skip()
        }
        guard isWhole, let id, let start, let end, start <= end else { return nil }
        return .some(isClosed ? nil : ShardMap.Shard(id: id, start: start, end: end))
    }
}
