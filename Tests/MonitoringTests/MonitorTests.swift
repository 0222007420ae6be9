import Foundation
import Stats
import TestSupport
import Testing

@testable import Monitoring

/// The overview of a directory of stats files.
struct MonitorTests {
    private func stage(_ place: TemporaryDirectory, _ name: String, _ instance: String = "1") throws
        -> StatsWriter
    {
        let writer = try StatsWriter(directory: place.path, stage: name, instance: instance)
        writer.enter(.running)
        return writer
    }

    private func monitor(_ place: TemporaryDirectory) -> Monitor {
        Monitor(directory: place.path, service: "test", thresholds: Thresholds())
    }

    @Test func `stages that share a pipe are joined, and what is in the pipe is counted`() throws {
        let place = try TemporaryDirectory()
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        let (one, other) = (try stage(place, "dedup"), try stage(place, "s3-put"))
        one.addNeighbour(descriptor: ends[1], isInput: false)
        other.addNeighbour(descriptor: ends[0], isInput: true)
        one.counter("bytes_out", help: "").add(100)
        other.counter("bytes_in", help: "").add(60)
        let monitor = monitor(place)
        let link = try #require(
            monitor.sample().links.first { $0.from == "dedup.1" && $0.to == "s3-put.1" })
        #expect(link.bytesBetween == 40 || link.bytesBetween == nil)
        one.end(exitCode: 0)
        #expect(!monitor.sample().problems.contains { $0.code == .linkBroken })
    }

    @Test(
        arguments: [
            (["records_in": 10, "records_out": 10], 0), (["records_in": 10, "records_out": 9], 1),
            (
                ["records_in": 10, "records_recovered": 2, "records_out": 5, "records_refused": 7],
                0
            ),
            (
                [
                    "records_in": 10, "records_out": 4, "duplicates": 3, "filtered": 2,
                    "records_waiting": 1,
                ], 0
            ),
            (["records_in": 10, "records_out": 12], -2), (["records_out": 12], nil),
            (["records_in": 12], nil),
        ] as [([String: Int64], Int64?)])
    func `the conservation equation`(figures: [String: Int64], residue: Int64?) throws {
        let place = try TemporaryDirectory()
        let writer = try stage(place, "dedup")
        for (name, value) in figures { writer.gauge(name, help: "").set(value) }
        #expect(Conservation.residue(try StatsSnapshot(path: try #require(writer.path))) == residue)
    }

    @Test func `a stage that updates one by one is judged only while it is quiet`() throws {
        let place = try TemporaryDirectory()
        let writer = try stage(place, "dedup")
        let taken = writer.counter("records_in", help: "")
        let path = try #require(writer.path)
        var watch = ConservationWatch()
        for second in 1...10 {
            taken.add()
            let snapshot = try StatsSnapshot(path: path)
            #expect(watch.take(1, snapshot, now: Int64(second) * 1_000_000_000) == 0)
        }
        let snapshot = try StatsSnapshot(path: path)
        #expect(watch.take(1, snapshot, now: 11_000_000_000) == 0)
        #expect(watch.take(1, snapshot, now: 15_000_000_000) == 4)
        #expect(watch.take(0, snapshot, now: 16_000_000_000) == 0)
    }

    @Test func `one that updates as one is judged also while it works`() throws {
        let place = try TemporaryDirectory()
        let writer = try stage(place, "dedup")
        let taken = writer.counter("records_in", help: "")
        let path = try #require(writer.path)
        var watch = ConservationWatch()
        var age = 0.0
        for second in 1...5 {
            writer.update { taken.add() }
            age = watch.take(1, try StatsSnapshot(path: path), now: Int64(second) * 1_000_000_000)
        }
        #expect(age == 4)
    }

    @Test func `errors count for a minute, however often one looks`() throws {
        let place = try TemporaryDirectory()
        let writer = try stage(place, "rest-pull")
        let limited = writer.counter("rate_limited", help: "")
        let watch = try StageWatch(path: try #require(writer.path), now: 0)
        for look in 1...600 { try watch.read(now: Int64(look) * 100_000_000) }
        #expect(watch.limitedLately == 0)
        limited.add(2)
        for look in 601...1150 {
            try watch.read(now: Int64(look) * 100_000_000)
            #expect(watch.limitedLately == 2)
        }
        for look in 1151...1300 { try watch.read(now: Int64(look) * 100_000_000) }
        #expect(watch.limitedLately == 0)
    }

    @Test func `rates are per second, and percentiles are there`() throws {
        let place = try TemporaryDirectory()
        let writer = try stage(place, "dedup")
        let taken = writer.counter("records_in", help: "")
        writer.histogram("output_delay", help: "").record(2_000_000, count: 100)
        let monitor = monitor(place)
        _ = monitor.sample()
        let start = Date()
        taken.add(1000)
        #expect(waitUntil { Date().timeIntervalSince(start) > 0.2 })
        let view = try #require(monitor.sample().stages.first)
        let seconds = Date().timeIntervalSince(start)
        #expect(view.rates.recordsIn > 1000 / seconds / 2 && view.rates.recordsIn < 1000 / 0.15)
        #expect(abs((view.delays.first?.median ?? 0) - 0.002) < 0.000126)
    }

    @Test func `the number of stages that are followed is bounded`() throws {
        let place = try TemporaryDirectory()
        var writers: [StatsWriter] = []
        for number in 0..<300 { writers.append(try stage(place, "dedup", "\(number)")) }
        #expect(monitor(place).sample().stages.count == Monitor.maximumStages)
    }
}
