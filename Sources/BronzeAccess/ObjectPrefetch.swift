public import Posix

/// Fetches whole objects before they are asked for, many at a time, on a thread of its own: whoever
/// decodes one object does not wait for the next.
///
/// One thread announces objects and takes them. Memory: ``mostBytes`` of objects that were not taken yet,
/// and the one that is waited for.
public final class ObjectPrefetch: Sendable {
    /// Bytes of objects that are fetched and not taken.
    public static let mostBytes: Int64 = 64 << 20
    /// Objects of one round: a bucket's connections.
    private static let mostAtOnce = 32

    private enum Progress: Sendable {
        case announced
        case underWay
        case fetched([UInt8])
    }

    private struct State {
        /// Not fetched yet, in order; those before `first` were taken up.
        var announced: [ObjectEntry] = []
        var first = 0
        var progress: [String: Progress] = [:]
        /// Of those under way or fetched.
        var bytes: Int64 = 0
        /// Waited for, and not taken up: the next one, whatever room there is.
        var wanted: ObjectEntry?
        var isClosed = false
    }

    private let longest: Int64
    private let makeSource: @Sendable () throws -> ObjectSource
    private let state = Locked(State())
    private let hasWork: ThreadFlag
    private let hasArrived: ThreadFlag
    private let thread = Locked<BackgroundThread?>(nil)

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - longest: bytes of an object beyond which it is left to be read in parts.
    ///   - makeSource: called once, on the thread.
    /// - Throws: when the system has no more threads, or the process may open no more files.
    public init(
        longest: Int64, _ makeSource: @escaping @Sendable () throws -> ObjectSource
    ) throws(SystemError) {
        self.longest = longest
        self.makeSource = makeSource
        hasWork = try ThreadFlag()
        hasArrived = try ThreadFlag()
        let thread = try BackgroundThread("prefetch") { [self] in run() }
        self.thread.withLock { $0 = thread }
    }

    /// Says that an object will be taken; those that are announced first are fetched first.
    public func announce(_ entry: ObjectEntry) {
        guard entry.length <= longest else { return }
        state.withLock { state in
            guard state.progress[entry.key] == nil else { return }
            state.progress[entry.key] = .announced
            state.announced.append(entry)
        }
        hasWork.raise()
    }

    /// The content of an object, once it is there.
    ///
    /// - Returns: nil for one that was not announced or could not be fetched: whoever reads it finds why,
    ///   and says it.
    public func take(_ entry: ObjectEntry) -> [UInt8]? {
        while true {
            let progress: Progress? = state.withLock { state in
                guard !state.isClosed, let progress = state.progress[entry.key] else { return nil }
                switch progress {
                case .announced: state.wanted = entry
                case .underWay: break
                case .fetched:
                    state.progress[entry.key] = nil
                    state.bytes -= entry.length
                }
                return progress
            }
            guard let progress else { return nil }
            hasWork.raise()
            if case .fetched(let content) = progress {
                // One that was replaced since it was listed is read again, by whoever compares.
                return Int64(content.count) == entry.length ? content : nil
            }
            hasArrived.wait()
        }
    }

    /// Ends the thread; what it has under way is of no use any more.
    public func close() {
        state.withLock { $0.isClosed = true }
        hasWork.raise()
        thread.withLock { thread in
            thread?.join(seconds: 0.2)
            thread = nil
        }
    }

    // MARK: - The thread

    private func run() {
        var source: ObjectSource?
        while let round = nextRound() {
            guard !round.isEmpty else {
                hasWork.wait()
                continue
            }
            do {
                let own = try source ?? makeSource()
                source = own
                try own.read(round.map(\.key), etags: round.map(\.etag), limit: Int(longest)) {
                    place, result in
                    note(round[place], result)
                }
            } catch {
                for entry in round { drop(entry) }
                hasArrived.raise()
            }
        }
        hasArrived.raise()
    }

    /// What is fetched next; empty when there is nothing or no room, nil at the end.
    private func nextRound() -> [ObjectEntry]? {
        state.withLock { state in
            guard !state.isClosed else { return nil }
            var round: [ObjectEntry] = []
            func take(_ entry: ObjectEntry) {
                state.progress[entry.key] = .underWay
                state.bytes += entry.length
                round.append(entry)
            }
            if let wanted = state.wanted.take(), case .announced = state.progress[wanted.key] {
                take(wanted)
            }
            while round.count < Self.mostAtOnce, state.first < state.announced.count {
                let entry = state.announced[state.first]
                if case .announced = state.progress[entry.key] {
                    guard state.bytes == 0 || state.bytes + entry.length <= Self.mostBytes else {
                        break
                    }
                    take(entry)
                }
                state.first += 1
            }
            if state.first == state.announced.count {
                state.announced.removeAll(keepingCapacity: true)
                state.first = 0
            }
            return round
        }
    }

    private func note(_ entry: ObjectEntry, _ result: Result<[UInt8], AccessError>) {
        switch result {
        case .success(let content):
            state.withLock { $0.progress[entry.key] = .fetched(content) }
        case .failure: drop(entry)
        }
        hasArrived.raise()
    }

    /// Leaves an object that is under way to whoever reads it.
    private func drop(_ entry: ObjectEntry) {
        state.withLock { state in
            guard case .underWay = state.progress[entry.key] else { return }
            state.progress[entry.key] = nil
            state.bytes -= entry.length
        }
    }
}
