extension VenueClient {
    /// How to talk to the venue.
    public struct Options: Sendable {
        /// Base URL of the API.
        public var baseURL = "https://data-api.binance.vision"
        /// Asked encodings.
        public var encoding = Encoding.auto
        /// SBE schema id and version, such as `3:5`.
        public var schema = "3:5"
        /// The venue's key; nil for none.
        public var apiKey: String?
        /// Weight per window that may be used; nil for 95 % of the venue's limit.
        public var weightLimit: Int?
        /// Percent of the venue's limit that may be used where ``weightLimit`` is nil.
        public var weightShare = 95
        /// Time for one request, seconds.
        public var timeout = 30.0
        /// Attempts at one request.
        public var maximumAttempts = 8
        /// Seconds for which nothing is sent after five failures in a row.
        public var circuitCoolDown = 15.0
        /// Longest first and longest later pause between attempts, seconds.
        public var backoff = (initial: 1.0, longest: 60.0)
        /// Longest pause that the venue may impose before the client gives up, seconds; may be
        /// infinite.
        public var longestPause = 900.0
        /// A file of certificate authorities instead of the system's.
        public var authorities: String?
        /// Where the programs of this host share what they learn of weight and bans; nil shares
        /// nothing.
        public var sharedDirectory: String?
        /// True for a stage of a running pipeline, for whose snapshots others leave room.
        public var isLive = false
        /// A reply over this many bytes is refused.
        public var maximumReply = 32 << 20

        /// The defaults.
        public init() {}

        /// Shares what is learnt of weight and bans with the other programs of this host.
        ///
        /// - Parameters:
        ///   - directory: where they leave files for each other.
        ///   - isNamed: false for the standard place, in which a venue on this very machine is left
        ///     out: it is a simulator, and the next one on its port knows nothing of its bans.
        public mutating func share(in directory: String, isNamed: Bool) {
            let host = SharedWeight.host(of: baseURL) ?? ""
            let isLocal = host.hasPrefix("127.") || host.hasPrefix("localhost")
            sharedDirectory = isLocal && !isNamed ? nil : directory
        }
    }

    /// Which form of reply is asked for.
    public enum Encoding: String, CaseIterable, Sendable {
        /// SBE, and JSON where the venue will not.
        case auto
        case sbe
        case json
    }

    /// One request: an endpoint, what is asked, and the caller's name for it.
    public struct Request: Sendable {
        /// Returned with the reply.
        public let token: Int
        /// The path.
        public let endpoint: Endpoint
        /// With path and query.
        public let url: String
        let weight: Int
        var attempts = 0
        var notBefore: Int64 = 0

        /// Describes a request.
        ///
        /// - Parameters:
        ///   - rows: its `limit`, for the weight.
        ///   - query: names and values.
        public init(
            token: Int = 0, _ endpoint: Endpoint, rows: Int = 1, base: String,
            _ query: KeyValuePairs<String, String>
        ) {
            self.token = token
            self.endpoint = endpoint
            url = endpoint.url(base: base, query)
            weight = endpoint.weight(rows: rows)
        }
    }

    /// A good reply.
    public struct Reply: Sendable {
        /// Of the request.
        public let token: Int
        /// The body.
        public let body: [UInt8]
        /// True when the body is an SBE message.
        public let isSBE: Bool
        /// When it arrived, ns since the epoch.
        public let arrival: Int64
    }

    /// Something worth a log line; see ``VenueClient/report``.
    public struct Notice: Sendable {
        /// True for what an operator should look at.
        public let isWarning: Bool
        /// One sentence.
        public let text: String
        /// What kind of thing it is: a venue that fails all the time gives many of a kind.
        public let cause: Cause
    }

    /// Kinds of notices.
    public enum Cause: Sendable {
        /// A request is sent again.
        case retry
        /// A reply could not be read.
        case unreadable
        /// The venue bars the address.
        case barred
        /// What is told once.
        case once
    }

    /// Figures since the start.
    public struct Counts: Sendable {
        /// Attempts sent.
        public var requests = 0
        /// Attempts that were repeats.
        public var retries = 0
        /// Answers 429 and 418.
        public var limited = 0
        /// Bytes of reply bodies.
        public var bytes = 0
    }
}
