/// A request that failed for good.
public struct VenueFailure: Error, Sendable, CustomStringConvertible {
    /// What kind of failure.
    public enum Cause: Sendable {
        /// The venue does not serve this.
        case unavailable
        /// Attempts ran out; later it may work.
        case gaveUp
        /// A key is missing or wrong.
        case notPermitted
        /// The request itself is wrong, such as an unknown symbol.
        case refused
        /// Wrong settings, such as a base URL that is none.
        case configuration
        /// A bug of ours.
        case bug
    }

    /// What kind.
    public let cause: Cause
    /// What failed, where, and why.
    public let description: String
    /// The venue's own error.
    public let venueError: VenueError?
    /// HTTP status; 0 when there was none.
    public let status: Int

    init(_ cause: Cause, _ description: String) {
        self.cause = cause
        self.description = description
        venueError = nil
        status = 0
    }

    init(_ request: VenueClient.Request, status: Int, error: VenueError?) {
        self.status = status
        venueError = error
        cause =
            error?.remedy == .key || status == 401
            ? .notPermitted : status == 404 ? .unavailable : .refused
        description = "\(request.url): HTTP \(status)" + (error.map { ", \($0)" } ?? "")
    }
}
