import Encoding
import Posix
import Transport

/// How far a service's clock is from ours, as its refusals show.
struct ServiceClock {
    /// Clocks further apart than this count as skewed, seconds; the SDKs' threshold.
    private static let skewThreshold: Int64 = 240

    /// The service's clock minus ours, seconds.
    var offset: Int64 = 0

    /// Sets the clock if a refusal says that the request's time was wrong.
    ///
    /// - Parameter signed: the offset that the request was signed with: requests under way together
    ///   may all find the clock wrong, also after the first of them has set it.
    /// - Returns: true when the request may pass if it is signed again.
    mutating func corrects(
        _ error: AWSError, _ response: HTTPResponse, signedWith signed: Int64
    ) -> Bool {
        guard let date = response.header("date").flatMap(Timestamp.seconds(http:)) else {
            return false
        }
        let current = date - Clock.realtimeNanoseconds() / 1_000_000_000
        guard abs(current - signed) > Self.skewThreshold,
            RetryDecision(error, isSkewed: true, conflictIsFinal: true) == .correctClock
        else { return false }
        offset = current
        return true
    }
}
