import Encoding
import Monitoring
import Stage

/// Finds the answer to a request in the newest overview.
struct Answers: Sendable {
    let board: Board
    /// What every request must show; nil for nothing.
    let token: String?

    /// Every path, for `/` and for 404.
    static let paths = [
        "/", "/health", "/health/detailed", "/health/components/{component}", "/stats", "/live",
        "/ready", "/fresh", "/complete", "/overview", "/events", "/metrics",
    ]

    /// The answer to a request; the body of an answer to HEAD is not sent.
    func answer(_ query: Query) -> Answer {
        if let token, !Self.shows(query.authorization, token) {
            var refusal = Answer.error(401, "a bearer token is needed")
            // Browsers ask for a password where they see the first way.
            refusal.headers["WWW-Authenticate"] = "Basic realm=\"healthd\", Bearer"
            return refusal
        }
        guard isKnown(query) else {
            return .error(
                404, "no such path: \(query.path)",
                [("paths", .array(Self.paths.map { .string($0) }))])
        }
        guard query.method == "GET" || query.method == "HEAD" else {
            var refusal = Answer.error(405, "\(query.method) is not allowed")
            refusal.headers["Allow"] = "GET, HEAD"
            return refusal
        }
        if query.path == "/live" { return .json(.object([("status", .string("alive"))])) }
        guard let overview = board.overview else {
            return .error(503, "healthd has not looked at the stages yet")
        }
        if query.path == "/metrics" { return metrics(query) }
        if query.path == "/events" { return events }
        if query.path == "/", Accept(query.accept).prefers("text/html", to: "application/json") {
            return document
        }
        return HealthAnswers(overview: overview, mode: board.mode).answer(query.path)
    }

    private func isKnown(_ query: Query) -> Bool {
        if query.isMetricsPort { return query.path == "/metrics" }
        return Self.paths.contains(query.path) && !query.path.hasSuffix("}")
            || query.path.hasPrefix(HealthAnswers.componentPrefix)
    }

    /// The format that the scraper asks for; text where it asks for none.
    private func metrics(_ query: Query) -> Answer {
        let wantsOpen = Accept(query.accept).prefers(
            "application/openmetrics-text", to: "text/plain")
        guard let text = board.metrics(wantsOpen ? .openMetrics : .prometheus) else {
            return .error(503, "no figures yet")
        }
        return Answer(
            contentType: wantsOpen
                ? Monitor.contentTypes.openMetrics : Monitor.contentTypes.prometheus,
            body: text, headers: ["Vary": "Accept"])
    }

    /// True for the token as a bearer's, or as the password of any user.
    private static func shows(_ authorization: String, _ token: String) -> Bool {
        let basic = "Basic "
        guard authorization.hasPrefix(basic) else {
            return isSame(authorization, "Bearer \(token)")
        }
        guard
            let pair = Base64.decode(
                authorization.dropFirst(basic.count), requiringPadding: false),
            let colon = pair.firstIndex(of: UInt8(ascii: ":"))
        else { return false }
        return isSame(String(decoding: pair[(colon + 1)...], as: UTF8.self), token)
    }

    /// Compares without telling by its time where two texts differ.
    private static func isSame(_ one: String, _ other: String) -> Bool {
        let (one, other) = (Array(one.utf8), Array(other.utf8))
        var difference = one.count ^ other.count
        for index in other.indices {
            difference |= Int(other[index] ^ (index < one.count ? one[index] : 0))
        }
        return difference == 0
    }
}

/// An `Accept` header (RFC 9110, section 12.5.1).
struct Accept {
    private var ranges: [(type: String, quality: Double)] = []

    init(_ text: String) {
        for range in text.split(separator: ",") {
            let parts = range.split(separator: ";").map {
                $0.split { $0 == " " || $0 == "\t" }.joined().lowercased()
            }
            guard let type = parts.first else { continue }
            let quality = parts.first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) }
            ranges.append((type, quality ?? 1))
        }
    }

    /// How much a type is wanted, 0 to 1; the range that says most of it counts.
    func quality(of type: String) -> Double {
        let group = type.split(separator: "/").first.map { $0 + "/*" } ?? "*/*"
        for wanted in [type, String(group), "*/*"] {
            if let range = ranges.filter({ $0.type == wanted }).max(by: { $0.quality < $1.quality })
            {
                return range.quality
            }
        }
        return 0
    }

    /// True when one type is named and wanted at least as much as the other.
    func prefers(_ type: String, to other: String) -> Bool {
        guard ranges.contains(where: { $0.type == type && $0.quality > 0 }) else { return false }
        return quality(of: type) >= quality(of: other)
    }
}
