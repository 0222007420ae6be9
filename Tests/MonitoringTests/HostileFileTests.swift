import Foundation
import Stats
import TestSupport
import Testing

@testable import Monitoring

/// Stats files that say anything at all: nothing that is made of them ends the process.
struct HostileFileTests {
    private func good(_ place: TemporaryDirectory) throws -> [UInt8] {
        let writer = try StatsWriter(
            directory: place.path("good"), stage: "s3-put", instance: "a", pipeline: "p")
        for name in FigureName.all {
            writer.gauge(name, labels: "symbol=\"BTCUSDT\",kind=\"trade\"", help: "A figure.").set(
                5)
        }
        for name in [FigureName.outputDelay, FigureName.eventDelay] {
            writer.histogram(name, help: "A delay.").record(1000)
        }
        writer.addNeighbour(descriptor: 0, isInput: true)
        writer.lastError.set("an error")
        writer.update {}
        writer.enter(.running)
        return [UInt8](try Data(contentsOf: URL(fileURLWithPath: try #require(writer.path))))
    }

    /// Everything that healthd makes of files.
    private func useAll(_ monitor: Monitor) {
        for _ in 0..<2 {
            let overview = monitor.sample()
            _ = overview.json.text
            _ = overview.pipelines.count
            _ = overview.stages.map { ($0.mainDelay, $0.holes, $0.waiting, $0.bytesKept) }
            _ = overview.stages.flatMap(\.coverage).map { ($0.share, $0.span, $0.repair) }
            for stage in overview.stages {
                _ = Readable.number(stage.rates.recordsIn) + Readable.bytes(stage.rates.bytesOut)
                _ = stage.figures.values.map { Readable.number($0) }
                _ = stage.delays.map { Readable.duration($0.median) }
            }
            var (history, log) = (History(), EventLog())
            history.take(overview)
            log.take(overview)
            for isOpen in [true, false] {
                monitor.withMetrics(isOpenMetrics: isOpen) { _ = $0.count }
            }
        }
        _ = monitor.endPeriod()
    }

    private func monitor(_ place: TemporaryDirectory) -> Monitor {
        let monitor = Monitor(
            directory: place.path("stats"), service: "test", thresholds: Thresholds())
        monitor.beginPeriods()
        return monitor
    }

    static let extremes: [Int64] = [.min, .min + 1, -1, 0, 1, .max - 1, .max]

    @Test(arguments: [32, 48, 56, 72, 80, 88, 96], extremes)
    func `a header's number may be any`(offset: Int, value: Int64) throws {
        let place = try TemporaryDirectory()
        var bytes = try good(place)
        withUnsafeBytes(of: value) { bytes.replaceSubrange(offset..<(offset + 8), with: $0) }
        try write(bytes, place)
        useAll(monitor(place))
    }

    @Test(arguments: extremes, extremes)
    func `every figure may be any number, and jump to any other`(from: Int64, to: Int64) throws {
        let place = try TemporaryDirectory()
        let bytes = try good(place)
        let monitor = monitor(place)
        for value in [from, to] {
            var bent = bytes
            for slot in 0..<FigureName.all.count + 600 {
                let offset = 126_976 + slot * 8
                withUnsafeBytes(of: value) { bent.replaceSubrange(offset..<(offset + 8), with: $0) }
            }
            try write(bent, place)
            useAll(monitor)
        }
    }

    @Test(arguments: 0..<40)
    func `random bytes anywhere, numbers, counts and lengths`(seed: Int) throws {
        let place = try TemporaryDirectory()
        var random = SeededRandom(UInt64(seed))
        let bytes = try good(place)
        let monitor = monitor(place)
        for _ in 0..<25 {
            var bent = bytes
            for _ in 0..<Int.random(in: 1...40, using: &random) {
                // Where something is: header, errors, table, slots.
                let part =
                    [0..<600, 2048..<3072, 4096..<24_576, 126_976..<136_000]
                    .randomElement(using: &random) ?? 0..<600
                let offset = Int.random(in: part, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bent[offset] = UInt8.random(in: 0...255, using: &random)
                case 1:
                    let word = Self.extremes.randomElement(using: &random) ?? 0
                    withUnsafeBytes(of: word) {
                        bent.replaceSubrange((offset & ~7)..<((offset & ~7) + 8), with: $0)
                    }
                default: bent[offset] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                }
            }
            // The magic and the version stay, else nothing is looked at.
            bent.replaceSubrange(0..<12, with: bytes[0..<12])
            if Int.random(in: 0..<8, using: &random) == 0 {
                bent.removeLast(Int.random(in: 0...bent.count, using: &random))
            }
            try write(bent, place)
            useAll(monitor)
        }
    }

    private func write(_ bytes: [UInt8], _ place: TemporaryDirectory) throws {
        let directory = place.path("stats")
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        // In place and anew, as it comes: a followed file may be overwritten too.
        try Data(bytes).write(to: URL(fileURLWithPath: directory + "/bent.stats"))
    }

    @Test func `each figure that healthd knows is written by a stage`() throws {
        let sources = packageRoot.appendingPathComponent("Sources")
        var written = ""
        for case let file as URL in FileManager.default.enumerator(
            at: sources, includingPropertiesForKeys: nil) ?? FileManager.DirectoryEnumerator()
        where file.pathExtension == "swift" {
            let path = file.path
            guard !path.contains("/Monitoring/"), !path.contains("/healthd/"),
                !path.hasSuffix("FigureName.swift")
            else { continue }
            written += try String(contentsOf: file, encoding: .utf8)
        }
        let names = try String(
            contentsOf: sources.appendingPathComponent("Stats/FigureName.swift"), encoding: .utf8)
        for line in names.split(separator: "\n") where line.contains("static let") {
            let words = line.split(separator: " ")
            guard let index = words.firstIndex(of: "let"), words.count > index + 3 else { continue }
            let text = words[index + 3].filter { $0 != "\"" }
            guard FigureName.all.contains(text) else { continue }
            let isWritten =
                written.contains("\"\(text)\"")
                || written.contains("FigureName.\(words[index + 1])")
            #expect(isWritten, "no stage writes \(text)")
        }
    }
}
