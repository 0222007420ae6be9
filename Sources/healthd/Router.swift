import Encoding
import Monitoring
import Stage

/// Finds the answer to a request in the newest overview.
struct Router: Sendable {
    let latest: LatestState
    /// What every request must show; nil for nothing.
    let token: String?
    /// Which hosts requests may name where there is no token.
    let hosts: HostCheck

    /// Every path, for `/` and for 404.
    static let paths = [
        "/", "/health", "/health/detailed", "/health/components/{component}", "/stats", "/live",
        "/ready", "/fresh", "/complete", "/overview", "/events", "/metrics",
    ]

    /// Methods that are answered. OPTIONS is what load balancers ask that are told nothing else.
    private static let methods = ["GET", "HEAD", "OPTIONS"]

    /// The answer to a request; the body of an answer to HEAD is not sent.
    func respond(to request: Request) -> Response {
        var request = request
        // `/health/` is `/health`; `OPTIONS *` asks about the whole server.
        while request.path.count > 1, request.path.hasSuffix("/") { request.path.removeLast() }
        if request.method == "OPTIONS", request.path == "*" { request.path = "/" }
        if let refusal = refusal(of: request) { return refusal }
        guard isKnown(request) else {
            return .error(
                404, "no such path: \(request.path)",
                [("paths", .array(Self.paths.map { .string($0) }))])
        }
        let allowed = Self.methods.joined(separator: ", ")
        guard Self.methods.contains(request.method) else {
            var refusal = Response.error(405, "\(request.method) is not allowed")
            refusal.headers["Allow"] = allowed
            return refusal
        }
        guard request.method == "OPTIONS" else { return answer(request) }
        // Of the whole server the status is what load balancers want to know.
        if request.path == "/" { request.path = "/health" }
        request.accept = ""
        let full = request.path == "/events" ? Response() : answer(request)
        return Response(status: full.status, headers: ["Allow": allowed])
    }

    /// Why a request is not looked at; nil for one that is.
    private func refusal(of request: Request) -> Response? {
        // Probes have no token, and this says nothing but that healthd answers.
        if request.path == "/live" && !request.isMetricsPort { return nil }
        guard let token else {
            guard hosts.admits(request.hosts) else {
                return .error(
                    403, "requests for this host are not answered here; --allow-host names others")
            }
            return nil
        }
        guard !Self.shows(request.authorization, token) else { return nil }
        var refusal = Response.error(401, "a bearer token is needed")
        // Browsers ask for a password where they see the first way.
        refusal.headers["WWW-Authenticate"] = "Basic realm=\"healthd\", Bearer"
        return refusal
    }

    private func answer(_ request: Request) -> Response {
        if request.path == "/live" { return .json(.object([("status", .string("alive"))])) }
        guard let overview = latest.overview else {
            return .error(503, "healthd has not looked at the stages yet")
        }
        if request.path == "/metrics" { return metrics(request) }
        if request.path == "/events" { return events }
        if request.path == "/",
            Accept(request.accept).prefers("text/html", to: "application/json")
        {
            return document
        }
        return HealthRoutes(overview: overview, mode: latest.mode).answer(request.path)
    }

    private func isKnown(_ request: Request) -> Bool {
        if request.isMetricsPort { return request.path == "/metrics" }
        return Self.paths.contains(request.path) && !request.path.hasSuffix("}")
            || request.path.hasPrefix(HealthRoutes.componentPrefix)
    }

    /// The format that the scraper asks for; text where it asks for none.
    private func metrics(_ request: Request) -> Response {
        let wantsOpen = Accept(request.accept).prefers(
            "application/openmetrics-text", to: "text/plain")
        guard let text = latest.metrics(wantsOpen ? .openMetrics : .prometheus) else {
            return .error(503, "no figures yet")
        }
        return Response(
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
