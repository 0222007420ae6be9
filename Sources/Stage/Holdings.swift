import Identity
public import Ledger
public import Records

/// What a sink holds already: by its ledger, or because it is on its way.
public struct Holdings: ~Copyable {
    private final class Sequence {
        let id: SequenceID
        let numbering: Numbering
        /// By the ledger, when the stage started.
        let held: IDSet
        /// By the ledger or since.
        var taken: IDSet

        init(_ id: SequenceID, _ numbering: Numbering, _ held: IDSet) {
            self.id = id
            self.numbering = numbering
            self.held = held
            taken = numbering == .contiguous ? held : IDSet()
        }
    }

    /// Ids of a sparse sequence that are remembered beside the ledger: a replay may overlap.
    private static let recentSparse = 1 << 16

    /// Nothing taken yet.
    public init() {}

    private var sequences: [SequenceID: Sequence] = [:]
    private var current: Sequence?

    /// Notes a record.
    ///
    /// - Returns: false when it is held already and must not be delivered again.
    public mutating func take(_ frame: borrowing FrameView, _ ledger: borrowing Ledger) -> Bool {
        if let missing = frame.missingSequence {
            guard let gap = frame.declaredGap else { return true }
            return ledger.coverage(of: missing)?.declared.contains(gap) != true
        }
        let sequence = state(of: frame.sequence, ledger)
        switch sequence.numbering {
        case .none, .arrival: return true
        case .increasing:
            // Only an exact id is proof that a record was delivered.
            return ledger.coverage(of: sequence.id)?.recent.contains(frame.firstID) != true
                && sequence.taken.insert(frame.occupiedIDs, keeping: Self.recentSparse)
        case .contiguous:
            // Each id once: what was taken in since the start counts too.
            if frame.isUnfinished { return true }
            let ids = frame.occupiedIDs
            if sequence.taken.contains(ids) { return false }
            sequence.taken.insert(ids)
            return true
        }
    }

    private mutating func state(of id: SequenceID, _ ledger: borrowing Ledger) -> Sequence {
        if let current, current.id == id { return current }
        let state =
            sequences[id]
            ?? Sequence(id, id.numbering, ledger.coverage(of: id)?.held ?? IDSet())
        sequences[id] = state
        current = state
        return state
    }
}

extension IDSet {
    /// Adds a range and forgets the lowest intervals above a number of them.
    ///
    /// - Returns: false when all of the range was there.
    fileprivate mutating func insert(_ range: ClosedRange<Int64>, keeping count: Int) -> Bool {
        if contains(range) { return false }
        insert(range)
        if intervalCount > 2 * count { keepLast(intervals: count) }
        return true
    }
}
