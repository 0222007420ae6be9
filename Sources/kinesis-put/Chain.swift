import Identity
import Ledger
import Records
import Sink

/// The records of one sequence under one partition key, which leave in the order in which the spool
/// has them: what of them the ledger does not have yet.
final class Chain {
    struct ID: Hashable {
        /// With its epoch.
        let sequence: SequenceID
        let subKey: Int64
    }

    let id: ID
    /// True while it is among those that have changed.
    var isChanged = false
    /// True once a record was read by this run.
    var isLive = false
    /// The id with which an uninterrupted reading begins.
    var readingBegins: Int64?

    private var spool: UInt64 = 0
    /// Of the record that left last.
    private var position: Int64?
    private var progress: ClosedRange<Int64>?
    private var held: [ClosedRange<Int64>] = []
    private var newestTime: Int64 = .min
    private var runs: [Run] = []
    private var exact: [Int64] = []
    private var lastID: Int64?

    init(_ id: ID) { self.id = id }

    /// Notes that the next record left.
    func pass(_ next: Int64, in spool: UInt64) {
        if spool != self.spool {
            (self.spool, position, progress) = (spool, nil, nil)
        }
        let start = progress?.lowerBound ?? position ?? next
        // What is in one chain leaves in order; anything else claims only itself.
        progress = start <= next ? start...next : next...next
        position = next
    }

    /// Adds a record that was confirmed.
    func confirm(_ frame: borrowing FrameView) {
        switch frame.numbering {
        case .contiguous:
            if frame.sharesItsInterval { exact.append(frame.firstID) }
            confirm(frame.occupiedIDs, newestTime: frame.eventTime)
        case .increasing: observe(frame.firstID, frame.eventTime)
        case .arrival, .none: break
        }
    }

    /// Adds ids of a contiguous sequence that were confirmed.
    ///
    /// - Parameter newestTime: the newest event time of their records, µs.
    func confirm(_ ids: ClosedRange<Int64>, newestTime time: Int64) {
        newestTime = max(newestTime, time)
        if let last = held.last, ids.lowerBound >= last.lowerBound,
            last.upperBound == .max || ids.lowerBound <= last.upperBound + 1
        {
            held[held.count - 1] = last.lowerBound...max(last.upperBound, ids.upperBound)
        } else {
            held.append(ids)
        }
    }

    private func observe(_ id: Int64, _ time: Int64) {
        exact.append(id)
        let begins = id == readingBegins
        let previous = begins ? nil : lastID.flatMap { $0 < id ? $0 : nil }
        lastID = id
        if !begins, let last = runs.last, last.last < id {
            runs[runs.count - 1].last = id
            runs[runs.count - 1].lastTime = time
            runs[runs.count - 1].count += 1
        } else {
            runs.append(
                Run(
                    first: id, last: id, firstTime: time, lastTime: time, count: 1,
                    previous: previous))
        }
    }

    /// Adds what was confirmed to the ledger's next batch.
    ///
    /// - Returns: true when it changes what is known of the sequence's ids.
    func book(in ledger: inout Ledger) -> Bool {
        defer { clear() }
        if !held.isEmpty { ledger.add(id.sequence, held: held, newestEventTime: newestTime) }
        for (index, run) in runs.enumerated() {
            ledger.observe(id.sequence, run, ids: index == runs.count - 1 ? exact : [])
        }
        if runs.isEmpty, !exact.isEmpty { ledger.note(id.sequence, recent: exact) }
        if let progress {
            ledger.confirm(
                ProgressKey(sequence: id.sequence, bucket: id.subKey), from: progress.lowerBound,
                through: progress.upperBound, in: spool)
        }
        return !held.isEmpty || !runs.isEmpty
    }

    private func clear() {
        isChanged = false
        progress = nil
        held.removeAll(keepingCapacity: true)
        newestTime = .min
        runs.removeAll(keepingCapacity: true)
        exact.removeAll(keepingCapacity: true)
    }
}
