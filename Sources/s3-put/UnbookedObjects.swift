import Journal
import Ledger
import ObjectWriting
import Posix
import Sink
import Stage

/// Delivered objects that the ledger does not have durably: they are listed in a manifest, the
/// manifest is stored, the ledger is made durable, and then their notes go.
struct UnbookedObjects {
    /// How often the ledger is made durable while objects are delivered one after another, ns.
    private static let interval: Int64 = 100_000_000

    /// Where there is not room for a step, a later call takes it.
    enum Step {
        /// The ledger has more: the spool may give up what it has.
        case committed
        /// No manifest is under way.
        case ready
        /// A manifest is on its way, or the disk has no room.
        case waits
    }

    private(set) var chain: ManifestChain
    private var objects: [StagedObject] = []
    /// When the first of them was delivered, ns of the monotonic clock.
    private var since: Int64 = 0

    private let memoryNotes: MemoryNotes

    init(_ chain: ManifestChain, _ memoryNotes: MemoryNotes) {
        self.chain = chain
        self.memoryNotes = memoryNotes
    }

    var isEmpty: Bool { objects.isEmpty }
    var count: Int { objects.count }
    /// True while something has to happen until all is booked.
    var isBusy: Bool { !objects.isEmpty || chain.pending != nil }

    /// Notes that an object was delivered, and that the ledger was told.
    mutating func add(_ object: StagedObject) {
        if objects.isEmpty { since = Clock.monotonicNanoseconds() }
        objects.append(object)
    }

    /// True once objects waited for a moment: while more are delivered there is not a manifest and a
    /// sync for each of many small ones.
    var isDue: Bool { Clock.monotonicNanoseconds() - since >= Self.interval }

    /// Notes that the manifest on its way is stored.
    mutating func noteStored() { chain.noteStored() }

    /// Makes the ledger durable for the objects that a stored manifest lists.
    mutating func commit(_ state: inout SinkState) throws -> Step {
        if chain.isStored {
            guard try Self.hasRoom(&state, { () throws(SystemError) in try chain.advance() }) else {
                return .waits
            }
        }
        guard chain.pending == nil else { return .waits }
        guard objects.contains(where: chain.isListed) else { return .ready }
        do throws(LedgerError) { try state.directory.ledger.commit() } catch {
            guard error.isNoRoom else { throw error }
            // It keeps what it was told, and writes it with the next call.
            state.noteNoRoom()
            return .waits
        }
        let listed = objects.filter(chain.isListed)
        try NoteFile.finish(listed)
        for object in listed { try memoryNotes.done(object) }
        objects.removeAll(where: chain.isListed)
        return .committed
    }

    /// Writes down the next manifest.
    ///
    /// - Returns: what is to be stored; nil when the disk has no room.
    mutating func compose(_ state: inout SinkState) throws -> StagedObject? {
        let removed = chain.removals(from: state.directory.ledger)
        let objects = objects
        guard
            try Self.hasRoom(
                &state, { () throws(SystemError) in try chain.compose(objects, removed) })
        else { return nil }
        return chain.pending
    }

    /// Writes files of the chain.
    ///
    /// - Returns: false when the disk has no room.
    private static func hasRoom(
        _ state: inout SinkState, _ write: () throws(SystemError) -> Void
    ) throws -> Bool {
        do throws(SystemError) {
            try state.room.reserve.spending(write)
            return true
        } catch {
            guard error.isNoRoom else { throw error }
            state.noteNoRoom()
            return false
        }
    }
}
