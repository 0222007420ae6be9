import NIOCore
import NIOHTTP1
import Posix
import Synchronization

/// The connections of open pages, which hear of every change. On the event loop only.
///
/// One that does not read is told nothing until it does, and then everything; after a while it is
/// let go. So it costs no more than its buffer.
final class EventSubscribers {
    private struct Subscriber {
        let channel: any Channel
        /// Since when it does not read, ns of the monotonic clock.
        var stalledAt: Int64?
    }

    /// Pages at once.
    private static let limit = 64

    /// How long one may not read.
    private let patience: TimeAmount
    private let count: SubscriberCount
    private var subscribers: [Int: Subscriber] = [:]

    init(patience: TimeAmount, count: SubscriberCount) {
        self.patience = patience
        self.count = count
    }

    /// - Returns: false when there are too many.
    func add(_ channel: any Channel, number: Int) -> Bool {
        guard subscribers.count < Self.limit else { return false }
        subscribers[number] = Subscriber(channel: channel)
        count.value = subscribers.count
        return true
    }

    func remove(_ number: Int) {
        guard subscribers.removeValue(forKey: number) != nil else { return }
        count.value = subscribers.count
    }

    /// Sends what is new; to those that missed something, all.
    func tell(_ news: String, orAll whole: String) {
        let now = Clock.monotonicNanoseconds()
        for (number, subscriber) in subscribers {
            guard subscriber.channel.isWritable else {
                let since = subscriber.stalledAt ?? now
                subscribers[number]?.stalledAt = since
                if now - since > patience.nanoseconds { subscriber.channel.close(promise: nil) }
                continue
            }
            subscribers[number]?.stalledAt = nil
            let text = subscriber.stalledAt == nil ? news : whole
            guard !text.isEmpty else { continue }
            let buffer = subscriber.channel.allocator.buffer(string: text)
            let part = HTTPServerResponsePart.body(.byteBuffer(buffer))
            subscriber.channel.writeAndFlush(part, promise: nil)
        }
    }
}

/// How many pages are open, for the thread that makes the news.
final class SubscriberCount: Sendable {
    private let count = Atomic(0)

    var value: Int {
        get { count.load(ordering: .relaxed) }
        set { count.store(newValue, ordering: .relaxed) }
    }
}
