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
    /// Sequences whose ids began again since ``takeRenumbered()``.
    private var renumbered: [SequenceID] = []
    /// For tests: the record that is lost without being counted, from 1; 0 loses none.
    var faultAt: Int64 = 0
    private let window: Int
    private let marksGaps: Bool
    private var memories = SequenceMemories()
    private var table = SequenceTable()
    /// The last record's sequence and its place: many records are of the same one as the one before.
    private var current = 0
    private var key = SequenceWords.ofNone
    /// What is missing before the record that is to be replaced, if something is.
    private var holeBefore: ClosedRange<Int64>?

    init(window: Int, marksGaps: Bool) {
        self.window = window
        self.marksGaps = marksGaps
    }

    /// Passes a record on unless it came before.
    mutating func pass<Output: RecordOutput & ~Copyable>(
        _ frame: borrowing FrameView, to output: inout Output
    ) throws {
        let before = implausible
        switch judge(frame) {
        case .pass where implausible > before || !frame.isSound:
            try output.append(unremembered: frame)
        case .pass: try output.append(frame)
        case .drop: break
        case .replace: try write(frame, to: &output)
        }
    }

    /// Says whether a record goes on: unless it came before.
    mutating func judge(_ frame: borrowing FrameView) -> FrameReader.Passage {
        recordsIn += 1
        if recordsIn == faultAt { return .drop }
        let key = frame.sequenceWords
        if key != self.key {
            if frame.template == RecordKind.gap.rawValue { return judgeGap(frame) }
            current = place(of: frame, key)
            self.key = key
        }
        return judgeCurrent(frame)
    }

    /// As ``judge(_:)``, for a gap record.
    private mutating func judgeGap(_ frame: borrowing FrameView) -> FrameReader.Passage {
        if frame.isSound, frame.missingSequence != nil { return .replace }
        // A damaged one has a sequence of its own, which must not hide those that are whole.
        current = place(of: frame, frame.sequenceWords)
        key = .ofNone
        return judgeCurrent(frame)
    }

    /// As ``judge(_:)``, for a record of the current sequence.
    @inline(__always)
    private mutating func judgeCurrent(_ frame: borrowing FrameView) -> FrameReader.Passage {
        switch memories[current].glance(at: frame) {
        // What a sink will put aside must not hide the whole copy that comes after it.
        case .new, .broken: break
        case .copy: return judgeCopy(frame)
        case .unclear: return judgeOther(frame)
        }
        recordsOut += 1
        return .pass
    }

    /// As ``judge(_:)``, for a record that came before.
    private mutating func judgeCopy(_ frame: borrowing FrameView) -> FrameReader.Passage {
        if memories[current].isRenumbered(frame) {
            memories[current].forgetNumbers(before: frame)
            renumbered.append(memories[current].sequence)
            return judge(renumbered: frame)
        }
        // A repair has to reach the ledger that lacks it.
        if frame.source == SourceCode.repair.rawValue {
            recordsOut += 1
            return .pass
        }
        duplicates += 1
        memories[current].duplicates += 1
        return .drop
    }

    /// As ``judge(_:)``, for the first record of a new numbering.
    private mutating func judge(renumbered frame: borrowing FrameView) -> FrameReader.Passage {
        _ = memories[current].take(frame)
        recordsOut += 1
        return .pass
    }

    /// As ``judge(_:)``, for a record that is not the next one of a kind with plain ids.
    private mutating func judgeOther(_ frame: borrowing FrameView) -> FrameReader.Passage {
        switch memories[current].take(frame) {
        case .known: return judgeCopy(frame)
        case .implausible:
            // One wild id must not make the memory claim a world of others; the sink judges.
            implausible += 1
        case .afterHole(let hole):
            holes += 1
            memories[current].holes += 1
            if marksGaps {
                holeBefore = hole
                recordsOut += 1
                return .replace
            }
        // What has no number of its own is never a copy of something.
        case .unnumbered, .new: break
        }
        recordsOut += 1
        return .pass
    }

    /// Writes what goes out instead of a record that is replaced: of a gap record what is news, and
    /// before another one what is missing.
    mutating func write<Output: RecordOutput & ~Copyable>(
        _ frame: borrowing FrameView, to writer: inout Output
    ) throws {
        if let missing = frame.missingSequence {
            return try pass(gap: frame, of: missing, to: &writer)
        }
        if let hole = holeBefore { try mark(hole, before: frame, to: &writer) }
        holeBefore = nil
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
        let place = table.place(of: missing) ?? add(missing)
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
                ingestTime: frame.ingestTime, evidence: frame.gapEvidence)
        }
    }

    @inline(__always)
    private mutating func place(of frame: borrowing FrameView, _ key: SequenceWords) -> Int {
        table.place(of: key) ?? add(frame.sequence)
    }

    @inline(never)
    private mutating func add(_ sequence: SequenceID) -> Int {
        memories.append(SequenceMemory(sequence, window: window))
        return table.add(sequence)
    }

    /// Sequences whose ids began again since the last call.
    mutating func takeRenumbered() -> [SequenceID] {
        guard !renumbered.isEmpty else { return [] }
        defer { renumbered = [] }
        return renumbered
    }

    /// Ranges that were skipped and that nothing has filled.
    func openHoles() -> Int64 {
        // Looked at once a batch; nothing was skipped in most runs.
        if holes == 0 { return 0 }
        var open: Int64 = 0
        for index in memories.indices { open += Int64(memories[index].openHoles) }
        return open
    }

    /// Logs what came of each sequence.
    func report(to log: Log) {
        for index in memories.indices.sorted(by: { memories[$0].title < memories[$1].title })
        where memories[index].isNumbered {
            let memory = memories[index]
            let open = memory.openHoles
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
