/// All that is known of the pipelines of a host at one moment: what every answer, page and export
/// is made from.
public struct Overview: Sendable {
    /// When it was taken, ns since the epoch.
    public let time: Int64
    /// The service's name.
    public let service: String
    /// When healthd started, ns since the epoch.
    public let startTime: Int64
    /// Every stage, visitors too, by id.
    public let stages: [StageView]
    /// Pipes between stages.
    public let links: [Link]
    /// What is wrong, worst first.
    public let problems: [Problem]
    /// Stages beyond those that are followed.
    public var unseen = 0

    /// True when nothing makes it unhealthy.
    public var isHealthy: Bool { problems.allSatisfy { !$0.isUnhealthy } }

    /// The stages that belong to the host's health: those that were given a name.
    public var members: [StageView] { stages.filter { !$0.isVisitor } }

    /// Members that run, or that someone should look at.
    public var current: [StageView] { members.filter { $0.isRunning || !$0.isHealthy } }

    /// Members that are over and whose end is nothing to see to: they ended in order, or another
    /// process does their work.
    public var past: [StageView] { members.filter { !$0.isRunning && $0.isHealthy } }

    /// The others: runs from a shell.
    public var visitors: [StageView] { stages.filter(\.isVisitor) }
}

/// Flow per second.
public struct Rates: Sendable, Equatable {
    /// Records taken in.
    public var recordsIn = 0.0
    /// Records passed on.
    public var recordsOut = 0.0
    /// Bytes taken in.
    public var bytesIn = 0.0
    /// Bytes passed on.
    public var bytesOut = 0.0
}

/// A distribution of durations, in seconds.
public struct Delay: Sendable, Equatable {
    /// Such as `event_delay`; with labels in braces.
    public let name: String
    /// How many were counted.
    public let count: UInt64
    /// The median.
    public let median: Double
    /// 99 of 100 are below.
    public let high: Double
}

/// What a ledger holds of a sequence.
public struct SequenceCoverage: Sendable, Equatable {
    /// Such as `BTCUSDT`.
    public let symbol: String
    /// Such as `aggTrade`.
    public let kind: String
    /// Such as `1m` of klines; empty for most.
    public var series = ""
    /// Which of the venue's numberings, from the second one on; empty for the first.
    public var epoch = ""
    /// First id held.
    public var first: Int64 = 0
    /// Last id held.
    public var last: Int64 = 0
    /// Ids held.
    public var held: Int64 = 0
    /// Ids that will not come, as declared.
    public var declared: Int64 = 0
    /// Ids missing between those held.
    public var missing: Int64 = 0
    /// Ids of holes that were filled since the sink started.
    public var repaired: Int64 = 0
    /// Ranges of ids missing.
    public var holes: Int64 = 0
    /// Since when the oldest hole is known, ns since the epoch; 0 for none.
    public var oldestHole: Int64 = 0
    /// First id of that hole.
    public var holeFirst: Int64 = 0
    /// Last id of that hole.
    public var holeLast: Int64 = 0

    /// Such as `BTCUSDT kline 1m`.
    public var sequence: String {
        "\(symbol) \(kind)" + (series.isEmpty ? "" : " \(series)")
            + (epoch.isEmpty ? "" : " epoch \(epoch)")
    }
}

/// A pipe from one stage to the next.
public struct Link: Sendable, Equatable {
    /// The id of the writer.
    public let from: String
    /// The id of the reader.
    public let to: String
    /// Bytes that the writer wrote and the reader has not read; nil when one of them does not say.
    public let bytesBetween: Int64?
    /// Records a second that pass.
    public let recordsPerSecond: Double
}
