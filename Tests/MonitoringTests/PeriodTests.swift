import Foundation
import Stats
import TestSupport
import Testing

@testable import Monitoring

/// Differences from period to period, from real stats files.
struct PeriodTests {
    private func stage(
        _ place: TemporaryDirectory, _ name: String, _ instance: String = "1",
        pipeline: String = ""
    ) throws -> StatsWriter {
        let writer = try StatsWriter(
            directory: place.path, stage: name, instance: instance, pipeline: pipeline)
        writer.enter(.running)
        return writer
    }

    private func monitor(_ place: TemporaryDirectory) -> Monitor {
        let monitor = Monitor(directory: place.path, service: "test", thresholds: Thresholds())
        monitor.beginPeriods()
        return monitor
    }

    /// An end of a period, with names and dimensions in one text.
    private func counts(_ monitor: Monitor) throws -> [String: Int64] {
        let period = try #require(monitor.endPeriod())
        return Dictionary(
            uniqueKeysWithValues: period.counts.map { key, value in
                let parts = [key.name, key.pipeline, key.stage, key.symbol].compactMap { $0 }
                return (parts.joined(separator: "/"), value)
            })
    }

    @Test func `counters are differences, by stage and as a whole`() throws {
        let place = try TemporaryDirectory()
        let monitor = monitor(place)
        let (one, other) = (
            try stage(place, "s3-put", "1"), try stage(place, "s3-put", "2", pipeline: "p")
        )
        let counters = [one, other].map { $0.counter("records_out", help: "") }
        counters[0].add(5)
        counters[1].add(7)
        _ = monitor.sample()
        counters[0].add(1)
        _ = monitor.sample()
        #expect(
            try counts(monitor) == [
                "RecordsOut/default/s3-put": 6, "RecordsOut/p/s3-put": 7,
                "RecordsWrittenS3": 13, "RecordsWrittenS3/default/s3-put": 6,
                "RecordsWrittenS3/p/s3-put": 7, "S3RecordsWritten": 13,
                "S3RecordsWritten/default/s3-put": 6, "S3RecordsWritten/p/s3-put": 7,
            ])
        _ = monitor.sample()
        #expect(try counts(monitor).isEmpty)
    }

    @Test func `what was counted before healthd began is not counted again`() throws {
        let place = try TemporaryDirectory()
        let writer = try stage(place, "kinesis-put")
        let counter = writer.counter("records_out", help: "")
        counter.add(1000)
        let monitor = monitor(place)
        _ = monitor.sample()
        counter.add(3)
        _ = monitor.sample()
        #expect(try counts(monitor)["RecordsSentKinesis"] == 3)
    }

    @Test func `a file that cannot be read for a while is not counted anew`() throws {
        let place = try TemporaryDirectory()
        let monitor = monitor(place)
        let writer = try stage(place, "sbe-tap")
        let counter = writer.counter("messages", help: "")
        counter.add(10)
        _ = monitor.sample()
        let path = try #require(writer.path)
        try FileManager.default.moveItem(atPath: path, toPath: place.path("away"))
        for _ in 0..<3 { _ = monitor.sample() }
        try FileManager.default.moveItem(atPath: place.path("away"), toPath: path)
        counter.add(1)
        _ = monitor.sample()
        #expect(try counts(monitor)["SBEMessagesReceived"] == 11)
    }

    @Test func `symbols are told apart up to twenty, the sum has all`() throws {
        let place = try TemporaryDirectory()
        let monitor = monitor(place)
        let writer = try stage(place, "sbe-tap")
        writer.counter("records_out", help: "").add(30)
        for index in 0..<30 {
            writer.counter(
                "stream_records", labels: "symbol=\"S\(index)\",stream=\"trade\"", help: ""
            ).add(1)
        }
        _ = monitor.sample()
        let counts = try counts(monitor)
        #expect(counts["MessagesProcessed"] == 30)
        #expect(counts.keys.count { $0.hasPrefix("MessagesProcessed/default/sbe-tap/S") } == 20)
    }

    @Test func `levels have the looks of the period, durations what was added to each bucket`()
        throws
    {
        let place = try TemporaryDirectory()
        let monitor = monitor(place)
        let writer = try stage(place, "s3-put")
        let waiting = writer.gauge("records_waiting", help: "")
        let delay = writer.histogram("ack_delay", help: "")
        for value in [4, 10, 1] {
            waiting.set(Int64(value))
            delay.record(Int64(value) * 1_000_000, count: value)
            _ = monitor.sample()
        }
        let period = try #require(monitor.endPeriod())
        let level = try #require(period.levels.first { $0.key.name == "RecordsWaiting" })
        #expect(level.key.stage == "s3-put")
        #expect(level.value.count == 3 && level.value.sum == 15)
        #expect(level.value.minimum == 1 && level.value.maximum == 10)
        let buckets = try #require(period.durations.first { $0.key.name == "ProcessingDelay" })
        #expect(buckets.value.reduce(0, +) == 15)
        #expect(buckets.value[HistogramBuckets.index(of: 10_000_000)] == 10)
        #expect(period.levels.contains { $0.key.name == "ServiceRunning" && $0.value.sum == 3 })
        delay.record(1_000_000)
        _ = monitor.sample()
        #expect(try #require(monitor.endPeriod()).durations.first?.value.reduce(0, +) == 1)
    }
}
