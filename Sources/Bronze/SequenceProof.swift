public import Identity
public import Ledger

/// What a bucket claims of one sequence, and what of it is there.
public struct SequenceProof: Sendable {
    /// Ids of one object in a row.
    public struct Piece: Sendable {
        /// The ids.
        public let ids: ClosedRange<Int64>
        /// Event times of the object's records, µs since the epoch; nil where they cannot be right.
        public let times: ClosedRange<Int64>?
        /// The object.
        public let key: String
        /// What is wrong with the object; nil for one that holds its ids.
        public let fault: BucketProblem?
    }

    /// Whose.
    public let sequence: SequenceID
    /// Ids that objects hold.
    public private(set) var held = IDSet()
    /// Those of them that were fetched to fill a hole.
    public private(set) var repaired = IDSet()
    /// Ids that are in more than one object.
    public private(set) var twice = IDSet()
    /// Ids that objects of more than one chain hold: several sinks stored them.
    public private(set) var shared = IDSet()
    /// Ids that gap records say will not come.
    public private(set) var declared = IDSet()
    /// Of a contiguous sequence, ascending: also those of objects that are gone.
    public private(set) var pieces: [Piece] = []
    /// What gap records say.
    public private(set) var gaps: [ObservedGap] = []
    /// Of each gap the event times of the object that tells of it, µs; nil where they cannot be right.
    private(set) var gapTimes: [ClosedRange<Int64>?] = []
    /// What was taken out of a ledger again.
    public private(set) var removed: [RemovedRange] = []
    /// Of an increasing sequence.
    public private(set) var runs = Runs()
    /// Of an increasing sequence: runs of objects that are gone.
    public private(set) var lostRuns: [(run: Run, fault: BucketProblem)] = []
    /// Objects that hold records of it, and how many records.
    public private(set) var objects = 0
    /// Records in them.
    public private(set) var records: Int64 = 0
    /// Earliest and latest event time in them, µs since the epoch.
    public private(set) var times: ClosedRange<Int64>?

    /// What the gap records name, once all are added.
    private(set) var gapIndex = GapIndex()
    /// Those pieces that are in doubt, once all are added.
    private(set) var faultyPieces: [Piece] = []

    /// Ids that objects of each chain hold.
    private var heldByChain: [Int: IDSet] = [:]

    init(_ sequence: SequenceID) { self.sequence = sequence }

    /// - Parameter chain: which one lists the object.
    mutating func add(
        _ object: StoredObject, chain: Int, fault: BucketProblem?, removed: [RemovedRange]
    ) {
        let times = Partition.hasTime(key: object.key) ? object.firstTime...object.lastTime : nil
        self.removed += removed
        var ids = IDSet(object.ids)
        for range in removed { ids.remove(range.ids) }
        for range in ids.ranges {
            pieces.append(Piece(ids: range, times: times, key: object.key, fault: fault))
        }
        guard fault == nil else {
            if let run = object.run, let fault { lostRuns.append((run, fault)) }
            return
        }
        objects += 1
        records = records.addingReportingOverflow(object.records).partialValue
        if let times {
            self.times =
                self.times.map {
                    min($0.lowerBound, times.lowerBound)...max($0.upperBound, times.upperBound)
                } ?? times
        }
        for range in ids.ranges {
            for both in held.covered(in: range) { twice.insert(both) }
            held.insert(range)
            heldByChain[chain, default: IDSet()].insert(range)
        }
        for range in object.repaired {
            for piece in ids.covered(in: range) { repaired.insert(piece) }
        }
        if var run = object.run {
            if times == nil { (run.firstTime, run.lastTime) = (0, 0) }
            runs.add(run)
        }
    }

    /// - Parameter object: the one that has the gap records.
    mutating func add(_ gap: ObservedGap, in object: StoredObject) {
        gaps.append(gap)
        gapTimes.append(
            Partition.hasTime(key: object.key) ? object.firstTime...object.lastTime : nil)
        if gap.isDeclared { for range in gap.ids { declared.insert(range) } }
    }

    /// Earliest and latest event time of all that is spoken of, also of what is gone.
    public var spokenTimes: ClosedRange<Int64>? {
        let all =
            pieces.compactMap(\.times)
            + lostRuns.map { lost in
                min(
                    lost.run.firstTime, lost.run.lastTime)...max(
                        lost.run.firstTime, lost.run.lastTime)
            } + (times.map { [$0] } ?? [])
        guard let first = all.map(\.lowerBound).min(), let last = all.map(\.upperBound).max()
        else { return nil }
        return first...last
    }

    mutating func finish() {
        pieces.sort {
            ($0.ids.lowerBound, $0.ids.upperBound) < ($1.ids.lowerBound, $1.ids.upperBound)
        }
        findShared()
        gapIndex = GapIndex(gaps)
        faultyPieces = pieces.filter { $0.fault != nil }
        // What is held is not missing, whatever was said before.
        for range in held.ranges { declared.remove(range) }
    }

    private mutating func findShared() {
        defer { heldByChain = [:] }
        guard heldByChain.count > 1 else { return }
        var seen = IDSet()
        for chain in heldByChain.keys.sorted() {
            for range in heldByChain[chain]?.ranges ?? [] {
                for both in seen.covered(in: range) { shared.insert(both) }
            }
            seen.formUnion(heldByChain[chain] ?? IDSet())
        }
    }

    /// True when other objects have all ids of one that is gone.
    func holdsAll(of object: StoredObject) -> Bool {
        if let run = object.run {
            return runs.all.contains {
                $0.span.lowerBound <= run.span.lowerBound
                    && $0.span.upperBound >= run.span.upperBound
            }
        }
        return !object.ids.isEmpty && object.ids.allSatisfy { held.contains($0) }
    }

    /// As a ledger would have it.
    public var coverage: Coverage {
        var coverage = Coverage()
        coverage.held = held
        coverage.declared = declared
        return coverage
    }
}
