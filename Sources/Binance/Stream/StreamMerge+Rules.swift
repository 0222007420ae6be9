/// What a merge keeps to, is told, and tells.
extension StreamMerge {
    /// What it keeps to.
    public struct Rules: Sendable {
        /// How long a record that is ahead waits for another copy of those before it, ns.
        public var reorderWindow: Int64 = 500_000_000
        /// True when klines that are not over go on too, again and again until they are.
        public var takesOpenKlines = false
        /// True when changes of a book want a snapshot to begin from.
        public var takesSnapshots = false
        /// How long changes of a book wait for its snapshot, ns.
        public var bookWindow: Int64 = 10_000_000_000
        /// Bytes of waiting records that one stream may have.
        public var heldBytes = 4 << 20
        /// How long copies may lag behind other connections when nothing new comes, ns; a stream
        /// whose records are below the newest id for longer has restarted its ids.
        public var behindWindow: Int64 = 10_000_000_000
        /// Streams that were not asked for and are taken anyway.
        public var foreignStreams = 4096
        /// Update ids that one change of a book may span, and by how many any id may be beyond the
        /// newest of its stream: what is wider is a fault of the venue or of the network, and would
        /// make everything that follows look old.
        public var plausibleIDs: (width: Int64, jump: Int64) = (1_000_000, 1_000_000_000)
        /// Messages in a row that continue each other and are beyond that jump, after which the
        /// stream is believed.
        public var jumpConfirmations = 8

        /// The defaults.
        public init() {}
    }

    /// The connection that a message came over.
    public struct Origin: Sendable {
        /// Open connections that carry the same streams, this one included.
        public var copies: Int
        /// Connections with these streams that were lost so far.
        public var losses: UInt32

        /// Describes a connection.
        public init(copies: Int = 1, losses: UInt32 = 0) {
            self.copies = copies
            self.losses = losses
        }
    }

    /// What became of a message.
    public struct Taken: Sendable {
        /// The stream's place in ``StreamMerge/streams``.
        public let place: Int
        /// Records of it that no other connection had brought.
        public let fresh: Int
        /// The venue's time of the message, µs; 0 when it has none.
        public let eventTime: Int64
    }

    /// Figures since the start.
    public struct Counts: Sendable {
        /// Records decoded, whatever became of them.
        public internal(set) var decoded = KindCounts()
        /// Records dropped because they, or newer ones, came before.
        public internal(set) var duplicates = 0
        /// Of these, records below the newest id although nothing new came for ``Rules/behindWindow``.
        public internal(set) var behind = 0
        /// Trades that came after they had been declared missing.
        public internal(set) var late = 0
        /// Gap records.
        public internal(set) var gaps = 0
        /// Snapshots from outside the streams.
        public internal(set) var snapshots = 0
        /// Klines that were not over, and were not asked for.
        public internal(set) var filtered = 0
        /// Bytes after messages, which were ignored.
        public internal(set) var surplusBytes = 0
    }

    /// Numbers of records by kind of stream.
    public struct KindCounts: Sendable {
        /// Of trade.
        public internal(set) var trades = 0
        /// Of bestBidAsk.
        public internal(set) var quotes = 0
        /// Of depth.
        public internal(set) var diffs = 0
        /// Of depth20.
        public internal(set) var books = 0
        /// Of aggTrade.
        public internal(set) var aggregates = 0
        /// Of klines.
        public internal(set) var klines = 0

        /// Of all kinds.
        public var total: Int { trades + quotes + diffs + books + aggregates + klines }
    }
}
