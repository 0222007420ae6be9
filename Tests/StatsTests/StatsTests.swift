import Foundation
import Posix
import TestSupport
import Testing

@testable import Stats

/// Stats files as another process reads them.
struct StatsTests {
    private func writer(_ place: TemporaryDirectory) throws -> (StatsWriter, String) {
        let writer = try StatsWriter(
            directory: place.path("stats"), stage: "dedup", instance: "a", pipeline: "p",
            version: "1.2")
        return (writer, try #require(writer.path))
    }

    @Test func `figures are read while they are written`() throws {
        let place = try TemporaryDirectory()
        let (writer, path) = try writer(place)
        #expect(path.hasSuffix("stats/dedup.a.stats"))
        let records = writer.counter("records_in", help: "Records read.")
        let lag = writer.gauge("lag", labels: "sink=\"s3\"", help: "How late.")
        let latency = writer.histogram("latency", help: "Time taken.")
        records.add(3)
        lag.set(-7)
        latency.record(1500)
        var snapshot = try StatsSnapshot(path: path)
        #expect(snapshot.stage == "dedup" && snapshot.instance == "a" && snapshot.pid == getpid())
        #expect(snapshot.pipeline == "p" && snapshot.version == "1.2")
        #expect(snapshot.life == .running && snapshot.isConsistent && !snapshot.isSuspended)
        #expect(snapshot.value("records_in") == 3 && snapshot.value("lag") == -7)
        #expect(snapshot.metrics[1].labels == "sink=\"s3\"")
        #expect(snapshot.metrics[2].values.reduce(0, +) == 1501)
        records.add()
        snapshot = try StatsSnapshot(path: path)
        #expect(snapshot.value("records_in") == 4)
        writer.end(exitCode: 75)
        snapshot = try StatsSnapshot(path: path)
        #expect(snapshot.life == .ended(75) && snapshot.state == .failed)
    }

    @Test func `a file that is read again shows metrics that came since, and nobody may write it`()
        throws
    {
        let place = try TemporaryDirectory()
        let old = umask(0o077)
        defer { umask(old) }
        let (writer, path) = try writer(place)
        let file = try StatsFile(path: path)
        #expect(try file.read().metrics.isEmpty)
        writer.counter("a", help: "A.").advance(to: 9)
        #expect(try file.read().value("a") == 9)
        let histogram = writer.histogram("h", help: "H.")
        histogram.record(2_000_000, count: 3)
        writer.counter("a", help: "A.").advance(to: 8)
        let snapshot = try file.read()
        #expect(snapshot.metrics.count == 2 && snapshot.value("a") == 9)
        #expect(snapshot.metrics[1].values.first == 6_000_000)
        let status = try #require(try Files.status(path))
        #expect(status.st_mode & 0o777 == 0o644)
    }

    @Test(arguments: StageState.allCases)
    func `each state and the beat of the loop are seen`(state: StageState) throws {
        let place = try TemporaryDirectory()
        let (writer, path) = try writer(place)
        let before = Clock.monotonicNanoseconds()
        writer.enter(state)
        writer.heartbeat.waits(for: .output)
        let snapshot = try StatsSnapshot(path: path)
        #expect(snapshot.state == state && snapshot.wait == .output)
        #expect(snapshot.heartbeat >= before && snapshot.stateSince > 0)
    }

    @Test func `the writer of a pipe and its reader know it by the same number`() throws {
        let place = try TemporaryDirectory()
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        let (writer, path) = try writer(place)
        let standard = try StatsSnapshot(path: path).neighbours.count
        writer.addNeighbour(descriptor: ends[0], isInput: true)
        writer.addNeighbour(descriptor: ends[1], isInput: false)
        let found = try StatsSnapshot(path: path).neighbours.dropFirst(standard)
        #expect(found.count == 2 && found.allSatisfy { $0.kind == .pipe })
        #expect(found.first?.inode == found.last?.inode)
        #expect(found.map(\.isInput) == [true, false])
        for _ in 0..<100 { writer.addNeighbour(descriptor: ends[0], isInput: true) }
        #expect(try StatsSnapshot(path: path).neighbours.count == StatsLayout.maximumNeighbours)
    }

    @Test func `what finds no room is counted, and the stage goes on`() throws {
        let place = try TemporaryDirectory()
        let (writer, path) = try writer(place)
        var counters: [Counter] = []
        for number in 0..<400 { counters.append(writer.counter("c\(number)", help: "")) }
        for counter in counters { counter.add() }
        writer.histogram("h", help: "").record(5)
        _ = writer.counter("d", labels: String(repeating: "x", count: 129), help: "")
        let snapshot = try StatsSnapshot(path: path)
        #expect(snapshot.metrics.count == 320 && snapshot.refusedMetrics == 82)
        #expect(snapshot.metrics.allSatisfy { $0.value == 1 })
    }

    @Test func `labels found at run time are bounded, and escaped`() throws {
        let place = try TemporaryDirectory()
        let (writer, path) = try writer(place)
        var family = writer.counters("quarantined", label: "reason", limit: 4, help: "Q.")
        for number in 0..<10 { family.add(for: "a \"b\"\n\\\(number)") }
        family.add(5, for: String(repeating: "é", count: 500))
        let metrics = try StatsSnapshot(path: path).metrics
        #expect(metrics.count == 4)
        #expect(metrics[0].labels == #"reason="a \"b\"\n\\0""#)
        #expect(metrics.last?.labels == #"reason="other""# && metrics.last?.value == 12)
        #expect(Labels.pair("r", String(repeating: "é", count: 500)).utf8.count <= 128)
    }

    @Test func `a process that is gone without a word is dead`() throws {
        let place = try TemporaryDirectory()
        let (_, path) = try writer(place)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[StatsLayout.Header.processStart] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
        #expect(try StatsSnapshot(path: path).life == .dead)
    }

    @Test func `a damaged file is refused or read, and never more than there is`() throws {
        let place = try TemporaryDirectory()
        let (writer, original) = try writer(place)
        _ = writer.counter("a", help: "b")
        _ = writer.histogram("c", help: "d")
        writer.lastError.set("cannot write")
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: original)))
        let path = place.path("bent")
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let file = fopen(path, "r+")
        defer { fclose(file) }
        let interesting = Array(0..<600) + Array(2040..<3072) + Array(4096..<4900)
        for index in interesting {
            for change: UInt8 in [1, 0xFF] {
                var byte = bytes[index] ^ change
                pwrite(fileno(file), &byte, 1, off_t(index))
                _ = try? StatsSnapshot(path: path)
                byte = bytes[index]
                pwrite(fileno(file), &byte, 1, off_t(index))
            }
        }
        for length in [0, 1, 100, bytes.count - 1, bytes.count + 1] {
            try Data((bytes + [0]).prefix(length)).write(to: URL(fileURLWithPath: path))
            #expect(throws: StatsError.self) { _ = try StatsSnapshot(path: path) }
        }
        let link = place.path("link")
        symlink(original, link)
        #expect(throws: StatsError.notStats(link)) { _ = try StatsSnapshot(path: link) }
        let fifo = place.path("fifo")
        mkfifo(fifo, 0o644)
        #expect(throws: StatsError.notStats(fifo)) { _ = try StatsSnapshot(path: fifo) }
    }

    @Test func `every duration falls into a bucket at most an eighth of its lower end wide`() {
        for power in 0..<63 {
            let start = UInt64(1) << UInt64(power)
            for value: UInt64 in [start, start + start / 2, start + 1, start + start / 8 * 7] {
                let index = HistogramBuckets.index(of: value)
                if let end = HistogramBuckets.end(of: index) { #expect(value < end) }
                guard index > 0, let low = HistogramBuckets.end(of: index - 1) else { continue }
                #expect(value >= low)
                if let end = HistogramBuckets.end(of: index) { #expect((end - low) * 8 <= low) }
            }
        }
        #expect(HistogramBuckets.index(of: 0) == 0)
        #expect(HistogramBuckets.index(of: .max) == HistogramBuckets.count - 1)
    }

    @Test func `histograms of two processes add up, and quantiles are within 6.25 percent`() {
        var random = SeededRandom(1)
        var counts = [[UInt64](repeating: 0, count: HistogramBuckets.count)]
        counts.append(counts[0])
        var values: [UInt64] = []
        for number in 0..<10_000 {
            let value = UInt64.random(in: 2000...50_000_000, using: &random)
            values.append(value)
            counts[number % 2][HistogramBuckets.index(of: value)] += 1
        }
        values.sort()
        let merged = zip(counts[0], counts[1]).map { $0 + $1 }
        for share in [0.01, 0.5, 0.9, 0.99] {
            let exact = Double(values[Int(share * 10_000) - 1])
            let found = Double(HistogramBuckets.quantile(share, of: merged) ?? 0)
            #expect(abs(found - exact) / exact <= 0.0626)
        }
        #expect(HistogramBuckets.quantile(0.5, of: [UInt64](repeating: 0, count: 5)) == nil)
    }

    // MARK: - Names and files

    @Test func `a file takes the room that its figures need, not its whole length`() throws {
        let place = try TemporaryDirectory()
        let (writer, path) = try writer(place)
        for number in 0..<40 { writer.counter("c\(number)", help: "C.").add() }
        writer.histogram("h", help: "H.").record(5)
        let status = try #require(try Files.status(path))
        #expect(status.st_size == 256 << 10)
        #expect(status.st_blocks * 512 <= 32 << 10, "\(status.st_blocks * 512) bytes on disk")
        #expect(try StatsSnapshot(path: path).metrics.count == 41)
    }

    @Test func `a second process of one name gets a number, unless the first one ends in time`()
        throws
    {
        let place = try TemporaryDirectory()
        let (first, path) = try writer(place)
        #expect(first.nameHolder == nil)
        let start = Clock.monotonicNanoseconds()
        let (second, other) = try writer(place)
        // A restart overlaps a little: it was given time.
        #expect(Clock.monotonicNanoseconds() - start >= 1_900_000_000)
        #expect(second.nameHolder == getpid())
        let snapshot = try StatsSnapshot(path: other)
        #expect(snapshot.instance == "a-2" && snapshot.isRenamed && !snapshot.isVisitor)
        first.counter("mark", help: "").add(7)
        #expect(try StatsSnapshot(path: path).value("mark") == 7)
        first.end(exitCode: 0)
        let (third, again) = try writer(place)
        #expect(again == path && third.nameHolder == nil)
        #expect(try StatsSnapshot(path: path).state == .starting)
        #expect(try Files.list(place.path("stats")) == ["dedup.a-2.stats", "dedup.a.stats"])
        withExtendedLifetime((first, second, third)) {}
    }

    @Test func `of many that begin at once exactly one has the name`() async throws {
        let place = try TemporaryDirectory()
        let directory = place.path("stats")
        struct Box: @unchecked Sendable { let writer: StatsWriter? }
        let writers = await withTaskGroup(of: Box.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    Box(
                        writer: try? StatsWriter(
                            directory: directory, stage: "dedup", instance: "a"))
                }
            }
            return await group.reduce(into: [Box]()) { $0.append($1) }
        }
        let paths = Set(writers.compactMap { $0.writer?.path })
        #expect(paths.count == 8, "\(paths)")
        #expect(writers.count { $0.writer?.nameHolder == nil } == 1)
        #expect(try Files.list(directory).count == 8)
    }

    @Test func `names that share 64 bytes stay two names`() throws {
        let place = try TemporaryDirectory()
        let start = String(repeating: "é", count: 40)
        let writers = try ["1", "2"].map {
            try StatsWriter(directory: place.path, stage: "dedup", instance: start + $0)
        }
        let names = try writers.map { try StatsSnapshot(path: try #require($0.path)).instance }
        #expect(Set(names).count == 2 && names.allSatisfy { $0.utf8.count <= 64 }, "\(names)")
        #expect(names.allSatisfy { $0.hasPrefix(String(repeating: "é", count: 27) + "~") })
    }

    private func visitor(_ place: TemporaryDirectory, _ name: String = "4711") throws -> StatsWriter
    {
        try StatsWriter(
            directory: place.path, stage: "rest-pull", instance: name, isVisitor: true)
    }

    @Test(arguments: [Int32(0), 1, 74])
    func `a visitor takes its file away when it ends, however it ends`(code: Int32) throws {
        let place = try TemporaryDirectory()
        let stats = try visitor(place)
        let path = try #require(stats.path)
        #expect(try StatsSnapshot(path: path).isVisitor)
        stats.end(exitCode: code)
        #expect(try Files.list(place.path).isEmpty)
    }

    @Test func `two visitors of one pid, of two containers, have two files`() throws {
        let place = try TemporaryDirectory()
        let stats = [try visitor(place), try visitor(place)]
        let paths = stats.compactMap(\.path)
        #expect(Set(paths).count == 2, "\(paths)")
        #expect(
            try paths.map { try StatsSnapshot(path: $0).instance } == ["4711", "4711-2"])
    }

    @Test func `a stage that starts removes what killed visitors left, and nothing else`() throws {
        let place = try TemporaryDirectory()
        let (alive, member) = (
            try visitor(place, "11"),
            try StatsWriter(directory: place.path, stage: "dedup", instance: "12")
        )
        /// A file whose process is gone, and whose lock nobody holds.
        func leave(_ writer: StatsWriter, _ name: String) throws {
            let path = try #require(writer.path)
            var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            bytes[StatsLayout.Header.processStart] ^= 1
            try Data(bytes).write(to: URL(fileURLWithPath: place.path(name)))
        }
        for number in 100..<120 { try leave(alive, "rest-pull.\(number).stats") }
        try leave(member, "dedup.13.stats")
        try Data("junk".utf8).write(to: URL(fileURLWithPath: place.path("x.14.stats")))
        let next = try visitor(place, "15")
        #expect(
            try Files.list(place.path) == [
                "dedup.12.stats", "dedup.13.stats", "rest-pull.11.stats", "rest-pull.15.stats",
                "x.14.stats",
            ])
        withExtendedLifetime((alive, member, next)) {}
    }
}
