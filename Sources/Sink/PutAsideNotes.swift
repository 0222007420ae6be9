public import Identity
public import Journal
public import Ledger
public import Posix
public import Records
import Stage

/// Ids whose records were put aside, until gap records tell the destination of them: a reader of the
/// bucket or stream learns why an id is missing, and on which host its record is kept.
public struct PutAsideNotes: Sendable {
    /// Ids in a row that one gap record is to name.
    public struct Note: Sendable, Equatable {
        /// Whose ids they are, as records have it.
        public let sequence: SequenceID
        /// Which.
        public fileprivate(set) var ids: ClosedRange<Int64>
        /// Of the first record, µs.
        public let eventTime: Int64
        /// Of the first record, ns.
        public let ingestTime: Int64
        /// Of the first record.
        public let source: UInt8
        /// Where the records are, and why: for people.
        public let evidence: String
    }

    private static let host = CurrentProcess.hostName

    /// Gap records that were made of notes.
    public private(set) var told: Int64 = 0
    private var notes: [Note] = []
    /// Ids that were noted in this run: the same broken record may come any number of times.
    private var noted: [SequenceID: IDSet] = [:]
    /// Records of a sequence that were put aside because their ids cannot be right, since the last
    /// one that was accepted, with the words of the first.
    private var suspects: [SequenceID: (count: Int64, evidence: String)] = [:]
    /// Bytes of a trade in the spool.
    private static let shortestRecord: Int64 = 110
    /// How far from what is held an id of a damaged record may be.
    private static let believed: UInt64 = 10_000_000
    /// Sequences with suspects: names come from outside.
    private static let mostSuspects = 10_000

    /// Nothing was put aside.
    public init() {}

    /// True when there is nothing to tell.
    public var isEmpty: Bool { notes.isEmpty }

    /// True while a hole may be due to a record whose ids could not be right.
    public var hasSuspects: Bool { !suspects.isEmpty }

    // MARK: - Noting

    /// Notes that a record was put aside.
    ///
    /// - Parameters:
    ///   - place: the file that has it.
    ///   - isPlausible: false when its ids cannot be right: then it is not known which one is missing
    ///     until the next record of the sequence skips some.
    public mutating func add(
        _ frame: borrowing FrameView, in place: String, because reason: String,
        isPlausible: Bool = true
    ) {
        let evidence = Self.evidence(place, reason)
        guard isPlausible else { return suspect(frame, evidence) }
        let ids: ClosedRange<Int64>
        switch frame.numbering {
        case .contiguous: ids = frame.occupiedIDs
        case .increasing: ids = frame.firstID...frame.firstID
        case .arrival, .none: return
        }
        add(
            Note(
                sequence: frame.sequence, ids: ids, eventTime: frame.eventTime,
                ingestTime: frame.ingestTime, source: frame.source, evidence: evidence))
    }

    /// Notes ids of records that were put aside together.
    public mutating func add(
        _ ids: [ClosedRange<Int64>], of sequence: SequenceID, eventTime: Int64, in place: String,
        because reason: String
    ) {
        var sequence = sequence
        sequence.epoch = 1
        for range in ids {
            add(
                Note(
                    sequence: sequence, ids: range, eventTime: eventTime,
                    ingestTime: Clock.realtimeNanoseconds(), source: 0,
                    evidence: Self.evidence(place, reason)))
        }
    }

