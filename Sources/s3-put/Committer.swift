import Glibc
import Posix
import Stage
import Stats
import Synchronization

/// Delivers sealed objects on a thread of its own, one after another, so that slow disks and
/// networks do not stall the reading.
///
/// Two pipes join the threads: a byte goes through one for each object to deliver, and through
/// the other for each outcome, which makes both ends fit a poll loop.
final class Committer: Sendable {
    /// How one delivery ended.
    struct Outcome: Sendable {
        let object: SealedObject
        /// False: the same bytes were there already.
        let result: Result<Bool, StageFailure>
    }

    private struct Shared {
        var waiting: [SealedObject] = []
        var outcomes: [Outcome] = []
        var isAbandoned = false
    }

    /// Readable when there are outcomes.
    let outcomeDescriptor: Int32
    private let outcomeEnd: Int32
    private let workDescriptor: Int32
    private let workEnd: Int32
    private let shared = Mutex(Shared())

    private let giveUpAfter: Double
    private let log: Log
    private let duration: Histogram

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - giveUpAfter: seconds without a success after which a service that does not answer is
    ///     given up on.
    ///   - duration: gets the time that each object took.
    ///   - makeStore: called on the thread, with what tells it that nobody waits any more.
    init(
        giveUpAfter: Double, log: Log, duration: Histogram,
        _ makeStore: @escaping @Sendable (@escaping @Sendable () -> Bool) throws -> ObjectStore
    ) throws {
        self.giveUpAfter = giveUpAfter
        self.log = log
        self.duration = duration
        (workDescriptor, workEnd) = try Self.makePipe()
        (outcomeDescriptor, outcomeEnd) = try Self.makePipe()
        let start = Start(committer: self, makeStore: makeStore)
        try BackgroundThread.start("delivery") { start.run() }
    }

    private static func makePipe() throws -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError("make", "a pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    /// Queues an object.
    func deliver(_ object: SealedObject) {
        shared.withLock { $0.waiting.append(object) }
        Self.signal(workEnd)
    }

    /// Ends calls that are under way: nobody waits for them any more.
    func abandon() { shared.withLock { $0.isAbandoned = true } }

    private var isAbandoned: Bool { shared.withLock { $0.isAbandoned } }

    /// Takes the outcomes since the last call.
    func takeOutcomes() -> [Outcome] {
        let outcomes = shared.withLock { shared in
            let outcomes = shared.outcomes
            shared.outcomes = []
            return outcomes
        }
        for _ in outcomes { Self.take(outcomeDescriptor) }
        return outcomes
    }

    // MARK: - The thread

    private final class Start: Sendable {
        let committer: Committer
        let makeStore: @Sendable (@escaping @Sendable () -> Bool) throws -> ObjectStore

        init(
            committer: Committer,
            makeStore: @escaping @Sendable (@escaping @Sendable () -> Bool) throws -> ObjectStore
        ) {
            self.committer = committer
            self.makeStore = makeStore
        }

        func run() {
            var store: ObjectStore?
            while let object = committer.nextObject() {
                let start = Clock.monotonicNanoseconds()
                while true {
                    let result = attempt(object, &store)
                    let waited = Double(Clock.monotonicNanoseconds() - start) / 1e9
                    if case .failure(let error) = result, error.code == .gaveUp,
                        waited < committer.giveUpAfter, !committer.isAbandoned
                    {
                        committer.log.warning("still trying: \(error)")
                        // The client has paused between its own attempts; this parts the rounds.
                        Descriptor.waitUntilReadable(-1, seconds: 1)
                        continue
                    }
                    committer.duration.record(Clock.monotonicNanoseconds() - start)
                    committer.finish(Outcome(object: object, result: result))
                    break
                }
            }
        }

        private func attempt(
            _ object: SealedObject, _ store: inout ObjectStore?
        ) -> Result<Bool, StageFailure> {
            do {
                if store == nil {
                    let committer = committer
                    store = try makeStore { committer.isAbandoned }
                }
                return .success(try store?.put(object) ?? false)
            } catch { return .failure(Self.failure(error)) }
        }

        private static func failure(_ error: any Error) -> StageFailure {
            (error as? StageFailure) ?? StageFailure(ExitCode(for: error), "\(error)")
        }
    }

    private func nextObject() -> SealedObject? {
        Self.take(workDescriptor)
        return shared.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
    }

    private func finish(_ outcome: Outcome) {
        shared.withLock { $0.outcomes.append(outcome) }
        Self.signal(outcomeEnd)
    }

    private static func signal(_ descriptor: Int32) {
        var byte: UInt8 = 1
        while write(descriptor, &byte, 1) < 0 && errno == EINTR {}
    }

    private static func take(_ descriptor: Int32) {
        var byte: UInt8 = 0
        while read(descriptor, &byte, 1) < 0 && errno == EINTR {}
    }
}
