/// What a misbehaving venue does to a reply.
enum Fault: String, CaseIterable, Sendable {
    /// The connection closes in the middle of the body.
    case close
    /// The reply comes late.
    case delay
    /// HTTP 500 with the venue's error body.
    case error
    /// HTTP 503 with an HTML page, as from a proxy.
    case html
    /// HTTP 403 with an HTML page, as from a firewall.
    case firewall
    /// HTTP 429 with Retry-After.
    case limit
    /// HTTP 418 with Retry-After.
    case ban
    /// Status 200, bytes that mean nothing.
    case garbage
    /// Status 200, a body that stops short.
    case truncate
    /// A row is there twice.
    case duplicate
    /// A row of the middle is left out.
    case missing
    /// Two rows have changed places.
    case unordered
    /// HTTP 451, as to a country that the venue does not serve.
    case restricted
    /// HTTP 302 to another place.
    case redirect
    /// HTTP 404 with an HTML page, as from a host that is not the venue.
    case absent

    /// After these, asking again helps.
    static let recoverable: [Fault] = [
        .close, .delay, .error, .html, .garbage, .truncate, .duplicate, .missing, .unordered,
    ]
}

/// Picks faults, the same ones for the same seed and order of requests.
struct FaultPlan: Sendable {
    /// Share of requests that get one, 0 to 1.
    var rate = 0.0
    /// Which ones.
    var kinds = Fault.recoverable
    /// Faults that the next requests get, whatever the rate.
    var queue: [Fault] = []
    /// Faults that the next requests of one endpoint get.
    var queues: [String: [Fault]] = [:]
    /// Seconds of `delay`, and of Retry-After.
    var delay = 0.05
    var retryAfter = 1
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// The fault that was asked for the next request of an endpoint; nil for none.
    mutating func next(of endpoint: String) -> Fault? {
        guard let fault = queues[endpoint]?.first else { return nil }
        queues[endpoint]?.removeFirst()
        return fault
    }

    /// The fault of the next request; nil for none.
    mutating func next() -> Fault? {
        if !queue.isEmpty { return queue.removeFirst() }
        guard rate > 0, !kinds.isEmpty, Double(random() >> 11) / Double(1 << 53) < rate else {
            return nil
        }
        return kinds[Int(random() % UInt64(kinds.count))]
    }

    private mutating func random() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