    /// Notes records that damage of a spool has made unreadable, as far as their bytes tell.
    ///
    /// An id is believed when it is near those that are held: a damaged one may be any. Records came in the
    /// order of their ids mostly, so that what is missing between and right beside those that can be read
    /// was among them, as many as the bytes have room for.
    public mutating func add(
        _ damages: [Damage], _ held: inout HeldIDs, _ ledger: inout Ledger
    ) {
        for damage in damages {
            let words = Self.evidence(
                damage.copy ?? damage.path,
                "the spool was damaged at byte \(damage.offset) of \(damage.path)")
            var found: [SequenceID: Note] = [:]
            var count: Int64 = 0
            damage.forEachFrame { frame in
                count += 1
                held.select(frame.sequence, &ledger)
                guard held.verdict(on: frame, &ledger) == .new, let newest = held.newest,
                    frame.firstID.subtractingReportingOverflow(newest).partialValue.magnitude
                        < Self.believed
                else { return }
                let ids = frame.occupiedIDs
                let known = found[frame.sequence]
                found[frame.sequence] = Note(
                    sequence: frame.sequence,
                    ids: min(
                        known?.ids.lowerBound ?? ids.lowerBound, ids.lowerBound)...max(
                            known?.ids.upperBound ?? ids.upperBound, ids.upperBound),
                    eventTime: known?.eventTime ?? frame.eventTime,
                    ingestTime: known?.ingestTime ?? frame.ingestTime,
                    source: known?.source ?? frame.source, evidence: words)
            }
            let unreadable = max(0, damage.length / Self.shortestRecord - count)
            for (sequence, var note) in found.sorted(by: { $0.key < $1.key }) {
                held.select(sequence, &ledger)
                let (low, high) = (note.ids.lowerBound, note.ids.upperBound)
                // Not beyond all that is held: these ids may never have come.
                let first = max(low &- unreadable, min(low, held.oldest ?? low))
                let last = min(high &+ unreadable, max(high, held.newest ?? high))
                if sequence.kind != .kline { note.ids = first...last }
                add(note)
            }
        }
    }

    /// Notes the ids that a record skips, if they are as few as the records that were put aside right
    /// before it, and forgets those.
    ///
    /// - Parameter newest: the newest id of its sequence that came before; nil for none.
    public mutating func resolve(before frame: borrowing FrameView, newest: Int64?) {
        guard let suspect = suspects.removeValue(forKey: frame.sequence), let newest else { return }
        let (distance, overflow) = frame.firstID.subtractingReportingOverflow(newest)
        guard !overflow, distance > 1, distance - 1 <= suspect.count else { return }
        add(
            Note(
                sequence: frame.sequence, ids: (newest + 1)...(frame.firstID - 1),
                eventTime: frame.eventTime, ingestTime: frame.ingestTime, source: frame.source,
                evidence: suspect.evidence))
    }

    private mutating func suspect(_ frame: borrowing FrameView, _ evidence: String) {
        let kind = frame.kind
        guard kind == .trade || kind == .aggTrade else { return }
        let sequence = frame.sequence
        if let known = suspects[sequence] {
            suspects[sequence] = (known.count + 1, known.evidence)
        } else if suspects.count < Self.mostSuspects {
            suspects[sequence] = (1, evidence)
        }
    }

    /// One gap record tells of ids in a row.
    private mutating func add(_ note: Note) {
        guard noted[note.sequence]?.contains(note.ids) != true else { return }
        noted[note.sequence, default: IDSet()].insert(note.ids)
        if let last = notes.last, last.sequence == note.sequence, last.source == note.source,
            last.ids.upperBound < .max, last.ids.upperBound + 1 == note.ids.lowerBound
        {
            notes[notes.count - 1].ids = last.ids.lowerBound...note.ids.upperBound
        } else {
            notes.append(note)
        }
    }

    private static func evidence(_ place: String, _ reason: String) -> String {
        "kept on \(host) in \(place): \(reason)"
    }

    // MARK: - Telling

    /// All that is to be told, in the order in which it was noted.
    public mutating func takeAll() -> [Note] {
        defer { notes = [] }
        return notes
    }

    /// Counts a gap record that was made.
    public mutating func noteTold() { told += 1 }
}

extension Bytes {
    /// Appends a gap record of ids whose records were put aside.
    ///
    /// - Parameter ids: those of the note that nothing else has delivered.
    public mutating func append(gap ids: ClosedRange<Int64>, of note: PutAsideNotes.Note) {
        append(
            gap: ids, of: note.sequence, reason: .quarantined,
            source: SourceCode(rawValue: note.source), eventTime: note.eventTime,
            ingestTime: note.ingestTime, evidence: note.evidence)
    }
}
