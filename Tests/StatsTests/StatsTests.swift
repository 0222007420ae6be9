import Foundation
import TestSupport
import Testing

@testable import Stats

/// Stats files as another process reads them.
struct StatsTests {
    @Test func `figures are read while they are written`() throws {
        let place = try TemporaryDirectory()
        let writer = try StatsWriter(directory: place.path("stats"), stage: "dedup", instance: "a")
        let path = try #require(writer.path)
        #expect(path.hasSuffix("stats/dedup.a.stats"))
        let records = writer.counter("records_in", help: "Records read.")
        let lag = writer.gauge("lag", labels: "sink=\"s3\"", help: "How late.")
        let latency = writer.histogram("latency", help: "Time taken.")
        records.add(3)
        lag.set(-7)
        latency.record(1500)
        var snapshot = try StatsSnapshot(path: path)
        #expect(snapshot.stage == "dedup" && snapshot.instance == "a" && snapshot.pid == getpid())
        #expect(snapshot.life == .running)
        #expect(snapshot.value("records_in") == 3 && snapshot.value("lag") == -7)
        #expect(snapshot.metrics[1].labels == "sink=\"s3\"")
        #expect(snapshot.metrics[2].values.reduce(0, +) == 1501)
        records.add()
        snapshot = try StatsSnapshot(path: path)
        #expect(snapshot.value("records_in") == 4)
        writer.end(exitCode: 75)
        #expect(try StatsSnapshot(path: path).life == .ended(75))
    }

    @Test func `a process that is gone without a word is dead`() throws {
        let place = try TemporaryDirectory()
        let writer = try StatsWriter(directory: place.path, stage: "s", instance: "1")
        let path = try #require(writer.path)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[StatsLayout.Header.processStart] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
        #expect(try StatsSnapshot(path: path).life == .dead)
    }

    @Test func `a damaged file is refused or read, and never more than there is`() throws {
        let place = try TemporaryDirectory()
        let writer = try StatsWriter(directory: place.path, stage: "s", instance: "1")
        _ = writer.counter("a", help: "b")
        _ = writer.histogram("c", help: "d")
        let bytes = try Data(contentsOf: URL(fileURLWithPath: try #require(writer.path)))
        let path = place.path("bent")
        for index in Array(0..<800) {
            for change: UInt8 in [1, 0xFF] {
                var bent = bytes
                bent[index] ^= change
                try bent.write(to: URL(fileURLWithPath: path))
                _ = try? StatsSnapshot(path: path)
            }
        }
        for length in [0, 1, 100, bytes.count - 1, bytes.count + 1] {
            try (bytes + [0]).prefix(length).write(to: URL(fileURLWithPath: path))
            #expect(throws: StatsError.self) { _ = try StatsSnapshot(path: path) }
        }
    }

    @Test func `buckets cover every duration, two to each power of two`() {
        for power in 0..<63 {
            let start = UInt64(1) << UInt64(power)
            for value: UInt64 in [start, start + start / 2, start + 1] {
                let index = HistogramBuckets.index(of: value)
                if let end = HistogramBuckets.end(of: index) { #expect(value < end) }
                if index > 0, let low = HistogramBuckets.end(of: index - 1) {
                    #expect(value >= low)
                }
            }
        }
        #expect(HistogramBuckets.index(of: 0) == 0)
        #expect(HistogramBuckets.index(of: .max) == HistogramBuckets.count - 1)
    }
}
