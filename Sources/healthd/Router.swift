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
        "/ready", "/fresh", "/complete", "/overview", "/stages/{stage}/settings", "/events",
        "/metrics", "/reasons",
    ]

    /// Methods that are answered. OPTIONS is what load balancers ask that are told nothing else.
    private static let methods = ["GET", "HEAD", "OPTIONS"]
    static let allowed = methods.joined(separator: ", ")

    /// The answer to a request; the body of an answer to HEAD is not sent.
    func respond(to request: Request) -> Response {
        if let fault = request.fault { return .error(400, fault) }
        let response = answer(toWhole: request)
        return request.acceptEncoding.isEmpty
            ? response : response.compressed(for: request.acceptEncoding)
    }

    private func answer(toWhole request: Request) -> Response {
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
        guard Self.methods.contains(request.method) else {
            var refusal = Response.error(405, "\(request.method) is not allowed")
            refusal.headers["Allow"] = Self.allowed
            return refusal
        }
        guard request.method == "OPTIONS" else { return answer(request) }
        // Of the whole server the status is what load balancers want to know.
        if request.path == "/" { request.path = "/health" }
        request.accept = ""
        let full = request.path == "/events" ? Response() : answer(request)
        return Response(status: full.status, headers: ["Allow": Self.allowed])
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
            return .error(503, "healthd has not read the stages yet")
        }
        if request.path == "/metrics" { return metrics(request) }
        if request.path == "/events" { return events }
        if request.path == "/",
            AcceptHeader(request.accept).prefers("text/html", to: "application/json")
        {
            return document
        }
        if request.path == "/reasons" {
            let isPage = AcceptHeader(request.accept).prefers("text/html", to: "application/json")
            return isPage ? reasonsDocument : Self.reasons
        }
        return HealthRoutes(overview: overview, deployment: latest.deployment).answer(request.path)
    }

    private func isKnown(_ request: Request) -> Bool {
        if request.isMetricsPort { return request.path == "/metrics" }
        return Self.paths.contains(request.path) && !request.path.hasSuffix("}")
            || request.path.hasPrefix(HealthRoutes.componentPrefix)
            || HealthRoutes.stageOfSettings(request.path) != nil
    }

    /// The format that the scraper asks for; text where it asks for none.
    private func metrics(_ request: Request) -> Response {
        let wantsOpen = AcceptHeader(request.accept).prefers(
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
