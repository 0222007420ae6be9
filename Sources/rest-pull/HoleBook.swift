import Identity

/// What is known of the holes of a ledger over time: which are old enough to be repaired, which were
/// asked for already, and how each came to be closed. Times are the caller's, in ns.
///
/// ```
///   seen ──(settle)──> asked for ──> repaired: the ledger holds the ids
///    │                     └───────> declared: they cannot be had any more, and a gap record says so
///    └──> arrived: the ledger holds them, from somewhere else
/// ```
///
/// Ids that were asked for are never asked for again, whatever the ledger says meanwhile: a sink
/// books what it was given only once it is durable, which may take minutes.
struct HoleBook {
    /// How a hole was closed.
    enum Closing: String, CaseIterable {
        /// The ids came from somewhere else before they were asked for.
        case arrived
        /// They were fetched, and the ledger holds them.
        case repaired
        /// They were declared absent, with evidence.
        case declared
    }

    private struct Entry {
        /// Ids that are missing in the ledger.
        var open = IDSet()
        /// Ids that wait until they are old enough, with the time at which they were first seen.
        var young: [(ids: IDSet, since: Int64)] = []
        /// Ids that were asked for, and of those the ones that were declared absent.
        var asked = IDSet()
        var absent = IDSet()
    }

    /// Ids that were closed, by how.
    private(set) var closed: [Closing: UInt64] = [:]
    private var entries: [SequenceID: Entry] = [:]
    private let settle: Int64

    /// - Parameter settle: ns for which a hole may be filled by itself.
    init(settle: Int64) { self.settle = settle }

    /// Ids that are missing, whether they were asked for or not.
    var open: UInt64 { entries.values.reduce(0) { $0 + $1.open.total } }

    /// Ids that were given on or declared, and are not in the ledger yet.
    var underWay: UInt64 {
        entries.values.reduce(0) { sum, entry in
            sum + entry.asked.ranges.reduce(0) { $0 + entry.open.covered(in: $1).total }
        }
    }

    /// True while ids wait to become old enough.
    var hasYoung: Bool { entries.values.contains { !$0.young.isEmpty } }

    /// Takes a new look at a sequence.
    ///
    /// - Parameters:
    ///   - holes: what is missing in it now.
    ///   - isSettled: true when all of them are known to be old enough.
    /// - Returns: the ranges that are to be asked for now.
    mutating func look(
        at holes: [ClosedRange<Int64>], of sequence: SequenceID, now: Int64, isSettled: Bool
    ) -> [ClosedRange<Int64>] {
        var entry = entries[sequence] ?? Entry()
        let current = IDSet(holes)
        close(entry.open, without: current, &entry)
        entry.open = current
        var known = entry.asked
        entry.young = entry.young.compactMap { ids, since in
            let left = ids.intersection(current)
            guard !left.isEmpty else { return nil }
            known.formUnion(left)
            return (left, since)
        }
        let fresh = current.subtracting(known)
        if !fresh.isEmpty { entry.young.append((fresh, now)) }
        var ripe = IDSet()
        entry.young.removeAll { ids, since in
            guard isSettled || now - since >= settle else { return false }
            ripe.formUnion(ids)
            return true
        }
        entry.asked.formUnion(ripe)
        entries[sequence] = entry
        return ripe.ranges
    }

    /// Notes ids that were declared absent.
    mutating func declare(_ ids: ClosedRange<Int64>, of sequence: SequenceID) {
        entries[sequence, default: Entry()].absent.insert(ids)
    }

    /// Counts what is no longer missing, and forgets it.
    private mutating func close(_ before: IDSet, without current: IDSet, _ entry: inout Entry) {
        for ids in before.subtracting(current).ranges {
            let asked = entry.asked.covered(in: ids).total
            let absent = entry.absent.covered(in: ids).total
            closed[.declared, default: 0] += absent
            closed[.repaired, default: 0] += asked - min(asked, absent)
            closed[.arrived, default: 0] += UInt64(ids.upperBound - ids.lowerBound) + 1 - asked
            _ = entry.asked.remove(ids)
            _ = entry.absent.remove(ids)
        }
    }
}

extension IDSet {
    /// What both have.
    fileprivate func intersection(_ other: IDSet) -> IDSet {
        IDSet(ranges.flatMap { other.covered(in: $0) })
    }

    /// What the other does not have.
    fileprivate func subtracting(_ other: IDSet) -> IDSet {
        IDSet(ranges.flatMap { other.missing(in: $0) })
    }
}

extension [ClosedRange<Int64>] {
    fileprivate var total: UInt64 {
        reduce(0) { $0 + UInt64($1.upperBound - $1.lowerBound) + 1 }
    }
}
