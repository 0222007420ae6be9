/// What goes into a call, and how it fits.
extension SendScheduler {
    /// A record in a call. It does not count as a user of its key, which the scheduler keeps for ever:
    /// counting users took more time than all else that is done for an item.
    struct Item {
        let place: Int
        let owner: Unmanaged<PartitionKeyQueue>

        init(_ key: PartitionKeyQueue, at place: Int) {
            owner = .passUnretained(key)
            self.place = place
        }

        var key: PartitionKeyQueue { owner.takeUnretainedValue() }
    }

    /// Records that go together.
    struct Call {
        let queue: ShardQueue
        var items: [Item]
        /// Shard-seconds, see ``ShardRateLimit``.
        var cost = 0.0
        /// Ns of the monotonic clock.
        var startedAt: Int64 = 0
    }

    /// Whether a record went into a call.
    enum Fit {
        case added
        /// There is no room: it goes with the next one.
        case full
        /// It can never be sent, and has been put elsewhere.
        case rejected
    }
}
