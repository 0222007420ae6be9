public import Identity
public import Ledger
import Posix
import Records
public import Stats

/// What a ledger holds, sequence by sequence: how many ids, and what is missing between them.
public struct CoverageFigures {
    private struct Sequence {
        let held: Gauge
        let declared: Gauge
        let first: Gauge
        let last: Gauge
        let holes: Gauge
        let missing: Gauge
        let oldestHole: Gauge
        let holeFirst: Gauge
        let holeLast: Gauge
        let closed: Counter
        let repaired: Counter
        /// Holes as they were last noted, as many as are followed.
        var open: [ClosedRange<Int64>] = []
        /// First ids of open holes, and since when they are known, ns since the epoch.
        var since: [Int64: Int64] = [:]
    }

    /// Sequences that are distinguished; more series than this would swamp a dashboard.
    private static let maximumSequences = 24
    /// Holes of one sequence whose age is followed.
    private static let maximumHoles = 256

    private let stats: StatsWriter
    private var sequences: [SequenceID: Sequence] = [:]
    /// Sequences beyond those shown.
    private var unshown: Set<SequenceID> = []
    private let left: Gauge

    /// Declares them.
    public init(_ stats: StatsWriter) {
        self.stats = stats
        left = stats.gauge(
            "ledger_sequences_unshown", help: "Sequences of the ledger beyond those shown.")
    }

    /// Notes what is held of a sequence.
    public mutating func note(_ coverage: Coverage, of key: SequenceID) {
        var sequence: Sequence
        if let known = sequences[key] {
            sequence = known
        } else if sequences.count < Self.maximumSequences {
            sequence = declare(key)
        } else {
            unshown.insert(key)
            return left.set(Int64(unshown.count))
        }
        sequence.held.set(Int64(clamping: coverage.held.total))
        sequence.declared.set(Int64(clamping: coverage.declared.total))
        sequence.first.set(coverage.held.first ?? 0)
        sequence.last.set(coverage.held.last ?? 0)
        // A sequence that is sparse by nature has no holes.
        let holes = key.numbering == .contiguous ? Self.holes(coverage) : []
        sequence.holes.set(Int64(holes.count))
        sequence.missing.set(
            holes.reduce(0) { $0 &+ ($1.upperBound &- $1.lowerBound &+ 1) })
        let now = Clock.realtimeNanoseconds()
        var since: [Int64: Int64] = [:]
        for hole in holes.prefix(Self.maximumHoles) {
            since[hole.lowerBound] = sequence.since[hole.lowerBound] ?? now
        }
        let gone = sequence.since.keys.filter { since[$0] == nil }.count
        sequence.closed.add(gone)
        let stillOpen = Set(holes.prefix(Self.maximumHoles))
        for hole in sequence.open where !stillOpen.contains(hole) {
            for filled in coverage.held.covered(in: hole) {
                sequence.repaired.add(Int(clamping: filled.upperBound - filled.lowerBound + 1))
            }
        }
        sequence.open = Array(holes.prefix(Self.maximumHoles))
        sequence.since = since
        // Holes are in order of ids: of those that are equally old the first one.
        let oldest = holes.prefix(Self.maximumHoles).min {
            (since[$0.lowerBound] ?? now) < (since[$1.lowerBound] ?? now)
        }
        sequence.oldestHole.set(since.values.min() ?? 0)
        sequence.holeFirst.set(oldest?.lowerBound ?? 0)
        sequence.holeLast.set(oldest?.upperBound ?? 0)
        sequences[key] = sequence
    }

    /// What is between held ids and is not declared missing.
    private static func holes(_ coverage: Coverage) -> [ClosedRange<Int64>] {
        if coverage.declared.isEmpty { return coverage.held.holes }
        var counted = coverage.held
        counted.formUnion(coverage.declared)
        return counted.holes
    }

    /// `symbol="BTCUSDT",kind="kline",series="1m"`; most kinds have one series and no third label.
    private static func labels(_ key: SequenceID) -> String {
        var labels = [
            ("symbol", "\(key.symbol)"), ("kind", RecordKind.name(template: key.template)),
        ]
        if let interval = KlineInterval(code: key.series) {
            labels.append(("series", interval.rawValue))
        } else if key.series != 0 {
            labels.append(("series", "\(key.series)"))
        }
        if key.epoch > 1 { labels.append(("epoch", "\(key.epoch)")) }
        return labels.map { Labels.pair($0.0, $0.1) }.joined(separator: ",")
    }

    private func declare(_ key: SequenceID) -> Sequence {
        let labels = Self.labels(key)
        func gauge(_ name: String, _ help: String) -> Gauge {
            stats.gauge(name, labels: labels, help: help)
        }
        return Sequence(
            held: gauge(FigureName.ledgerHeld, "Ids that the ledger holds."),
            declared: gauge(FigureName.ledgerDeclared, "Ids that will not come, as declared."),
            first: gauge(FigureName.ledgerFirst, "First id that the ledger holds."),
            last: gauge(FigureName.ledgerLast, "Last id that the ledger holds."),
            holes: gauge(FigureName.ledgerHoles, "Ranges of ids missing between those held."),
            missing: gauge(FigureName.ledgerMissing, "Ids missing between those held."),
            oldestHole: gauge(
                FigureName.ledgerOldestHole,
                "When the oldest open hole was found, since the epoch; 0 without one."),
            holeFirst: gauge(FigureName.ledgerHoleFirst, "First id of the oldest open hole."),
            holeLast: gauge(FigureName.ledgerHoleLast, "Last id of the oldest open hole."),
            closed: stats.counter(
                "ledger_holes_closed", labels: labels,
                help: "Holes that were filled or declared since the start."),
            repaired: stats.counter(
                FigureName.ledgerRepaired, labels: labels,
                help: "Ids of holes that were filled since the start."))
    }
}
