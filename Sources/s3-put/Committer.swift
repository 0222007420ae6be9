import Posix
import Stage
import Stats
import Synchronization

/// Delivers sealed objects on a thread of its own, one after another, so that slow disks and
/// networks do not stall the reading.
final class Committer: Sendable {
    /// Makes the store, with what tells it that nobody waits any more.
    typealias StoreMaker = @Sendable (@escaping @Sendable () -> Bool) throws -> ObjectStore

    private struct Shared {
        var waiting: [SealedObject] = []
        var isAbandoned = false
    }

    private let signal: ThreadSignal
    private let shared = Mutex(Shared())
    private let outcomes: Outcomes
    private let giveUpAfter: Double
    private let log: Log
    private let duration: Histogram
    private let makeStore: StoreMaker

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - outcomes: gets how each delivery ended.
    ///   - giveUpAfter: seconds without a success after which a service that does not answer is
    ///     given up on.
    ///   - duration: gets the time that each object took.
    ///   - makeStore: called on the thread.
    init(
        _ outcomes: Outcomes, giveUpAfter: Double, log: Log, duration: Histogram,
        _ makeStore: @escaping StoreMaker
    ) throws {
        self.outcomes = outcomes
        self.giveUpAfter = giveUpAfter
        self.log = log
        self.duration = duration
        self.makeStore = makeStore
        signal = try ThreadSignal()
        try BackgroundThread.start("delivery") { [self] in run() }
    }

    /// Queues an object.
    func deliver(_ object: SealedObject) {
        shared.withLock { $0.waiting.append(object) }
        signal.raise()
    }

    /// Ends calls that are under way: nobody waits for them any more.
    func abandon() { shared.withLock { $0.isAbandoned = true } }

    private var isAbandoned: Bool { shared.withLock { $0.isAbandoned } }

    // MARK: - The thread

    private func run() {
        var store: ObjectStore?
        while true {
            let object = nextObject()
            let start = Clock.monotonicNanoseconds()
            var waits = true
            while waits {
                waits = false
                do {
                    let isNew = try attempt(object, &store)
                    duration.record(Clock.monotonicNanoseconds() - start)
                    outcomes.post(.delivered(object, isNew: isNew))
                } catch {
                    waits = shouldTryAgain(after: error, since: start)
                    guard !waits else { continue }
                    duration.record(Clock.monotonicNanoseconds() - start)
                    outcomes.post(error)
                }
            }
        }
    }

    private func nextObject() -> SealedObject {
        signal.take()
        return shared.withLock { $0.waiting.removeFirst() }
    }

    private func attempt(_ object: SealedObject, _ store: inout ObjectStore?) throws -> Bool {
        if store == nil { store = try makeStore { [self] in isAbandoned } }
        return try store?.put(object) ?? false
    }

    /// Whether a service that gave no answer may have more time; pauses if so.
    private func shouldTryAgain(after error: any Error, since start: Int64) -> Bool {
        let waited = Double(Clock.monotonicNanoseconds() - start) / 1e9
        guard let error = error as? StageFailure, error.code == .gaveUp, waited < giveUpAfter,
            !isAbandoned
        else { return false }
        log.warning("still trying: \(error)")
        // The client has paused between its own attempts; this parts the rounds.
        Descriptor.waitUntilReadable(-1, seconds: 1)
        return true
    }
}
