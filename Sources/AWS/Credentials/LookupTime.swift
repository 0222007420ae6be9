import Posix

/// How long a look-up of credentials may take: it ends at once when the program is asked to stop.
///
/// A look-up that begins after that has a few seconds: what was read is still to be delivered, and may
/// need credentials.
struct LookupTime {
    /// Seconds for a look-up that begins after the program was asked to stop.
    static let afterStop: Double = 5
    /// Seconds for a service with its retries.
    static let service: Double = 120

    /// Readable once the program is asked to stop; -1 where it was before.
    let stop: Int32
    /// Monotonic, ns.
    let deadline: Int64
    /// Seconds.
    let limit: Double

    /// Begins now.
    ///
    /// - Parameter seconds: the limit of an ordinary look-up.
    init(seconds: Double) {
        let isStopping = StopRequest.isMade
        stop = isStopping ? -1 : StopRequest.descriptor
        limit = isStopping ? min(seconds, Self.afterStop) : seconds
        deadline = Clock.monotonicNanoseconds() + Int64(limit * 1e9)
    }

    /// True when the program was asked to stop meanwhile.
    var isStopped: Bool { Descriptor.isReadable(stop) }

    /// True when time is up.
    var isUp: Bool { Clock.monotonicNanoseconds() >= deadline }

    /// Seconds that are left.
    var left: Double { max(0, Double(deadline - Clock.monotonicNanoseconds()) / 1e9) }

    /// Says that the program was asked to stop.
    static func stopped(_ operation: String) -> AWSError {
        AWSError(
            .stopped, service: "", operation: operation,
            message: "the program was asked to stop meanwhile")
    }
}
