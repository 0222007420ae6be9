import Foundation
import Glibc
import TestSupport
import Testing

@testable import Posix

/// Descriptors that are waited for, looked into and raised.
struct ReadinessTests {
    @Test func `the arguments are those of main`() {
        #expect(CurrentProcess.arguments == CommandLine.arguments)
    }

    @Test func `a flag is up however often it was raised, and down once it was lowered`() throws {
        let flag = try WakeupFlag()
        defer { flag.close() }
        #expect(!flag.isRaised)
        #expect(!flag.lower())
        for _ in 1...100_000 { flag.raise() }
        #expect(flag.isRaised)
        #expect(flag.lower())
        #expect(!flag.isRaised)
    }

    @Test func `a poller tells which of its descriptors is ready`() throws {
        let flags = [try WakeupFlag(), try WakeupFlag()]
        defer { for flag in flags { flag.close() } }
        var poller = Poller()
        let places = flags.map { poller.add($0.descriptor) }
        var isReady = try poller.wait(milliseconds: 0)
        #expect(!isReady)
        flags[1].raise()
        isReady = try poller.wait(milliseconds: -1)
        #expect(isReady)
        let ready = places.map { poller.isReady($0) }
        #expect(ready == [false, true])
        poller.removeAll()
        let place = poller.add(-1)
        isReady = try poller.wait(milliseconds: 0)
        #expect(!isReady)
        isReady = poller.isReady(place)
        #expect(!isReady)
    }

    @Test func `waiting for input ends with the stop, which counts first`() throws {
        let (input, stop) = (try WakeupFlag(), try WakeupFlag())
        defer { for flag in [input, stop] { flag.close() } }
        input.raise()
        #expect(Poller.waitUntilReadable(input.descriptor, unless: stop.descriptor))
        stop.raise()
        #expect(!Poller.waitUntilReadable(input.descriptor, unless: stop.descriptor))
    }

    @Test func `bytes of a FIFO that were looked at are there until they are consumed`() throws {
        let place = try TemporaryDirectory()
        let path = place.path("fifo")
        try #require(mkfifo(path, 0o600) == 0)
        let fifo = try Descriptor.open(path, O_RDWR | O_NONBLOCK)
        try fifo.writeAll(Array("0123456789".utf8).span.bytes)
        let peeked = PeekedPipe(fifo.raw)
        let isFIFO = peeked.isFIFO
        try #require(isFIFO)
        func look() throws -> String {
            var bytes = [UInt8](repeating: 0, count: 100)
            let count = try bytes.withUnsafeMutableBytes { try peeked.peek(into: $0) }
            return String(decoding: bytes.prefix(count), as: UTF8.self)
        }
        #expect(try look() == "0123456789")
        #expect(try look() == "0123456789")
        try peeked.consume(4)
        #expect(try look() == "456789")
        let waiting = peeked.waiting
        #expect(waiting == 6)
        try peeked.consume(6)
        #expect(try look() == "")
        let isHungUp = peeked.isHungUp
        #expect(!isHungUp)
    }

    @Test func `a shell's pipe and a file are no FIFOs to look into`() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        #expect(!PeekedPipe.isNamedFIFO(ends[0]))
        let peeked = PeekedPipe(ends[0])
        let isFIFO = peeked.isFIFO
        #expect(!isFIFO)
        #expect(!PeekedPipe.isNamedFIFO(-1))
        let null = try Descriptor.openInput("/dev/null")
        let number = null.raw
        #expect(!PeekedPipe.isNamedFIFO(number))
        #expect(fcntl(number, F_GETFL) & O_NONBLOCK == 0)
    }

    @Test func `a FIFO without a writer is opened without waiting`() throws {
        let place = try TemporaryDirectory()
        try #require(mkfifo(place.path("fifo"), 0o600) == 0)
        let input = try Descriptor.openInput(place.path("fifo"))
        let number = input.raw
        #expect(!Descriptor.isReadable(number))
    }
}
