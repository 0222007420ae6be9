import NIOCore
import NIOHTTP1
import Posix
import Synchronization

/// The connections of open pages, which hear of every change. On the event loop only.
///
/// One that does not read is told nothing until it does, and then everything; after a while it is
/// let go. So it costs no more than its buffer.
final class Followers {
    private struct Follower {
        let channel: any Channel
        /// Since when it does not read, ns of the monotonic clock.
        var stalledAt: Int64?
    }

    /// Pages at once.
    private static let limit = 64

    /// How long one may not read.
    private let patience: TimeAmount
    private let count: FollowerCount
    private var followers: [Int: Follower] = [:]

    init(patience: TimeAmount, count: FollowerCount) {
        self.patience = patience
        self.count = count
    }

    /// - Returns: false when there are too many.
    func add(_ channel: any Channel, number: Int) -> Bool {
        guard followers.count < Self.limit else { return false }
        followers[number] = Follower(channel: channel)
        count.value = followers.count
        return true
    }

    func remove(_ number: Int) {
        guard followers.removeValue(forKey: number) != nil else { return }
        count.value = followers.count
    }

    /// Sends what is new; to those that missed something, all.
    func tell(_ news: String, orAll whole: String) {
        let now = Clock.monotonicNanoseconds()
        for (number, follower) in followers {
            guard follower.channel.isWritable else {
                let since = follower.stalledAt ?? now
                followers[number]?.stalledAt = since
                if now - since > patience.nanoseconds { follower.channel.close(promise: nil) }
                continue
            }
            followers[number]?.stalledAt = nil
            let text = follower.stalledAt == nil ? news : whole
            guard !text.isEmpty else { continue }
            let buffer = follower.channel.allocator.buffer(string: text)
            let part = HTTPServerResponsePart.body(.byteBuffer(buffer))
            follower.channel.writeAndFlush(part, promise: nil)
        }
    }
}

/// How many pages are open, for the thread that makes the news.
final class FollowerCount: Sendable {
    private let count = Atomic(0)

    var value: Int {
        get { count.load(ordering: .relaxed) }
        set { count.store(newValue, ordering: .relaxed) }
    }
}
