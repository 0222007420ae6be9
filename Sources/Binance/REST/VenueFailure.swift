public import Posix

/// A request that failed permanently.
public struct VenueFailure: Error, Sendable, CustomStringConvertible, ExitStatusProviding {
    /// What kind of failure.
    public enum Cause: Sendable {
        /// The venue does not serve this.
        case unavailable
        /// Attempts ran out; later it may work.
        case gaveUp
        /// A key is missing or wrong, or the venue does not serve this place.
        case notPermitted
        /// The request itself is wrong, such as an unknown symbol.
        case refused
        /// Wrong settings, such as a base URL that is not one.
        case configuration
        /// The venue answered with what it does not document.
        case protocolBroken
        /// A bug of ours.
        case bug
    }

    /// What kind.
    public let cause: Cause
    /// That of the cause.
    public var exitStatus: ExitStatus {
        switch cause {
        case .unavailable: .unavailable
        case .gaveUp: .gaveUp
        case .notPermitted: .notPermitted
        case .refused: .usage
        case .configuration: .configuration
        case .protocolBroken: .protocolBroken
        case .bug: .bug
        }
    }
    /// What failed, where, and why.
    public let description: String
    /// The venue's own error.
    public let venueError: VenueError?
    /// HTTP status; 0 when there was none.
    public let status: Int

    init(_ cause: Cause, _ description: String) {
        self.cause = cause
        self.description = description.withoutUserInfo
        venueError = nil
        status = 0
    }

    /// - Parameter location: of a redirect; nil where there is none.
    init(
        _ request: VenueClient.Request, status: Int, error: VenueError?, location: String? = nil
    ) {
        self.status = status
        venueError = error
        cause = Self.cause(status: status, error: error)
        let reason = "\(request.url): HTTP \(status)" + (error.map { ", \($0)" } ?? "")
        description =
            (reason + Self.hint(status: status, error: error, location: location)).withoutUserInfo
    }

    private static func cause(status: Int, error: VenueError?) -> Cause {
        if error?.remedy == .key { return .notPermitted }
        let row = VenueStatus.of(status)
        // A reply of the venue names its own error; anything else comes from another server.
        switch (row.restCause, error) {
        case (.refused, nil): return .unavailable
        case (.unavailable, .some) where ![404, 405, 406, 410].contains(status): return .refused
        default: return row.restCause
        }
    }

    /// What may help, as the end of a sentence.
    private static func hint(status: Int, error: VenueError?, location: String?) -> String {
        if (300..<400).contains(status), let location {
            return "; it redirects to \(location): set --base-url to the URL of the REST API itself"
        }
        let isRequest = VenueStatus.of(status).restCause == .refused
        if isRequest {
            return error == nil
                ? "; the reply is not the venue's: does --base-url name its REST API?" : ""
        }
        let hint = VenueStatus.of(status).hint
        return hint.isEmpty ? "" : "; \(hint)"
    }

    /// What helps where the venue refuses to serve a country (HTTP 451).
    public static let restrictedHint =
        "the venue does not serve this location: use --base-url "
        + "https://data-api.binance.vision, or run it elsewhere"
}
