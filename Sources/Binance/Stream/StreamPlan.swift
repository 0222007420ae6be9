import Encoding
public import Identity

/// Which streams go over which connection.
public struct StreamPlan: Sendable, Equatable {
    /// One stream of one symbol.
    public struct Subscription: Hashable, Sendable {
        /// Whose.
        public let symbol: SymbolName
        /// Of what.
        public let kind: StreamKind

        /// Names a stream.
        public init(symbol: SymbolName, kind: StreamKind) {
            self.symbol = symbol
            self.kind = kind
        }

        /// As the venue calls it: `btcusdt@trade`, with what no URL may have percent-encoded.
        public var name: String {
            symbol.description.asciiLowercased.percentEncoded() + "@" + kind.rawValue
        }

        /// For people, such as `BTCUSDT@trade`.
        public var label: String { "\(symbol)@\(kind.rawValue)" }
    }

    /// Streams that one connection may carry (Binance Spot, WebSocket limits, read 2026-07).
    public static let maximumStreams = 1024
    /// Bytes of path and query: many servers take a request line of 8 KiB and no more.
    public static let maximumTarget = 8000

    /// Every stream; the streams of a connection lie together.
    public let subscriptions: [Subscription]
    /// For each connection its part of ``subscriptions``; each part has at least one.
    public let groups: [Range<Int>]

    /// Shares streams out, those of a symbol on the same connection where they fit.
    public init(
        symbols: [SymbolName], kinds: [StreamKind], streams limit: Int = maximumStreams,
        target length: Int = maximumTarget
    ) {
        var all: [Subscription] = []
        var groups: [Range<Int>] = []
        var start = 0
        var used = Self.path.utf8.count
        for symbol in symbols {
            for kind in kinds {
                let next = Subscription(symbol: symbol, kind: kind)
                let bytes = next.name.utf8.count + 1
                if all.count > start, all.count - start >= limit || used + bytes > length {
                    groups.append(start..<all.count)
                    start = all.count
                    used = Self.path.utf8.count
                }
                used += bytes
                all.append(next)
            }
        }
        if all.count > start { groups.append(start..<all.count) }
        subscriptions = all
        self.groups = groups
    }

    private static let path = "/stream?streams="

    /// The URL that a connection opens: streams in the URL cost no message, and are subscribed to
    /// again by connecting again.
    ///
    /// - Parameter base: such as `wss://stream-sbe.binance.com:9443`; a path `/ws` or `/stream` at
    ///   its end is taken off.
    public func url(base: String, group: Int) -> String {
        var root = base[...]
        while root.hasSuffix("/") { root = root.dropLast() }
        for end in ["/ws", "/stream"] where root.hasSuffix(end) {
            root = root.dropLast(end.count)
        }
        return root + Self.path
            + subscriptions[groups[group]].map(\.name).joined(separator: "/")
    }
}
