/// One process of a stage.
public struct StageView: Sendable {
    /// `stage.instance`.
    public let id: String
    /// Such as `dedup`.
    public let stage: String
    /// Which process of the stage.
    public let instance: String
    /// True for a run that was given no name.
    public var isVisitor = false
    /// True when a younger process does its work.
    public var isReplaced = false
    /// Which pipeline; may be empty.
    public let pipeline: String
    /// Of the program.
    public let version: String
    /// Its process.
    public let pid: Int32
    /// When it started, ns since the epoch.
    public let startTime: Int64
    /// starting, connecting, running, draining, stopped, failed, dead, suspended.
    public let state: String
    /// Since when, ns since the epoch.
    public let stateSince: Int64
    /// True while its process lives.
    public let isRunning: Bool
    /// Seconds since its loop turned.
    public let heartbeatAge: Double
    /// What it waits for: nothing, input, output.
    public let waitsFor: String
    /// The last warning or error, and when, ns since the epoch.
    public let lastError: (text: String, time: Int64)?
    /// Counters and gauges by name, summed over their labels.
    public let figures: [String: Int64]
    /// Counters and gauges with labels, as `name{labels}`.
    public let labelled: [(name: String, labels: String, value: Int64)]
    /// Per second, over the last ten seconds.
    public let rates: Rates
    /// Percentiles of the stage's durations.
    public let delays: [Delay]
    /// What its ledger holds.
    public let coverage: [SequenceCoverage]
    /// The conservation equation: what came in less what became of it; nil for a stage without.
    public let residue: Int64?
    /// Codes of its problems.
    public let problems: [Problem.Code]
    /// What it counts by symbol and kind; of sources.
    public var streams: [StreamView] = []
    /// The share of one processor that it used in the last ten seconds; nil where it is not known.
    public var processorShare: Double?
    /// Memory that it occupies, bytes.
    public var memory: Int64?
    /// Where its ledger is.
    public var ledgerPath: String?

    /// True when none of its problems makes it unhealthy.
    public var isHealthy: Bool { problems.allSatisfy { !$0.isUnhealthy } }
}
