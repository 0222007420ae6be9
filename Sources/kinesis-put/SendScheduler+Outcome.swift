extension SendScheduler {
    /// How a call ended.
    enum Outcome {
        /// The service answered for each of its records: those that were not stored, by place.
        case answered(failed: [Int: Bool])
        /// The whole call is to go again, after a pause.
        case failed(RetryReason)
        /// A record in it is bad, and which one is not known; or the service would refuse any.
        /// A record that is refused alone is given up when `mayGiveUp`; otherwise its key waits,
        /// while the other keys of the queue go on.
        case refused(mayGiveUp: Bool)
    }

    /// Why a call is to go again.
    enum RetryReason {
        case again, transient, throttle, attention, notReady
    }

    /// What a call's end meant.
    struct Effect {
        var delivered = 0
        var failed = 0
        var throttled = false
        /// The one record that the service will not take: the caller puts it elsewhere and calls
        /// ``discard(_:)``.
        var bad: Item?
    }
}
