import Foundation
@testable import Posix
import Synchronization
import TestSupport
import Testing

/// Threads beside the main one, and what they leave each other.
struct ThreadTests {
    @Test func `adding to a queue never waits, however many elements are there`() throws {
        let queue = try WorkQueue<Int>()
        // More than a pipe has room for tokens, 64 Ki.
        for number in 0..<200_000 { queue.add(number) }
        #expect(queue.count == 200_000)
        for number in 0..<100_000 { #expect(queue.next() == number) }
        #expect(queue.takeAll() == Array(100_000..<200_000))
        #expect(queue.count == 0)
    }

    @Test
    func `a thread gets everything that was added in order, and ends when the queue is closed`()
        throws
    {
        let queue = try WorkQueue<Int>()
        let results = try WorkQueue<Int>()
        let thread = try BackgroundThread("test") {
            while let number = queue.next() { results.add(number * 2) }
        }
        for number in 0..<10_000 { queue.add(number) }
        queue.close()
        #expect(thread.join(seconds: 60))
        #expect(results.takeAll() == (0..<10_000).map { $0 * 2 })
    }

    @Test func `a poll loop sees a queue that has something`() throws {
        let queue = try WorkQueue<Int>()
        #expect(!Descriptor.isReadable(queue.descriptor))
        queue.add(1)
        queue.add(2)
        #expect(Descriptor.isReadable(queue.descriptor))
        #expect(queue.takeAll() == [1, 2])
        #expect(!Descriptor.isReadable(queue.descriptor))
    }

    @Test func `a thread that is still at work is not waited for longer than was said`() throws {
        let flag = try ThreadFlag()
        let thread = try BackgroundThread("test") { flag.wait() }
        #expect(!thread.join(seconds: 0.05))
        flag.raise()
    }

    @Test func `a wait for a flag ends when the time is over, and when it is raised`() throws {
        let flag = try ThreadFlag()
        #expect(!flag.wait(seconds: 0.01))
        flag.raise()
        flag.raise()
        #expect(flag.wait(seconds: 60))
        #expect(!flag.wait(seconds: 0))
    }

    @Test func `what threads do under a lock does not get lost, and an error leaves it free`()
        throws
    {
        struct Refusal: Error {}
        let numbers = Shared()
        let threads = try (0..<4).map { part in
            try BackgroundThread("test") {
                for number in 0..<5000 {
                    numbers.value.withLock { $0.append(part * 5000 + number) }
                }
            }
        }
        for thread in threads { #expect(thread.join(seconds: 60)) }
        #expect(numbers.value.withLock { $0.sorted() } == Array(0..<20_000))
        #expect(throws: Refusal.self) {
            try numbers.value.withLock { numbers throws(Refusal) in
                numbers = [1]
                throw Refusal()
            }
        }
        #expect(numbers.value.withLock { $0 } == [1])
    }

    private final class Shared: Sendable { let value = Locked<[Int]>([]) }
}
