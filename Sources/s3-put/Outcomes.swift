import Posix
import Stage
import Synchronization

/// What the threads beside the main one have to say: objects that were delivered, and why it goes
/// on no further.
final class Outcomes: Sendable {
    enum Outcome: Sendable {
        /// An object is where it belongs; not new: the same bytes were there already.
        case delivered(SealedObject, isNew: Bool)
        case failed(StageFailure)
    }

    private let waiting = Mutex<[Outcome]>([])
    private let signal: ThreadSignal

    init() throws { signal = try ThreadSignal() }

    /// Readable when there are outcomes.
    var descriptor: Int32 { signal.descriptor }

    /// Leaves one for the main thread.
    func post(_ outcome: Outcome) {
        waiting.withLock { $0.append(outcome) }
        signal.raise()
    }

    /// Leaves an error for the main thread.
    func post(_ error: any Error) {
        post(.failed((error as? StageFailure) ?? StageFailure(ExitCode(for: error), "\(error)")))
    }

    /// Takes those since the last call.
    func takeAll() -> [Outcome] {
        let outcomes = waiting.withLock { waiting in
            let outcomes = waiting
            waiting = []
            return outcomes
        }
        for _ in outcomes { signal.take() }
        return outcomes
    }
}
