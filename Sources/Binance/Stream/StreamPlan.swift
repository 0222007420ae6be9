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
        public func name(in encoding: StreamEncoding) -> String {
            symbol.description.asciiLowercased.percentEncoded() + "@"
                + kind.venueName(in: encoding)
        }

        /// As the venue calls it in a request, where nothing is percent-encoded.
        public func plainName(in encoding: StreamEncoding) -> String {
            symbol.description.asciiLowercased + "@" + kind.venueName(in: encoding)
        }

        /// For people, such as `BTCUSDT@trade`.
        public var label: String { "\(symbol)@\(kind.name)" }
    }

    /// Streams that one connection may carry (Binance Spot, WebSocket limits, read 2026-07).
    public static let maximumStreams = 1024

    /// Bytes of path and query: many servers take a request line of 8 KiB and no more. The JSON
    /// service was seen to leave requests of 4106 bytes unanswered (2024-12).
    public static func maximumTarget(of encoding: StreamEncoding) -> Int {
        encoding == .sbe ? 8000 : 4000
    }

    /// The form that is asked for.
    public let encoding: StreamEncoding
    /// Every stream; the streams of a connection are adjacent.
    public let subscriptions: [Subscription]
    /// For each connection its part of ``subscriptions``; each part has at least one.
    public let groups: [Range<Int>]

    /// Shares streams out, those of a symbol on the same connection where they fit.
    public init(
        symbols: [SymbolName], kinds: [StreamKind], encoding: StreamEncoding = .sbe,
        streams limit: Int = maximumStreams, target length: Int? = nil
    ) {
        let length = length ?? Self.maximumTarget(of: encoding)
        var all: [Subscription] = []
        var groups: [Range<Int>] = []
        var start = 0
        let empty = Self.path.utf8.count + Self.options(of: encoding).utf8.count
        var used = empty
        for symbol in symbols {
            for kind in kinds {
                let next = Subscription(symbol: symbol, kind: kind)
                let bytes = next.name(in: encoding).utf8.count + 1
                if all.count > start, all.count - start >= limit || used + bytes > length {
                    groups.append(start..<all.count)
                    start = all.count
                    used = empty
                }
                used += bytes
                all.append(next)
            }
        }
        if all.count > start { groups.append(start..<all.count) }
        self.encoding = encoding
        subscriptions = all
        self.groups = groups
    }

    /// Whose streams, each symbol once.
    public var symbols: [SymbolName] {
        subscriptions.reduce(into: []) { list, next in
            if list.last != next.symbol { list.append(next.symbol) }
        }
    }

    private static let path = "/stream?streams="

    /// Times of JSON messages are in ms unless the URL asks for µs; SBE has nothing else.
    private static func options(of encoding: StreamEncoding) -> String {
        encoding == .json ? "&timeUnit=MICROSECOND" : ""
    }

    /// The URL that a connection opens: streams in the URL cost no message, and are subscribed to
    /// again by connecting again.
    ///
    /// - Parameter base: such as `wss://stream-sbe.binance.com:9443`; a path `/ws` or `/stream` at
    ///   its end is taken off.
    public func url(base: String, group: Int) -> String {
        Self.url(base: base, Array(subscriptions[groups[group]]), encoding)
    }

    /// The URL that a connection opens for some streams.
    public static func url(
        base: String, _ subscriptions: [Subscription], _ encoding: StreamEncoding
    ) -> String {
        var root = base[...]
        while root.hasSuffix("/") { root = root.dropLast() }
        for end in ["/ws", "/stream"] where root.hasSuffix(end) {
            root = root.dropLast(end.count)
        }
        return root + path + subscriptions.map { $0.name(in: encoding) }.joined(separator: "/")
            + options(of: encoding)
    }
}
