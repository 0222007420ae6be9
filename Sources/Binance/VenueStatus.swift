/// What a status of HTTP means that the venue, or what is in front of it, answers with: one table for
/// REST and for the opening of streams, which `docs/errors.md` prints.
///
/// Sources: Binance Spot API, "HTTP Return Codes", and what proxies, firewalls and Cloudflare, which
/// the venue is behind, answer with.
public struct VenueStatus: Sendable {
    /// What a client does by itself.
    public enum Handling: String, Sendable {
        /// Sends again after a growing pause, as often as is set.
        case again = "again"
        /// Sends again after half a minute.
        case later = "again after 30 s"
        /// Sends again when the pause has ended that the answer names, as often as it takes.
        case pause = "again after the pause that the venue asks for"
        /// REST: asks for JSON instead of SBE.
        case asJSON = "again, asking for JSON"
        /// Nothing.
        case final = "not again"
    }

    /// Who answers so.
    public let statuses: ClosedRange<Int>
    /// What a request for a page of REST does then.
    public let rest: Handling
    /// How a run ends then when it does not help.
    public let restCause: VenueFailure.Cause
    /// What a stream that opens does then.
    public let stream: Handling
    /// How a run ends then; nil where it is tried again without end.
    public let streamCause: VenueFailure.Cause?
    /// What a person can do; empty for nothing.
    public let hint: String

    private init(
        _ statuses: ClosedRange<Int>, _ rest: Handling, _ restCause: VenueFailure.Cause,
        _ stream: Handling, _ streamCause: VenueFailure.Cause?, _ hint: String = ""
    ) {
        self.statuses = statuses
        self.rest = rest
        self.restCause = restCause
        self.stream = stream
        self.streamCause = streamCause
        self.hint = hint
    }

    /// The row of a status; the first that holds it.
    public static func of(_ status: Int) -> VenueStatus {
        rows.first { $0.statuses.contains(status) } ?? rows[rows.count - 1]
    }

    /// All rows; a narrow one comes before a wide one.
    public static let rows = [
        VenueStatus(
            200...299, .again, .protocolBroken, .again, nil,
            "the reply is not the venue's: a proxy, firewall or sign-in page may be in the way"),
        VenueStatus(
            300...399, .final, .configuration, .final, .configuration,
            "it redirects: set --base-url or --ws-url to the URL of the API itself"),
        VenueStatus(
            400...400, .asJSON, .refused, .final, .configuration,
            "the reply says what is wrong; streams require an API key of type Ed25519"),
        VenueStatus(
            401...401, .final, .notPermitted, .final, .notPermitted,
            "the API key is missing, wrong, or not allowed from this address"),
        VenueStatus(
            403...403, .later, .gaveUp, .final, .notPermitted,
            "a firewall in front of the venue refused it"),
        VenueStatus(
            404...405, .final, .unavailable, .final, .configuration,
            "does --base-url or --ws-url name the venue's API?"),
        VenueStatus(
            406...406, .asJSON, .unavailable, .final, .configuration, "try --encoding json"),
        VenueStatus(
            407...407, .final, .notPermitted, .final, .notPermitted,
            "the proxy requires a user name and password in HTTPS_PROXY"),
        VenueStatus(408...408, .again, .gaveUp, .again, nil),
        VenueStatus(
            410...410, .final, .unavailable, .final, .configuration,
            "does --base-url or --ws-url name the venue's API?"),
        VenueStatus(
            413...414, .final, .unavailable, .final, .configuration,
            "the request is too long for the venue or for a proxy: ask for fewer symbols at once"),
        VenueStatus(
            418...418, .pause, .gaveUp, .pause, nil,
            "the venue bars this address: stop other programs that use it from here"),
        VenueStatus(
            421...421, .again, .gaveUp, .again, nil),
        VenueStatus(425...425, .again, .gaveUp, .again, nil),
        VenueStatus(
            426...426, .final, .unavailable, .final, .configuration,
            "does --base-url or --ws-url name the venue's API?"),
        VenueStatus(429...429, .pause, .gaveUp, .pause, nil, "send fewer requests: --weight-limit"),
        VenueStatus(
            431...431, .final, .unavailable, .final, .configuration,
            "the header is too long for the venue or for a proxy"),
        VenueStatus(
            451...451, .final, .notPermitted, .final, .notPermitted, VenueFailure.restrictedHint),
        VenueStatus(
            400...499, .final, .unavailable, .again, nil,
            "the reply is not the venue's: does --base-url or --ws-url name its API?"),
        VenueStatus(
            511...511, .final, .notPermitted, .final, .notPermitted,
            "the network requires a sign-in first (captive portal)"),
        VenueStatus(500...599, .again, .gaveUp, .again, nil),
        // What is not a status of HTTP at all.
        VenueStatus(
            0...999, .final, .protocolBroken, .again, nil,
            "the reply is not the venue's: does --base-url or --ws-url name its API?"),
    ]
}
