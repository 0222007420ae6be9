import Foundation
import Posix
import TestSupport
import Testing

@testable import Stats

/// What a reader sees while a writer writes as fast as it can.
struct TornReadTests {
    private final class Flag: @unchecked Sendable {
        private let lock = NSLock()
        private var isSet = false
        var value: Bool { lock.withLock { isSet } }
        func set() { lock.withLock { isSet = true } }
    }

    private struct Box: @unchecked Sendable {
        let writer: StatsWriter
    }

    /// Runs a writer on a thread of its own while `body` reads.
    private func whileWriting(
        _ writer: StatsWriter, _ write: @escaping @Sendable (StatsWriter, Int) -> Void,
        _ body: () throws -> Void
    ) rethrows {
        let box = Box(writer: writer)
        let (ends, ended) = (Flag(), Flag())
        Thread.detachNewThread {
            var number = 0
            while !ends.value {
                number += 1
                write(box.writer, number)
            }
            ended.set()
        }
        defer {
            ends.set()
            #expect(waitUntil { ended.value })
        }
        try body()
    }

    @Test func `the text of the last error is never torn`() throws {
        let place = try TemporaryDirectory()
        let writer = try StatsWriter(directory: place.path, stage: "s", instance: "1")
        let file = try StatsFile(path: try #require(writer.path))
        var seen: Set<UInt64> = []
        try whileWriting(writer) { writer, number in
            let letter = String(UnicodeScalar(UInt8(97 + number % 26)))
            writer.lastError.set(String(repeating: letter, count: 400 + number % 50))
        } _: {
            let sawMany = try waitUntil(30) {
                if let note = try file.read().lastError {
                    seen.insert(note.number)
                    let letter = UnicodeScalar(UInt8(97 + note.number % 26))
                    #expect(
                        Set(note.text) == [Character(letter)] && note.text.count >= 400,
                        "\(note.text)")
                }
                return seen.count > 30
            }
            #expect(sawMany)
        }
    }

    @Test func `figures that balance are never seen out of balance`() throws {
        let place = try TemporaryDirectory()
        let writer = try StatsWriter(directory: place.path, stage: "s", instance: "1")
        let taken = writer.counter("records_in", help: "")
        let passed = writer.counter("records_out", help: "")
        let waiting = writer.gauge("records_waiting", help: "")
        struct Metrics: @unchecked Sendable {
            let taken, passed: Counter
            let waiting: Gauge
        }
        let metrics = Metrics(taken: taken, passed: passed, waiting: waiting)
        let file = try StatsFile(path: try #require(writer.path))
        var seen: Set<Int64> = []
        try whileWriting(writer) { writer, number in
            writer.update {
                metrics.taken.add(3)
                metrics.waiting.set(Int64(number % 7))
                metrics.passed.advance(to: Int64(3 * number - number % 7))
            }
            // A stage works between two batches; without a pause no reading could ever succeed.
            for _ in 0..<200 { writer.heartbeat.beat() }
        } _: {
            let sawMany = try waitUntil(30) {
                let snapshot = try file.read()
                guard snapshot.isConsistent, let all = snapshot.value("records_in") else {
                    return false
                }
                let sum =
                    (snapshot.value("records_out") ?? 0)
                    + (snapshot.value("records_waiting") ?? 0)
                #expect(sum == all)
                seen.insert(all)
                return seen.count > 30
            }
            #expect(sawMany)
        }
    }

    @Test func `a text is cut between two characters`() {
        let text = String(repeating: "é", count: 300)
        #expect(text.cut(to: 487).utf8.count == 486)
        #expect("abc".cut(to: 3) == "abc" && "abc".cut(to: 0).isEmpty)
    }
}
