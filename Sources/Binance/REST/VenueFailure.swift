public import Posix

/// A request that failed for good.
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
        switch status {
        case 401, 407, 451: return .notPermitted
        case 300..<400: return .configuration
        case 200..<300: return .protocolBroken
        case 404, 405, 410: return .unavailable
        // A reply of the venue names its own error; anything else comes from another server.
        default: return error == nil ? .unavailable : .refused
        }
    }

    /// What may help, as the end of a sentence.
    private static func hint(status: Int, error: VenueError?, location: String?) -> String {
        switch status {
        case 451: "; \(restrictedHint)"
        case 300..<400:
            "; it redirects" + (location.map { " to \($0)" } ?? "")
                + ": set --base-url to the URL of the REST API itself"
        case 404, 405, 410: "; does --base-url name the venue's REST API?"
        default:
            error == nil
                ? "; the reply is not the venue's: does --base-url name its REST API?" : ""
        }
    }

    /// What helps where the venue refuses to serve a country (HTTP 451).
    public static let restrictedHint =
        "the venue does not serve this location: use --base-url "
        + "https://data-api.binance.vision, or run it elsewhere"
}
