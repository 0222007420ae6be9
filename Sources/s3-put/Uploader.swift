import Journal
import ObjectWriting
import Posix
import Stage
import Stats

/// Delivers finished objects on threads of its own, each one after another, so that slow disks and
/// networks do not stall the reading, and a round trip does not wait for the one before.
final class Uploader: Sendable {
    /// Makes the store of a thread, with what tells it that the run no longer waits; the first is to look
    /// after what an earlier run left.
    typealias StoreMaker =
        @Sendable (
            _ isFirst: Bool, _ isAbandoned: @escaping @Sendable () -> Bool
        ) throws -> ObjectStore

    private let objects: WorkQueue<StagedObject>
    private let abandoned = Locked(false)
    /// Raised when the run no longer waits.
    private let ending: ThreadFlag
    private let threads = Locked<[BackgroundThread]>([])
    private let completions: Completions
    private let giveUpAfter: Double
    private let log: Log
    /// Its owner may be any of the threads, one at a time.
    private let duration: Locked<Histogram>
    private let makeStore: StoreMaker
    /// Asked when a key is taken; nil where that is always a conflict.
    private let otherSinks: OtherSinks?
    /// Asked for what may be stored already; nil where nothing may.
    private let storedCheck: StoredCheck?
    /// Stores that were begun to be made.
    private let stores = Locked(0)
    /// What went wrong last since something was stored, in words.
    private let trouble = Locked<String?>(nil)

    /// Starts the threads.
    ///
    /// - Parameters:
    ///   - count: how many, which is how many objects are on their way at once.
    ///   - completions: gets how each delivery ended.
    ///   - giveUpAfter: seconds without a success after which a service that does not answer is
    ///     given up on.
    ///   - duration: gets the time that each object took.
    ///   - makeStore: called on each thread that gets an object.
    init(
        _ completions: Completions, threads count: Int, giveUpAfter: Double, log: Log,
        duration: Histogram, otherSinks: OtherSinks? = nil, storedCheck: StoredCheck? = nil,
        _ makeStore: @escaping StoreMaker
    ) throws {
        self.completions = completions
        self.giveUpAfter = giveUpAfter
        self.log = log
        self.duration = Locked(duration)
        self.makeStore = makeStore
        self.otherSinks = otherSinks
        self.storedCheck = storedCheck
        objects = try WorkQueue()
        ending = try ThreadFlag()
        for _ in 0..<count {
            let thread = try BackgroundThread("delivery") { [self] in run() }
            threads.withLock { $0.append(thread) }
        }
    }

    /// What went wrong last since something was stored, in words; nil when nothing did.
    var lastTrouble: String? { trouble.withLock { $0 } }

    /// Queues an object.
    func deliver(_ object: StagedObject) { objects.add(object) }

    /// Ends calls that are under way: the run no longer waits for them.
    func abandon() {
        abandoned.withLock { $0 = true }
        ending.raise()
    }

    /// Ends the threads, with whatever they are doing, and waits for them.
    ///
    /// - Parameter seconds: how long at the most.
    func end(seconds: Double) {
        abandon()
        objects.removeAll()
        objects.close()
        let end = Clock.monotonicNanoseconds() + Int64(seconds * 1e9)
        threads.withLock { threads in
            for thread in threads {
                thread.join(seconds: max(0, Double(end - Clock.monotonicNanoseconds()) / 1e9))
            }
            threads.removeAll()
        }
    }

    private var isAbandoned: Bool { abandoned.withLock { $0 } }

    // MARK: - The threads

    /// An object that was placed, and what became of it.
    private struct Placed {
        let object: StagedObject
        let placement: Placement
        /// When its delivery began, ns of the monotonic clock.
        let start: Int64
    }

    private func run() {
        var store: ObjectStore?
        while let first = objects.next() {
            // A share of what waits: the other threads take theirs.
            let most = min(store?.batch ?? 1, objects.count / 4 + 1)
            let batch = [first] + objects.take(upTo: most - 1)
            var placed: [Placed] = []
            for (number, object) in batch.enumerated() where number == 0 || !isAbandoned {
                if let own = place(object, &store) { placed.append(own) }
            }
            settle(placed, &store)
        }
    }

    /// - Returns: nil for one of which all was told: it failed, or is not to be placed.
    private func place(_ object: StagedObject, _ store: inout ObjectStore?) -> Placed? {
        let start = Clock.monotonicNanoseconds()
        while true {
            do {
                var object = object
                if object.isDoubtful {
                    try find(&object)
                    return nil
                }
                let placement = try attempt(&object, &store)
                return Placed(object: object, placement: placement, start: start)
            } catch {
                if shouldTryAgain(after: error, since: start) { continue }
                note(start)
                completions.post(error)
                return nil
            }
        }
    }

    /// Tells whether an object is stored that may be.
    private func find(_ object: inout StagedObject) throws {
        let key = try storedCheck?.key(of: object)
        object.key = key ?? object.key
        completions.post(key == nil ? .absent(object) : .delivered(object, isNew: false))
    }

    private func settle(_ placed: [Placed], _ store: inout ObjectStore?) {
        guard let first = placed.first else { return }
        while true {
            do {
                try store?.settle()
                break
            } catch {
                if shouldTryAgain(after: error, since: first.start) { continue }
                for own in placed { note(own.start) }
                return completions.post(error)
            }
        }
        trouble.withLock { $0 = nil }
        for own in placed {
            note(own.start)
            switch own.placement {
            case .created: completions.post(.delivered(own.object, isNew: true))
            case .existed: completions.post(.delivered(own.object, isNew: false))
            case .conflicts(let theirs, let ours):
                completions.post(.conflicting(own.object, theirs: theirs, ours: ours))
            }
        }
    }

    /// Notes how long a delivery took.
    private func note(_ start: Int64) {
        duration.withLock { $0.record(Clock.monotonicNanoseconds() - start) }
    }

    private func attempt(
        _ object: inout StagedObject, _ store: inout ObjectStore?
    ) throws -> Placement {
        if store == nil {
            let isFirst = stores.withLock { count in
                count += 1
                return count == 1
            }
            store = try makeStore(isFirst) { [self] in isAbandoned }
        }
        let placement = try store?.place(object.file) ?? .existed
        guard case .conflicts = placement, otherSinks?.areKnown() == true else { return placement }
        // Another sink has some of these ids, or all of them under this name: the content tells both
        // apart. After a crash it goes the same way again.
        object.isFirstOfUnknown = false
        let second = try store?.place(object.file) ?? .existed
        guard case .conflicts = second, let key = object.keyByContent else { return second }
        object.key = key
        return try store?.place(object.file) ?? .existed
    }

    /// Whether a service that gave no answer, or a disk without room, may have more time; pauses if
    /// so.
    private func shouldTryAgain(after error: any Error, since start: Int64) -> Bool {
        let waited = Double(Clock.monotonicNanoseconds() - start) / 1e9
        let mayPass =
            ExitStatus(for: error) == .gaveUp || (error as? SystemError)?.isNoRoom == true
        guard mayPass, waited < giveUpAfter, !isAbandoned else { return false }
        trouble.withLock { $0 = "\(error)" }
        log.warning("still trying: \(error)")
        // The client has paused between its own attempts; this parts the rounds.
        ending.wait(seconds: 1)
        return !isAbandoned
    }
}
