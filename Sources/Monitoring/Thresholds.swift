/// When something counts as a problem. The defaults are those of docs/monitoring.md.
public struct Thresholds: Sendable, Equatable {
    /// Oldest heartbeat of a stage that is well, seconds.
    public var heartbeat = 10.0
    /// Longest time without a record, seconds.
    public var noData = 300.0
    /// Longest time without a connection, seconds.
    public var connectionDown = 30.0
    /// Most messages that cannot be decoded, percent of the last minute's.
    public var decodeErrors = 5.0
    /// Longest time that something which should be delivered may wait, seconds.
    public var undelivered = 60.0
    /// Fullest spool, percent.
    public var spool = 80.0
    /// Least free part of a disk, percent.
    public var diskFree = 5.0
    /// Longest time that a hole may be open, seconds.
    public var hole = 600.0
    /// Time for which the conservation equation must not close before it counts, seconds.
    public var conservation = 3.0
    /// How long a stage that ended or died is shown, seconds.
    public var keep = 900.0
    /// Stages that have to be there.
    public var expected: [String] = []

    /// The defaults.
    public init() {}
}
