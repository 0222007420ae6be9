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

    private let words: Words
    private let owner: any Sendable

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
    public func beat() {
        words.time.pointee.store(Clock.monotonicNanoseconds(), ordering: .relaxed)
    }

    /// Notes what the next system call may wait for.
    public func waits(for wait: Wait) {
        words.wait.pointee.store(wait.rawValue, ordering: .relaxed)
    }
}
