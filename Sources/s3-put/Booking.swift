import Bronze
import Identity
import Ledger
import ObjectWriting
import Sink

/// What the ledger will say once an object is delivered; it is in the note beside its file, so that a
/// restart can say the same.
struct Booking: Sendable, Equatable {
    /// Records in the object.
    var records: Int64 = 0
    /// With its epoch.
    var sequence: SequenceID
    /// Ids of a contiguous sequence.
    var held: [ClosedRange<Int64>] = []
    /// Newest event time among them, µs.
    var newestTime: Int64?
    /// Of an increasing sequence.
    var run: Run?
    /// Exact ids, of which the largest are booked.
    var exact = CompactIDs()
    /// Ids that gap records say will not come.
    var declared: [Declared] = []
    /// Earliest and latest event time of all records, µs; nil when it is not known any more.
    var times: ClosedRange<Int64>?
    /// Those of the held ids that were fetched to fill a hole.
    var repaired: [ClosedRange<Int64>] = []
    /// What gap records say, for the manifest.
    var gaps: [ObservedGap] = []
    /// Where the spool has its records: all of this partition between two places.
    var progress: Progress?

    struct Declared: Sendable, Equatable {
        let sequence: SequenceID
        let ranges: [ClosedRange<Int64>]
    }

    struct Progress: Sendable, Equatable {
        let spool: UInt64
        let bucket: Int64
        let from: Int64
        let through: Int64
    }

    /// Exact ids of one object that are booked: what the ledger remembers of a sequence.
    private static let mostExact = 1 << 16

    /// The exact ids that the ledger gets, ascending: of a long object the largest.
    var bookedExact: [Int64] { exact.suffix(Self.mostExact) }

    init(sequence: SequenceID) { self.sequence = sequence }

    /// - Parameters:
    ///   - progress: first and last place in the spool.
    ///   - bucket: see ``ObjectPlace/bucket``.
    init(_ confirmed: ConfirmedIDs, progress: ClosedRange<Int64>, bucket: Int64, spool: UInt64) {
        sequence = confirmed.sequence
        records = confirmed.records
        held = confirmed.held.ranges
        if !held.isEmpty { newestTime = confirmed.lastTime }
        exact = confirmed.exact.trimmed(toAtLeast: Self.mostExact)
        run = confirmed.run
        if confirmed.records > 0 { times = confirmed.firstTime...confirmed.lastTime }
        repaired = confirmed.repaired.ranges
        gaps = confirmed.observedGaps
        declared = confirmed.declared.map { Declared(sequence: $0.key, ranges: $0.value.ranges) }
            .sorted { $0.sequence < $1.sequence }
        self.progress = Progress(
            spool: spool, bucket: bucket, from: progress.lowerBound, through: progress.upperBound)
    }

    /// Adds it to the ledger's next batch.
    func book(in ledger: inout Ledger) {
        if !held.isEmpty { ledger.add(sequence, held: held, newestEventTime: newestTime) }
        if let run {
            ledger.observe(sequence, run, ids: bookedExact)
        } else if !exact.isEmpty {
            ledger.note(sequence, recent: bookedExact)
        }
        for entry in declared { ledger.add(entry.sequence, declared: entry.ranges) }
        for gap in gaps where !gap.isDeclared {
            var sequence = gap.sequence
            sequence.epoch = ledger.epoch(of: sequence)
            ledger.add(sequence, reported: gap.ids)
        }
        confirmPlaces(in: &ledger)
    }

    /// Forgets places that the spool does not have: records that found no room in it were delivered from
    /// memory, and others will be there.
    mutating func forgetPlaces(from next: RecordPosition) {
        guard let progress, progress.through >= next.linear else { return }
        self.progress =
            progress.from < next.linear
            ? Progress(
                spool: progress.spool, bucket: progress.bucket, from: progress.from,
                through: next.linear - 1)
            : nil
    }

    /// True for a place of the spool that the object has the record of.
    func has(_ position: Int64, _ bucket: Int64, of sequence: SequenceID, in spool: UInt64) -> Bool
    {
        guard let progress, progress.spool == spool, progress.bucket == bucket else { return false }
        return self.sequence == sequence
            && (progress.from...progress.through).contains(position)
    }

    /// Adds only that the spool needs to keep its records no longer.
    func confirmPlaces(in ledger: inout Ledger) {
        if let progress {
            ledger.confirm(
                ProgressKey(sequence: sequence, bucket: progress.bucket), from: progress.from,
                through: progress.through, in: progress.spool)
        }
    }

    /// Sequences whose coverage it changes.
    var changes: [SequenceID] { [sequence] + declared.map(\.sequence) }
}
