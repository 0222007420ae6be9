/// Something that an operator should know, by a code that scripts and alerts can rely on.
public struct Problem: Sendable, Equatable {
    /// What it is. The raw value is in answers and labels and does not change.
    public enum Code: String, Sendable, CaseIterable {
        /// No stage runs at all.
        case nothingRuns = "nothing_runs"
        /// A stage that the configuration expects is not there.
        case stageMissing = "stage_missing"
        /// A stage's process is gone without having said so.
        case stageDead = "stage_dead"
        /// A stage ended because it could not go on.
        case stageFailed = "stage_failed"
        /// A stage's loop does not turn, or a signal stopped it.
        case heartbeatStale = "heartbeat_stale"
        /// No record came for long.
        case noData = "no_data"
        /// No connection for long.
        case connectionDown = "connection_down"
        /// Many of the messages cannot be decoded.
        case decodeErrors = "decode_errors"
        /// A circuit breaker is open.
        case breakerOpen = "breaker_open"
        /// Something that should be delivered is not, for long.
        case undelivered = "undelivered"
        /// The spool is nearly full.
        case spoolFull = "spool_full"
        /// The disk is nearly full.
        case diskFull = "disk_full"
        /// Objects are not delivered because the destination has others of their names.
        case objectConflict = "object_conflict"
        /// A hole in a sequence is open for long.
        case holeOpen = "hole_open"
        /// Records disappeared, or came from nowhere, inside a stage.
        case conservationOpen = "conservation_open"
        /// Bytes disappeared between two stages.
        case linkBroken = "link_broken"
        /// The venue or service asks for fewer requests.
        case throttled
        /// dedup cannot ask the server of shared claims.
        case claimsNotShared = "claims_not_shared"
        /// A stage has more metrics than its file has room for.
        case metricsRefused = "metrics_refused"
        /// A process was given a name that another one has.
        case nameTaken = "name_taken"
        /// There are more stages than are followed.
        case stagesUnseen = "stages_unseen"

        /// False for what is worth knowing but does not make anything unhealthy.
        public var isUnhealthy: Bool {
            ![.throttled, .claimsNotShared, .metricsRefused, .nameTaken].contains(self)
        }
    }

    /// What it is.
    public let code: Code
    /// The id of the stage, such as `dedup.a`; nil for the whole.
    public let stage: String?
    /// One sentence for people, with numbers.
    public let message: String
    /// Since when it is known, ns since the epoch.
    public var since: Int64 = 0
    /// True for one that makes nothing unhealthy, though others of its code do.
    public var isNote = false

    /// False for what is worth knowing but does not make anything unhealthy.
    public var isUnhealthy: Bool { code.isUnhealthy && !isNote }

    /// A problem that was found now.
    public init(_ code: Code, stage: String?, _ message: String) {
        self.code = code
        self.stage = stage
        self.message = message
    }
}
