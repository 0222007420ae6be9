import AWS
import Transport

/// How one stream is: whether it may be sent to, what is wrong with it, and when to say so again.
///
/// A value without a clock; times are ns of a monotonic clock.
struct StreamHealth {
    /// How often a stream's trouble is logged, ns.
    static let complaintPause: Int64 = 30_000_000_000
    /// Records in a row that may be given up as refused while none passes; more say that the
    /// service would refuse any.
    static let refusalsInARow = 10

    /// Signatures in a row that the service found wrong before that is believed: a call that was changed on
    /// its way is sent again, and a wrong secret stays wrong.
    static let mismatchesInARow = 3
    /// For how long they are not believed of a stream that took records by the same secret, ns: calls
    /// are under way side by side, so that a bad link soon changes three of them.
    static let mismatchPatience: Int64 = 10_000_000_000

    /// Lets calls pass, or keeps them back while the service fails.
    var breaker: CircuitBreaker
    /// Why a person is needed; nil when delivery goes on by itself.
    private(set) var trouble: AWSError?
    /// When that was noticed last, ns.
    private(set) var troubledAt: Int64 = .min / 2
    /// What went wrong last since something was stored, in words; nil when nothing did.
    private(set) var lastFailure: String?
    /// Records that may yet be given up as refused before one must pass: 0 until the stream has
    /// taken one, since a service may refuse whatever it is sent.
    private(set) var refusalsLeft = 0
    /// True when the stream took records in this run.
    private var hasStored = false
    /// Signatures in a row that the service found wrong, and from when to when, ns.
    private var mismatches = 0
    private var mismatchedSince: Int64 = 0
    private var mismatchedLast: Int64 = 0
    /// The last time that a line was logged, ns.
    private var complainedAt: Int64 = .min / 2
    /// Complaints since then that were not logged.
    private var unsaid = 0

    init(breaker: CircuitBreaker) { self.breaker = breaker }

    /// True when a record that is refused alone may be given up: the stream takes others.
    var mayGiveUp: Bool { refusalsLeft > 0 }

    /// True when a signature that the service found wrong may be that of a call that was changed on its way.
    var mayBeChanged: Bool {
        mismatches < Self.mismatchesInARow
            || hasStored && mismatchedLast - mismatchedSince < Self.mismatchPatience
    }

    /// Notes that the service found a signature wrong.
    mutating func recordMismatch(at now: Int64) {
        if mismatches == 0 { mismatchedSince = now }
        mismatchedLast = now
        mismatches += 1
    }

    /// Notes that a record was given up as refused.
    mutating func recordRefusal() { refusalsLeft -= 1 }

    /// Notes that records were stored.
    ///
    /// - Returns: true when nothing was taken before: what was refused until now was a record's
    ///   fault and may be tried at once.
    mutating func recordStored() -> Bool {
        defer { refusalsLeft = Self.refusalsInARow }
        lastFailure = nil
        hasStored = true
        mismatches = 0
        return refusalsLeft == 0
    }

    /// Notes what went wrong, for the message of a run that gives up.
    mutating func recordFailure(_ words: String) { lastFailure = words }

    /// Notes that a person is needed.
    ///
    /// - Returns: how many complaints were left out since the last line, when a line is due now;
    ///   nil when none is.
    mutating func recordTrouble(_ error: AWSError, at now: Int64) -> Int? {
        let isNew = trouble?.code != error.code
        trouble = error
        troubledAt = now
        lastFailure = "\(error)"
        return complaint(at: now, isUrgent: isNew)
    }

    /// Notes that the stream answers as it should.
    ///
    /// - Returns: true when it was in trouble.
    mutating func endTrouble() -> Bool {
        defer { trouble = nil }
        return trouble != nil
    }

    /// Whether a line about a failure is due; counts those that are not.
    ///
    /// - Returns: how many complaints were left out since the last line; nil for silence.
    mutating func complaint(at now: Int64, isUrgent: Bool = false) -> Int? {
        guard isUrgent || now - complainedAt >= Self.complaintPause else {
            unsaid += 1
            return nil
        }
        complainedAt = now
        defer { unsaid = 0 }
        return unsaid
    }
}
