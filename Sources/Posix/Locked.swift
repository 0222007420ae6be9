import Glibc

/// A value that one thread at a time may read and change.
///
/// In the place of `Mutex` of Synchronization, which locks inside the runtime, where the thread
/// sanitizer does not see it: it then reports whatever is done under that lock as a race. It knows
/// pthread_mutex_t (docs/decisions/0098).
public struct Locked<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    /// At one address for as long as this exists: a mutex must not move.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>

    /// Puts a value behind a lock that is free.
    public init(_ value: consuming sending Value) {
        mutex = .allocate(capacity: 1)
        let error = pthread_mutex_init(mutex, nil)
        precondition(error == 0, "cannot make a mutex: error \(error)")
        self.value = .allocate(capacity: 1)
        self.value.initialize(to: value)
    }

    deinit {
        value.deinitialize(count: 1)
        value.deallocate()
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Waits for the lock, and holds it during the closure, which must not ask for it again: it would
    /// wait for ever.
    ///
    /// - Returns: what the closure returns.
    /// - Throws: what the closure throws.
    public borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value.pointee)
    }
}
