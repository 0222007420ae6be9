import Glibc
import Posix
import Stage
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
    }

    /// Readable when there are outcomes.
    let outcomeDescriptor: Int32
    private let outcomeEnd: Int32
    private let workDescriptor: Int32
    private let workEnd: Int32
    private let shared = Mutex(Shared())

    /// Starts the thread.
    ///
    /// - Parameter makeStore: called on the thread.
    init(_ makeStore: @escaping @Sendable () throws -> ObjectStore) throws {
        (workDescriptor, workEnd) = try Self.makePipe()
        (outcomeDescriptor, outcomeEnd) = try Self.makePipe()
        let start = Start(committer: self, makeStore: makeStore)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Start>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(start).toOpaque())
        guard code == 0 else { throw SystemError("start", "the delivery thread", code: code) }
        pthread_detach(thread)
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
        let makeStore: @Sendable () throws -> ObjectStore

        init(committer: Committer, makeStore: @escaping @Sendable () throws -> ObjectStore) {
            self.committer = committer
            self.makeStore = makeStore
        }

        func run() {
            var store: ObjectStore?
            while let object = committer.nextObject() {
                let result: Result<Bool, StageFailure>
                do {
                    if store == nil { store = try makeStore() }
                    result = .success(try store?.put(object) ?? false)
                } catch { result = .failure(Self.failure(error)) }
                committer.finish(Outcome(object: object, result: result))
            }
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
