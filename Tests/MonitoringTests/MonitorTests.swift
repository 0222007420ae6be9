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

    /// What it wrote is what the slowest of its readers has: nothing to compare the others with.
    @Test func `a stage of several outputs is joined to each reader, and none is broken`() throws {
        let place = try TemporaryDirectory()
        var ends: [[Int32]] = [[-1, -1], [-1, -1]]
        for index in ends.indices { try #require(pipe(&ends[index]) == 0) }
        defer { for end in ends.joined() { close(end) } }
        let fanOut = try stage(place, "fan-out")
        let readers = [try stage(place, "kinesis-put"), try stage(place, "s3-put")]
        for (index, reader) in readers.enumerated() {
            fanOut.addNeighbour(descriptor: ends[index][1], isInput: false)
            reader.addNeighbour(descriptor: ends[index][0], isInput: true)
            reader.counter("bytes_in", help: "").add(60 + 40 * index)
        }
        fanOut.counter("bytes_out", help: "").add(60)
        let monitor = monitor(place)
        let links = monitor.sample().links
        #expect(links.map(\.to).sorted() == ["kinesis-put.1", "s3-put.1"])
        #expect(links.allSatisfy { $0.bytesBetween == nil })
        for stage in [fanOut] + readers { stage.end(exitCode: 0) }
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

    // MARK: - Limits and visitors

    /// A file of a stage that is gone: without a word, or ended with a status.
    private func leave(
        _ place: TemporaryDirectory, _ name: String, _ instance: String, exit code: Int32?
    ) throws {
        let writer = try StatsWriter(directory: place.path, stage: name, instance: instance)
        if let code { return writer.end(exitCode: code) }
        let file = URL(fileURLWithPath: try #require(writer.path))
        var bytes = try Data(contentsOf: file)
        bytes[24] ^= 1
        try bytes.write(to: file)
    }

    @Test func `stages that run come before those that are over, and what is left out is told`()
        throws
    {
        let place = try TemporaryDirectory()
        for number in 0..<WatchedFiles.maximumMembers {
            try leave(place, "dedup", "\(number)", exit: 0)
        }
        let monitor = monitor(place)
        #expect(monitor.sample().problems.map(\.code) == [.nothingRuns])
        let tap = try stage(place, "sbe-tap", "live")
        var overview = monitor.sample()
        #expect(overview.stages.contains { $0.id == "sbe-tap.live" && $0.isRunning })
        #expect(overview.stages.count == WatchedFiles.maximumMembers && overview.unseen == 1)
        #expect(overview.isHealthy && overview.problems.map(\.code) == [.stagesUnseen])
        try leave(place, "zz-put", "dead", exit: nil)
        overview = monitor.sample()
        #expect(overview.problems.contains { $0.stage == "zz-put.dead" && $0.code == .stageDead })
        withExtendedLifetime(tap) {}
    }

    @Test func `more running stages than are followed are unhealthy`() throws {
        let place = try TemporaryDirectory()
        let template = try stage(place, "dedup", "0")
        let bytes = try Data(contentsOf: URL(fileURLWithPath: try #require(template.path)))
        for number in 1...WatchedFiles.maximumMembers + 2 {
            var copy = bytes
            copy.replaceSubrange(224..<230, with: Array("\(number + 100_000)".utf8))
            try copy.write(to: URL(fileURLWithPath: place.path("dedup.\(number).stats")))
        }
        let overview = monitor(place).sample()
        #expect(overview.unseen == 3 && !overview.isHealthy)
        #expect(overview.problems.map(\.code) == [.stagesUnseen], "\(overview.problems)")
    }

    @Test func `files that are none of ours count for nothing, however many there are`() throws {
        let place = try TemporaryDirectory()
        for number in 0..<1000 {
            try Data("junk".utf8).write(
                to: URL(fileURLWithPath: place.path("a\(number).stats")))
        }
        let stage = try stage(place, "dedup")
        let monitor = monitor(place)
        for _ in 0..<2 {
            let overview = monitor.sample()
            #expect(overview.stages.map(\.id) == ["dedup.1"] && overview.problems.isEmpty)
        }
        withExtendedLifetime(stage) {}
    }

    @Test func `a visitor is shown, changes no health, and its file goes when it was killed`()
        throws
    {
        let place = try TemporaryDirectory()
        let member = try stage(place, "dedup", "live")
        let visitor = try StatsWriter(
            directory: place.path, stage: "rest-pull", instance: "77", isVisitor: true)
        visitor.gauge(FigureName.breakerState, help: "").set(2)
        visitor.counter(FigureName.recordsIn, help: "").add(5)
        visitor.counter(FigureName.recordsOut, help: "").add(1)
        visitor.enter(.failed)
        visitor.enter(.running)
        let monitor = monitor(place)
        var overview = monitor.sample()
        #expect(overview.visitors.map(\.id) == ["rest-pull.77"])
        #expect(overview.members.map(\.id) == ["dedup.live"] && overview.problems.isEmpty)
        let text = monitor.withMetrics(isOpenMetrics: false) {
            String(decoding: $0, as: UTF8.self)
        }
        #expect(!text.contains("rest-pull") && text.contains("ingestor_visitors 1\n"))
        // Killed: a copy whose process is gone.
        var bytes = try Data(contentsOf: URL(fileURLWithPath: try #require(visitor.path)))
        bytes[24] ^= 1
        let dead = place.path("rest-pull.78.stats")
        try bytes.write(to: URL(fileURLWithPath: dead))
        overview = monitor.sample()
        #expect(overview.visitors.map(\.id) == ["rest-pull.77"] && overview.isHealthy)
        #expect(!FileManager.default.fileExists(atPath: dead))
        withExtendedLifetime(member) {}
    }

    @Test func `visitors alone are not the host's service`() throws {
        let place = try TemporaryDirectory()
        let visitor = try StatsWriter(
            directory: place.path, stage: "sbe-tap", instance: "77", isVisitor: true)
        visitor.enter(.running)
        let overview = monitor(place).sample()
        #expect(overview.problems.map(\.code) == [.nothingRuns])
        #expect(overview.problems[0].message.contains("STAGE_INSTANCE"))
    }

    @Test func `labels of a stage are its name, its pipeline, and what Prometheus does not own`()
        throws
    {
        let place = try TemporaryDirectory()
        let writer = try StatsWriter(
            directory: place.path, stage: "dedup", instance: "live", pipeline: "btc")
        writer.gauge("a", labels: "instance=\"x\",le=\"1\",kind=\"k\",kind=\"l\"", help: "").set(3)
        writer.enter(.running)
        let monitor = monitor(place)
        _ = monitor.sample()
        let text = monitor.withMetrics(isOpenMetrics: false) {
            String(decoding: $0, as: UTF8.self)
        }
        #expect(
            text.contains(
                "ingestor_stage_a{stage=\"dedup\",stage_instance=\"live\",pipeline=\"btc\","
                    + "kind=\"k\"} 3\n"), "\(text)")
    }

    @Test func `two files that claim one name give one series`() throws {
        let place = try TemporaryDirectory()
        let writer = try stage(place, "dedup", "live")
        let bytes = try Data(contentsOf: URL(fileURLWithPath: try #require(writer.path)))
        try bytes.write(to: URL(fileURLWithPath: place.path("other.stats")))
        let monitor = monitor(place)
        _ = monitor.sample()
        let text = monitor.withMetrics(isOpenMetrics: false) {
            String(decoding: $0, as: UTF8.self)
        }
        #expect(text.ranges(of: "ingestor_stage_up{").count == 1)
    }
}
