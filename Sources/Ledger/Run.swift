/// Records of a sequence whose ids only grow, seen by one uninterrupted reading.
///
/// It says that these records were seen, and that between two of them none was missed by the
/// reading. It says nothing about ids between two records: most of them never were.
public struct Run: Sendable, Equatable {
    /// Id of the first record.
    public var first: Int64
    /// Id of the last record.
    public var last: Int64
    /// Event time of the first record, µs since the epoch; 0 when it is not known.
    public var firstTime: Int64
    /// Event time of the last record, µs since the epoch; 0 when it is not known.
    public var lastTime: Int64
    /// How many records; 0 when they were not counted.
    public var count: Int64
    /// Id of the record that the same reading saw right before `first`; nil when it began there.
    public var previous: Int64?

    /// Describes a run, or a piece of one.
    public init(
        first: Int64, last: Int64, firstTime: Int64, lastTime: Int64, count: Int64,
        previous: Int64? = nil
    ) {
        self.first = first
        self.last = last
        self.firstTime = firstTime
        self.lastTime = lastTime
        self.count = count
        self.previous = previous
    }

    /// Ids from the first to the last.
    public var span: ClosedRange<Int64> { min(first, last)...max(first, last) }

    /// Adds the piece that the same reading saw right after this one.
    fileprivate mutating func extend(by next: Run) {
        last = next.last
        if firstTime == 0 { firstTime = next.firstTime }
        lastTime = max(lastTime, next.lastTime)
        add(count: next.count)
    }

    fileprivate mutating func add(count more: Int64) {
        let (sum, overflow) = count.addingReportingOverflow(more)
        count = overflow ? .max : sum
    }

    fileprivate func contains(_ other: Run) -> Bool {
        span.lowerBound <= other.span.lowerBound && span.upperBound >= other.span.upperBound
    }
}

/// The runs of a sequence, in order of their first ids.
public struct Runs: Sendable, Equatable {
    /// Ascending by first id. Two may overlap: of two readings of the same time.
    public private(set) var all: [Run] = []

    /// Nothing seen yet.
    public init() {}

    /// True when nothing was seen.
    public var isEmpty: Bool { all.isEmpty }

    /// Records in all of them, as far as they were counted.
    public var count: Int64 { all.reduce(0) { $0.addingReportingOverflow($1.count).partialValue } }

    /// From the first id to the last; nil when nothing was seen.
    public var span: ClosedRange<Int64>? {
        guard let first = all.first?.span.lowerBound else { return nil }
        return first...all.reduce(first) { max($0, $1.span.upperBound) }
    }

    /// Event times of the earliest and the latest record, µs; nil when none is known.
    public var times: ClosedRange<Int64>? {
        let known = all.filter { $0.firstTime != 0 }
        guard let first = known.map(\.firstTime).min() else { return nil }
        return first...max(first, known.map(\.lastTime).max() ?? first)
    }

    /// The newest event time, µs, of the runs that an id is in; nil when it is in none, or one has no
    /// time.
    func newestTime(of id: Int64) -> Int64? {
        let times = all.filter { $0.span.contains(id) }.map(\.lastTime)
        return times.contains(0) ? nil : times.max()
    }

    /// Adds a run or a piece of one, in whatever order pieces come: those that one reading saw one
    /// after the other become one, and one within another counts towards that.
    public mutating func add(_ piece: Run) {
        var whole = piece
        if let previous = piece.previous, let place = all.lastIndex(where: { $0.last == previous })
        {
            whole = all.remove(at: place)
            whole.extend(by: piece)
        } else if let place = all.lastIndex(where: { $0.contains(piece) }) {
            // Records that the other reading missed, or saw as well.
            all[place].add(count: piece.count)
            return
        }
        if let place = all.lastIndex(where: { $0.previous == whole.last && $0.first != whole.first }
        ) {
            whole.extend(by: all.remove(at: place))
        }
        for place in all.indices.reversed() where whole.contains(all[place]) {
            whole.add(count: all.remove(at: place).count)
        }
        let place = all.lastIndex { $0.first <= whole.first }.map { $0 + 1 } ?? 0
        all.insert(whole, at: place)
    }

    /// Takes ids out: runs are cut where these were.
    ///
    /// - Returns: how many records went, as far as they were counted: those of runs that went whole.
    mutating func remove(_ ids: ClosedRange<Int64>) -> Int64 {
        var kept: [Run] = []
        var gone: Int64 = 0
        for run in all {
            guard run.span.overlaps(ids) else {
                kept.append(run)
                continue
            }
            if ids.contains(run.first), ids.contains(run.last) {
                gone = gone.addingReportingOverflow(run.count).partialValue
                continue
            }
            // How many of its records are on which side is no longer known.
            if run.first < ids.lowerBound {
                var head = run
                head.last = ids.lowerBound - 1
                head.count = 0
                kept.append(head)
            }
            if run.last > ids.upperBound {
                var tail = run
                tail.first = ids.upperBound + 1
                tail.previous = nil
                tail.count = 0
                kept.append(tail)
            }
        }
        all = kept
        return gone
    }
}
