import Foundation
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import healthd

/// What open pages are told, with channels that have no network.
struct FollowersTests {
    private func written(_ channel: EmbeddedChannel) throws -> String {
        var text = ""
        while let part = try channel.readOutbound(as: HTTPServerResponsePart.self) {
            if case .body(.byteBuffer(let buffer)) = part { text += String(buffer: buffer) }
        }
        return text
    }

    private func channel() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    @Test func `who reads hears the news, who missed something hears all once it reads`() throws {
        let count = SubscriberCount()
        let subscribers = EventSubscribers(patience: .seconds(60), count: count)
        let (reader, sleeper) = (try channel(), try channel())
        #expect(subscribers.add(reader, number: 1) && subscribers.add(sleeper, number: 2))
        #expect(count.value == 2)
        sleeper.isWritable = false
        subscribers.tell("news 1;", orAll: "all 1;")
        subscribers.tell("", orAll: "all 2;")
        #expect(try written(reader) == "news 1;")
        #expect(try written(sleeper).isEmpty && sleeper.isActive)
        sleeper.isWritable = true
        subscribers.tell("news 3;", orAll: "all 3;")
        subscribers.tell("news 4;", orAll: "all 4;")
        #expect(try written(sleeper) == "all 3;news 4;")
        #expect(try written(reader) == "news 3;news 4;")
        subscribers.remove(1)
        #expect(count.value == 1)
        subscribers.tell("news 5;", orAll: "all 5;")
        #expect(try written(reader).isEmpty)
    }

    @Test func `who does not read for long is let go`() throws {
        let subscribers = EventSubscribers(patience: .nanoseconds(0), count: SubscriberCount())
        let sleeper = try channel()
        #expect(subscribers.add(sleeper, number: 1))
        sleeper.isWritable = false
        subscribers.tell("news", orAll: "all")
        #expect(sleeper.isActive)
        subscribers.tell("news", orAll: "all")
        sleeper.embeddedEventLoop.run()
        #expect(!sleeper.isActive)
    }

    @Test func `there is room for so many pages, and no more`() throws {
        let subscribers = EventSubscribers(patience: .seconds(1), count: SubscriberCount())
        let channel = try channel()
        #expect((0..<64).allSatisfy { subscribers.add(channel, number: $0) })
        #expect(!subscribers.add(channel, number: 64))
        subscribers.remove(3)
        #expect(subscribers.add(channel, number: 64))
    }
}
