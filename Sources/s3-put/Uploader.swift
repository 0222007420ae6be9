import Journal
import Posix
import Stage
import Stats
import Synchronization

/// Delivers finished objects on a thread of its own, one after another, so that slow disks and
/// networks do not stall the reading.
final class Uploader: Sendable {
    /// Makes the store, with what tells it that nobody waits any more.
    typealias StoreMaker = @Sendable (@escaping @Sendable () -> Bool) throws -> ObjectStore

    private let objects: WorkQueue<StagedObject>
    private let abandoned = Mutex(false)
    /// Raised when nobody waits any more.
    private let ending: ThreadFlag
    private let thread = Mutex<BackgroundThread?>(nil)
    private let completions: Completions
    private let giveUpAfter: Double
    private let log: Log
    private let duration: Histogram
    private let makeStore: StoreMaker

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - completions: gets how each delivery ended.
    ///   - giveUpAfter: seconds without a success after which a service that does not answer is
    ///     given up on.
    ///   - duration: gets the time that each object took.
    ///   - makeStore: called on the thread.
    init(
        _ completions: Completions, giveUpAfter: Double, log: Log, duration: Histogram,
        _ makeStore: @escaping StoreMaker
    ) throws {
        self.completions = completions
        self.giveUpAfter = giveUpAfter
        self.log = log
        self.duration = duration
        self.makeStore = makeStore
        objects = try WorkQueue()
        ending = try ThreadFlag()
        let thread = try BackgroundThread("delivery") { [self] in run() }
        self.thread.withLock { $0 = thread }
    }

    /// Queues an object.
    func deliver(_ object: StagedObject) { objects.add(object) }

    /// Ends calls that are under way: nobody waits for them any more.
    func abandon() {
        abandoned.withLock { $0 = true }
        ending.raise()
    }

    /// Ends the thread, with whatever it is doing, and waits for it.
    ///
    /// - Parameter seconds: how long at the most.
    func end(seconds: Double) {
        abandon()
        objects.removeAll()
        objects.close()
        thread.withLock { thread in
            thread?.join(seconds: seconds)
            thread = nil
        }
    }

    private var isAbandoned: Bool { abandoned.withLock { $0 } }

    // MARK: - The thread

    private func run() {
        var store: ObjectStore?
        while let object = objects.next() {
            let start = Clock.monotonicNanoseconds()
            var waits = true
            while waits {
                waits = false
                do {
                    let placement = try attempt(object, &store)
                    duration.record(Clock.monotonicNanoseconds() - start)
                    switch placement {
                    case .created: completions.post(.delivered(object, isNew: true))
                    case .existed: completions.post(.delivered(object, isNew: false))
                    case .conflicts(let theirs, let ours):
                        completions.post(.conflicting(object, theirs: theirs, ours: ours))
                    }
                } catch {
                    waits = shouldTryAgain(after: error, since: start)
                    guard !waits else { continue }
                    duration.record(Clock.monotonicNanoseconds() - start)
                    completions.post(error)
                }
            }
        }
    }

    private func attempt(
        _ object: StagedObject, _ store: inout ObjectStore?
    ) throws -> Placement {
        if store == nil { store = try makeStore { [self] in isAbandoned } }
        return try store?.put(object) ?? .existed
    }

    /// Whether a service that gave no answer, or a disk without room, may have more time; pauses if
    /// so.
    private func shouldTryAgain(after error: any Error, since start: Int64) -> Bool {
        let waited = Double(Clock.monotonicNanoseconds() - start) / 1e9
        let mayPass =
            ExitStatus(for: error) == .gaveUp || (error as? SystemError)?.isNoRoom == true
        guard mayPass, waited < giveUpAfter, !isAbandoned else { return false }
        log.warning("still trying: \(error)")
        // The client has paused between its own attempts; this parts the rounds.
        ending.wait(seconds: 1)
        return !isAbandoned
    }
}
