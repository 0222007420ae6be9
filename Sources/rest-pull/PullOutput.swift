import Binance
import Identity
import Posix
import Records
import Stage

/// What a pull writes: the rows of pages, and gap records for ids that will not come.
struct PullOutput: ~Copyable {
    /// What became of the rows.
    var counters: PullCounters
    /// Records written so far, gap records apart.
    private(set) var recordsWritten: Int64 = 0
    /// Ids that gap records declared absent so far.
    private(set) var declaredIDs: UInt64 = 0
    private let rules: Puller.Rules
    private var frames: FrameWriter

    init(rules: Puller.Rules, writer: consuming FrameWriter, counters: PullCounters) {
        self.rules = rules
        self.counters = counters
        frames = writer
    }

    /// Hands all to standard output, and shows the figures.
    mutating func flush() throws {
        try frames.flush()
        counters.publish(bytesOut: frames.bytesWritten)
    }

    // MARK: - Rows

    /// Writes what is to be kept of a page, and what its holes say, in order.
    mutating func write(
        _ content: PageContent, of page: borrowing Page, to pull: SequencePull
    ) throws {
        // An open kline is asked for again at the pace of polling, not as fast as replies come.
        pull.isIdle = content.rows.isEmpty || content.isUnfinished
        var row = content.rows.lowerBound
        for hole in content.holes {
            let end = content.rowAfter(hole)
            try write(row..<end, of: page, to: pull)
            try declare(hole, in: pull)
            row = end
        }
        try write(row..<content.rows.upperBound, of: page, to: pull)
        if let end = content.end { pull.end = end }
        pull.next = content.isUnfinished ? content.next : max(pull.next, content.next)
    }

    private mutating func write(
        _ rows: Range<Int>, of page: borrowing Page, to pull: SequencePull
    ) throws {
        guard !rows.isEmpty else { return }
        try closeGap(of: pull)
        try append(rows, of: page, isLive: rules.follows)
        pull.records += Int64(rows.count)
        pull.reached = page.lastEventTime(of: rows)
        for id in page.ids[rows] {
            let taken = pull.interval?.bucket(of: id) ?? id...id
            pull.done += UInt64(taken.count)
        }
    }

    /// Writes rows that the archive has.
    mutating func give(_ rows: Range<Int>, of page: borrowing Page) throws {
        counters.took(rows.count)
        try append(rows, of: page, isLive: false)
        try flush()
    }

    private mutating func append(
        _ rows: Range<Int>, of page: borrowing Page, isLive: Bool
    ) throws {
        try frames.append(frames: page.frames(of: rows), count: rows.count)
        let last = try FrameView(firstIn: page.frames(of: (rows.upperBound - 1)..<rows.upperBound))
        counters.wrote(rows.count, last: last, isLive: isLive)
        recordsWritten += Int64(rows.count)
    }

    // MARK: - Ids that will not come

    /// Notes ids that will not come; those that touch become one gap record.
    mutating func declare(_ hole: ClosedRange<Int64>, in pull: SequencePull) throws {
        for part in pull.unkept.missing(in: hole) { try declare(part, in: pull, isUnkept: false) }
        for part in pull.unkept.covered(in: hole) { try declare(part, in: pull, isUnkept: true) }
    }

    private mutating func declare(
        _ hole: ClosedRange<Int64>, in pull: SequencePull, isUnkept: Bool
    ) throws {
        if pull.interval != nil, !isUnkept {
            pull.absent.insert(hole)
        } else {
            pull.missing.insert(hole)
        }
        pull.done += UInt64(hole.upperBound - hole.lowerBound) + 1
        pull.next = max(pull.next, hole.upperBound + 1)
        if let open = pull.openGap, open.ids.upperBound + 1 == hole.lowerBound,
            open.isUnkept == isUnkept
        {
            pull.openGap?.ids = open.ids.lowerBound...hole.upperBound
        } else {
            try closeGap(of: pull)
            var evidence = pull.evidence
            if isUnkept {
                let reason = pull.unkeptReasons[hole.lowerBound] ?? "see the log"
                evidence += "; its row came, and no record can hold it: \(reason)"
            }
            pull.openGap = Unserved(ids: hole, evidence: evidence, isUnkept: isUnkept)
        }
    }

    /// Tells those downstream of the ids that will not come.
    mutating func closeGap(of pull: SequencePull) throws {
        guard let gap = pull.openGap else { return }
        pull.openGap = nil
        if rules.defersUnserved { return pull.unserved.append(gap) }
        try declare(gap, of: pull)
    }

    /// Tells those downstream of ids that will not come, and what shows it.
    mutating func declare(_ part: Unserved, of pull: SequencePull) throws {
        let isAbsent = pull.interval != nil && !part.isUnkept
        let isRepair = rules.source == .repair
        try frames.append(
            gap: part.ids, of: pull.sequence,
            reason: part.isUnkept ? .quarantined : isAbsent ? .absent : .notServed,
            source: rules.source,
            eventTime: isAbsent ? part.ids.lowerBound : pull.placeInTime,
            evidence: part.evidence)
        counters.declared()
        if !isAbsent || isRepair {
            declaredIDs += RangeFinder.count(of: part.ids, pull.interval)
        }
        pull.hasDeclared = pull.hasDeclared || !isAbsent
    }
}

/// Ids that the venue does not serve, and what shows it.
struct Unserved {
    var ids: ClosedRange<Int64>
    /// Requests and answers, with their times; of ids that touch those of the first.
    let evidence: String
    /// True when the venue does serve them, and no record can hold their rows.
    var isUnkept = false
}
