import Encoding
import Identity
import Posix
import Records
import Stage

/// Knows which identities came, and passes the others.
struct Filter: ~Copyable {
    /// Records that came.
    private(set) var recordsIn: Int64 = 0
    /// Records that went on, gap records made here not counted.
    private(set) var recordsOut: Int64 = 0
    /// Records that were dropped.
    private(set) var duplicates: Int64 = 0
    /// Times that ids of a contiguous sequence were skipped.
    private(set) var holes: Int64 = 0
    /// Gap records that were made.
    private(set) var gaps: Int64 = 0
    /// Records that were passed on without being remembered, since their ids cannot be right.
    private(set) var implausible: Int64 = 0
    /// For tests: the record that is lost without being counted, from 1; 0 loses none.
    var faultAt: Int64 = 0
    private let window: Int
    private let marksGaps: Bool
    /// A value for each sequence, changed in place: an object would cost a count up and down
    /// for each record.
    private var memories: [SequenceMemory] = []
    private var places: [SequenceID: Int] = [:]
    /// The place of the last record's sequence: most records are of the same one as the one before.
    private var current = -1

    init(window: Int, marksGaps: Bool) {
        self.window = window
        self.marksGaps = marksGaps
    }

    /// Passes a record on unless it came before.
    mutating func pass<Output: RecordOutput & ~Copyable>(
        _ frame: borrowing FrameView, to writer: inout Output
    ) throws {
        recordsIn += 1
        if recordsIn == faultAt { return }
        if let missing = frame.missingSequence {
            return try pass(gap: frame, of: missing, to: &writer)
        }
        let sequence = frame.sequence
        if current < 0 || memories[current].sequence != sequence {
            current = place(of: sequence)
        }
        // What has no number, or none of its own yet, is never a copy of something: raw messages,
        // templates not known here, klines whose interval is not over.
        guard memories[current].isNumbered, !frame.isUnfinished else {
            recordsOut += 1
            return try writer.append(frame)
        }
        guard memories[current].believes(frame) else {
            // One wild id must not make the memory claim a world of others; the sink judges.
            implausible += 1
            recordsOut += 1
            return try writer.append(frame)
        }
        let verdict = memories[current].take(frame.occupiedIDs)
        if verdict == .known && frame.source != SourceCode.repair.rawValue {
            duplicates += 1
            memories[current].duplicates += 1
            return
        }
        if case .afterHole(let hole) = verdict {
            holes += 1
            memories[current].holes += 1
            if marksGaps { try mark(hole, before: frame, to: &writer) }
        }
        recordsOut += 1
        try writer.append(frame)
    }

    /// Writes gap records for what is missing before a record, unless the source has declared it.
    private mutating func mark<Output: RecordOutput & ~Copyable>(
        _ hole: ClosedRange<Int64>, before frame: borrowing FrameView, to writer: inout Output
    ) throws {
        for range in memories[current].undeclared(hole) {
            try writer.append(
                gap: range, of: frame.sequence, reason: .missed,
                source: SourceCode(rawValue: frame.source), eventTime: frame.eventTime,
                ingestTime: nil, evidence: "")
            gaps += 1
        }
    }

    /// Passes of a gap record what is news: the ids that have not come, and were not declared before
    /// for the same reason. One that tells nothing new is a copy.
    private mutating func pass<Output: RecordOutput & ~Copyable>(
        gap frame: borrowing FrameView, of missing: SequenceID, to writer: inout Output
    ) throws {
        let place = place(of: missing)
        let (ids, reason) = (frame.firstID...max(frame.firstID, frame.lastID), frame.gapReason)
        let news = frame.firstID <= frame.lastID ? memories[place].declare(ids, reason) : [ids]
        guard let first = news.first else {
            duplicates += 1
            memories[place].duplicates += 1
            return
        }
        recordsOut += 1
        if first == ids { return try writer.append(frame) }
        gaps += Int64(news.count - 1)
        for range in news {
            try writer.append(
                gap: range, of: missing, reason: reason,
                source: SourceCode(rawValue: frame.source), eventTime: frame.eventTime,
                ingestTime: frame.ingestTime, evidence: "")
        }
    }

    private mutating func place(of sequence: SequenceID) -> Int {
        if let place = places[sequence] { return place }
        memories.append(SequenceMemory(sequence, window: window))
        places[sequence] = memories.count - 1
        return memories.count - 1
    }

    /// Ranges that were skipped and that nothing has filled.
    mutating func openHoles() -> Int64 {
        // Looked at once a batch; nothing was skipped in most runs.
        if holes == 0 { return 0 }
        var open: Int64 = 0
        for index in memories.indices { open += Int64(memories[index].openHoles()) }
        return open
    }

    /// Logs what came of each sequence.
    mutating func report(to log: Log) {
        for index in memories.indices.sorted(by: { memories[$0].title < memories[$1].title })
        where memories[index].isNumbered {
            let open = memories[index].openHoles()
            let memory = memories[index]
            let dropped = Spoken.count(memory.duplicates, "duplicate")
            let contiguous =
                memory.isContiguous
                ? ", \(Spoken.count(memory.holes, "hole")) when they came, \(open) left" : ""
            let words = "\(memory.title): \(dropped) dropped\(contiguous)"
            // Of a hundred sequences the few in which something happened are news.
            let isNews = memory.duplicates > 0 || memory.holes > 0
            if isNews { log.info(words) } else { log.debug(words) }
        }
        if implausible > 0 {
            log.warning(
                "records with ids that cannot be right were passed on without being remembered",
                ["records": "\(implausible)"])
        }
    }
}
