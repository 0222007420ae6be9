import Identity
import Ledger
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
    /// Times that ids of a dense sequence were skipped.
    private(set) var holes: Int64 = 0
    /// Gap records that were made.
    private(set) var gaps: Int64 = 0
    /// For tests: the record that is lost without being counted, from 1; 0 loses none.
    var faultAt: Int64 = 0
    private let window: Int
    private let marksGaps: Bool
    /// A value for each sequence, changed where it lies: an object would cost a count up and down
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
    mutating func pass(_ frame: borrowing FrameView, to writer: inout FrameWriter) throws {
        recordsIn += 1
        if recordsIn == faultAt { return }
        // A gap record is news of what did not come; there is nothing to drop it for.
        guard frame.template != RecordKind.gap.rawValue, !frame.isUnfinished else {
            recordsOut += 1
            return try writer.append(frame)
        }
        let sequence = frame.sequence
        if current < 0 || memories[current].sequence != sequence {
            current = place(of: sequence)
        }
        let ids = frame.occupiedIDs
        let verdict = memories[current].take(ids)
        if verdict == .known && frame.source != SourceCode.repair.rawValue {
            duplicates += 1
            memories[current].duplicates += 1
            return
        }
        if case .afterHole(let hole) = verdict {
            holes += 1
            memories[current].holes += 1
            if marksGaps {
                try writer.append(
                    gap: hole, of: sequence, reason: .missed,
                    source: SourceCode(rawValue: frame.source), eventTime: frame.eventTime)
                gaps += 1
            }
        }
        recordsOut += 1
        try writer.append(frame)
    }

    private mutating func place(of sequence: SequenceID) -> Int {
        if let place = places[sequence] { return place }
        let isDense = sequence.numbering == .contiguous
        memories.append(SequenceMemory(sequence, isDense: isDense, window: window))
        places[sequence] = memories.count - 1
        return memories.count - 1
    }

    /// Ranges that were skipped and that nothing has filled.
    var openHoles: Int64 {
        // Looked at once a batch; nothing was skipped in most runs.
        holes == 0 ? 0 : memories.reduce(0) { $0 + Int64($1.isDense ? $1.openHoles : 0) }
    }

    /// Logs what came of each sequence.
    func report(to log: Log) {
        for memory in memories.sorted(by: { $0.title < $1.title }) {
            let dense =
                memory.isDense
                ? ", \(memory.holes) holes when they came, \(memory.openHoles) left" : ""
            log.info("\(memory.title): \(memory.duplicates) duplicates dropped\(dense)")
        }
    }
}

/// What came of one sequence.
struct SequenceMemory {
    /// What is known of the ids of a record.
    enum Verdict: Equatable {
        /// They came before.
        case known
        /// They are new, and follow what came.
        case new
        /// They are new, and these before them are missing.
        case afterHole(ClosedRange<Int64>)
    }

    /// Intervals that one sequence may have before the oldest are forgotten: 16 MiB.
    private static let maximumIntervals = 1 << 20

    let sequence: SequenceID
    let isDense: Bool
    var duplicates: Int64 = 0
    var holes: Int64 = 0
    private var seen = IDSet()
    private var recent: RecentIDs

    init(_ sequence: SequenceID, isDense: Bool, window: Int) {
        self.sequence = sequence
        self.isDense = isDense
        recent = RecentIDs(capacity: isDense ? 0 : window)
    }

    var title: String { sequence.title }
    /// Holes that nothing has filled.
    var openHoles: Int { max(0, seen.intervalCount - 1) }

    /// Notes the ids of a record.
    mutating func take(_ ids: ClosedRange<Int64>) -> Verdict {
        guard isDense else { return recent.insert(ids) ? .new : .known }
        guard let last = seen.last else {
            seen.insert(ids)
            return .new
        }
        if ids.lowerBound > last {
            seen.insert(ids)
            if ids.lowerBound == last + 1 { return .new }
            if seen.intervalCount > Self.maximumIntervals {
                seen.keepLast(intervals: Self.maximumIntervals / 2)
            }
            return .afterHole((last + 1)...(ids.lowerBound - 1))
        }
        if seen.contains(ids) { return .known }
        seen.insert(ids)
        return .new
    }
}

/// The last so many identities of a sparse sequence.
struct RecentIDs {
    private struct Identity: Hashable {
        let first: Int64
        let last: Int64
    }

    private let capacity: Int
    private var ring: [Identity] = []
    private var next = 0
    private var known: Set<Identity> = []

    init(capacity: Int) { self.capacity = capacity }

    /// Notes an identity.
    ///
    /// - Returns: false when it is among the last ones already.
    mutating func insert(_ ids: ClosedRange<Int64>) -> Bool {
        let identity = Identity(first: ids.lowerBound, last: ids.upperBound)
        guard known.insert(identity).inserted else { return false }
        if ring.count < capacity {
            ring.append(identity)
        } else {
            known.remove(ring[next])
            ring[next] = identity
            next = (next + 1) % capacity
        }
        return true
    }
}
