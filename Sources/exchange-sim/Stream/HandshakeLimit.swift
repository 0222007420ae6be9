/// Decides at the handshake: attempts per address, and refusals on command.
struct HandshakeLimit {
    /// The status that the next handshakes get, and how many of them; nil lets all in.
    private var refusals: [Int] = []
    /// The status that every handshake gets; nil lets all in.
    var standing: Int?
    private let limit: Int
    private let window: Double
    private var attempts: [String: SlidingWindow] = [:]

    init(limit: Int, window: Double) {
        self.limit = limit
        self.window = window
    }

    /// Refuses the next handshakes.
    mutating func refuse(_ status: Int, count: Int) {
        refusals += Array(repeating: status, count: count)
    }

    /// Looks at an attempt before anything else of it is read.
    ///
    /// - Parameters:
    ///   - now: ns of a clock that never goes back.
    /// - Returns: status and text of a refusal; nil when it may go on.
    mutating func judge(_ address: String, at now: Int64) -> (Int, String)? {
        let isWithin = attempts[address, default: SlidingWindow(limit: limit, seconds: window)]
            .admits(at: now)
        // The venue's page names the limit but no status; 429 is what its REST side would say.
        guard isWithin else { return (429, "Too many connection attempts") }
        if !refusals.isEmpty { return (refusals.removeFirst(), "Refused") }
        return standing.map { ($0, "Refused") }
    }
}
