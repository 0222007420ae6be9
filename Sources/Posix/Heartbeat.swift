public import Synchronization

/// Shows others that a loop turns, and what it waits for: two words in memory that they can read.
///
/// A beat is a look at the clock and a store. What waits in system calls says so, because one who
/// waits for a slow reader is well and cannot beat.
public final class Heartbeat: Sendable {
    /// What a stage waits for.
    public enum Wait: UInt32, Sendable {
        /// Nothing: it works, and beats at least every few seconds.
        case nothing = 0
        /// Its input; it beats while it waits.
        case input = 1
        /// The reader of its output; it cannot beat while it waits.
        case output = 2
    }

    /// Longest time that a wait lasts without a beat, ms; healthd's limit is several times that.
    public static let longestWait: Int32 = 2000

    private struct Words: @unchecked Sendable {
        let time: UnsafeMutablePointer<Atomic<Int64>>
        let wait: UnsafeMutablePointer<Atomic<UInt32>>
    }

    /// Something that is done now and then for as long as the loop turns.
    private struct Chore: Sendable {
        let interval: Int64
        let action: @Sendable () -> Void
    }

    private let words: Words
    private let owner: any Sendable
    /// When the chore is due, monotonic ns; never without one.
    private let due = Atomic(Int64.max)
    private let chore = Locked<Chore?>(nil)

    /// A heartbeat in memory that others read.
    ///
    /// - Parameters:
    ///   - time: gets the monotonic clock in ns.
    ///   - wait: gets the raw value of a ``Wait``.
    ///   - owner: kept alive with this value, and the memory with it.
    public init(
        time: UnsafeMutablePointer<Atomic<Int64>>, wait: UnsafeMutablePointer<Atomic<UInt32>>,
        owner: any Sendable
    ) {
        words = Words(time: time, wait: wait)
        self.owner = owner
    }

    /// The loop turned.
    ///
    /// - Returns: when, ns of the monotonic clock.
    @discardableResult
    public func beat() -> Int64 {
        let now = Clock.monotonicNanoseconds()
        words.time.pointee.store(now, ordering: .relaxed)
        if now >= due.load(ordering: .relaxed) { doChore(at: now) }
        return now
    }

    /// What waits for its reader is well, too: no beat, but the chore is not late.
    public func stillWaits() {
        let now = Clock.monotonicNanoseconds()
        if now >= due.load(ordering: .relaxed) { doChore(at: now) }
    }

    /// Has something done at a beat now and then, by the thread that beats: what shows a service
    /// manager that the loop turns must stop when the loop does.
    ///
    /// - Parameter interval: ns from one time to the next.
    public func every(_ interval: Int64, _ action: @escaping @Sendable () -> Void) {
        chore.withLock { $0 = Chore(interval: interval, action: action) }
        due.store(Clock.monotonicNanoseconds() + interval, ordering: .relaxed)
    }

    private func doChore(at now: Int64) {
        guard let chore = chore.withLock({ $0 }) else { return }
        due.store(now + chore.interval, ordering: .relaxed)
        chore.action()
    }

    /// Notes what the next system call may wait for.
    public func waits(for wait: Wait) {
        words.wait.pointee.store(wait.rawValue, ordering: .relaxed)
    }
}
