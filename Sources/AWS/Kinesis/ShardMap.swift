import Encoding

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
        var scanner = JSONScanner(body.span.bytes)
        do throws(JSONScanner.Failure) {
            var members = JSONScanner.Place()
            while let name = try scanner.nextKey(&members) {
                if scanner.equals(name, "NextToken"), scanner.isAtString() {
                    token = try scanner.lenientText()
                } else if scanner.equals(name, "Shards") {
                    var elements = JSONScanner.Place()
                    while try scanner.nextElement(&elements) {
                        if let shard = try Self.openShard(&scanner) { shards.append(shard) }
                    }
                } else {
                    try scanner.skip()
                }
            }
        } catch { return nil }
        open = shards
        nextToken = token
    }

    /// An element of `Shards`; nil for a closed one.
    private static func openShard(
        _ scanner: inout JSONScanner
    ) throws(JSONScanner.Failure) -> ShardMap.Shard? {
        var id: String?
        var start: UInt128?
        var end: UInt128?
        var isClosed = false
        var members = JSONScanner.Place()
        while let name = try scanner.nextKey(&members) {
            let isRange = scanner.equals(name, "HashKeyRange")
            if scanner.equals(name, "ShardId") {
                id = try scanner.lenientText()
            } else if isRange || scanner.equals(name, "SequenceNumberRange") {
                var members = JSONScanner.Place()
                while let name = try scanner.nextKey(&members) {
                    if isRange, scanner.equals(name, "StartingHashKey") {
                        start = UInt128(try scanner.text())
                    } else if isRange, scanner.equals(name, "EndingHashKey") {
                        end = UInt128(try scanner.text())
                    } else {
                        if !isRange, scanner.equals(name, "EndingSequenceNumber") {
                            isClosed = scanner.isAtString()
                        }
                        try scanner.skip()
                    }
                }
            } else {
                try scanner.skip()
            }
        }
        guard let id, let start, let end, start <= end else {
            throw scanner.failure("expected a shard")
        }
        return isClosed ? nil : ShardMap.Shard(id: id, start: start, end: end)
    }
}
