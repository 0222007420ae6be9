import Foundation
import Identity
import Records
import TestSupport
import Testing

/// `ledgerctl compact` as built: many objects of one or more sinks become few, each id once.
struct CompactTests {
    /// Two sinks of one market: the first lacks 41 to 60, the second 21 to 30 and 121 to 200.
    struct TwoSinks {
        let first: S3PutRun
        let second: S3PutRun

        init(_ more: [String] = []) throws {
            first = try S3PutRun()
            var second = try S3PutRun()
            second.options = ["--to", "file://" + first.data] + more
            self.second = second
            try put(first, [1...40, 61...130, 131...200], receivedLater: false, more)
            try put(second, [1...20, 31...80, 81...120], receivedLater: true, more)
        }

        /// A run an object; two hosts never receive a record at the same time.
        private func put(
            _ run: S3PutRun, _ parts: [ClosedRange<Int64>], receivedLater: Bool, _ more: [String]
        ) throws {
            for ids in parts {
                let records = try ids.flatMap { id in
                    var frame = try Sample.frame(.trade, id...id, at: Sample.start + id * 1000)
                    if receivedLater { frame[Frame.blockOffset + 8] |= 7 }
                    return frame
                }
                let outcome = try run.put(records, more)
                try #require(outcome.status == 0, "\(outcome.errors)")
            }
        }

        var url: String { "file://" + first.data }

        func ledgerctl(_ arguments: [String]) throws -> Program.Outcome {
            try Program.run("ledgerctl", arguments)
        }

        var objects: [String] {
            let all =
                FileManager.default.enumerator(atPath: first.data)?.compactMap { $0 as? String }
                ?? []
            return all.filter { key in
                key.hasPrefix("exchange=") && key.split(separator: "/").last?.contains(".") == true
            }.sorted()
        }
    }

    @Test func `two sinks with a hole each make a whole bucket, and after it each id is once`()
        throws
    {
        let sinks = try TwoSinks()
        let selection = ["--symbol", "BTCUSDT", "--kind", "trade"]
        let before = try sinks.ledgerctl(["verify", sinks.url, "--read"] + selection)
        #expect(before.status == 0, "\(before.text)\(before.errors)")
        #expect(
            before.text.contains("whole, 200 held, 90 ids repeated between chains"),
            "\(before.text)")
        let plan = try sinks.ledgerctl(["compact", sinks.url, "--dry-run"])
        #expect(plan.status == 0 && plan.text.contains("6 objects"), "\(plan.text)\(plan.errors)")
        let count = sinks.objects.count
        let outcome = try sinks.ledgerctl(["compact", sinks.url, "--delete-after", "1h"])
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
        #expect(outcome.text.contains("into 1 object"), "\(outcome.text)")
        #expect(outcome.text.contains("200 records, 90 repeated and left out"), "\(outcome.text)")
        #expect(sinks.objects.count == count + 1, "nothing is deleted while somebody may read it")
        try requireOnce(sinks)
        let second = try sinks.ledgerctl(["compact", sinks.url, "--delete-after", "1h"])
        #expect(second.status == 0 && second.text.contains("nothing to merge"), "\(second.text)")
        let swept = try sinks.ledgerctl(["compact", sinks.url])
        #expect(swept.status == 0 && swept.text.contains("deleted 6 objects"), "\(swept.text)")
        #expect(sinks.objects.count == 1, "\(sinks.objects)")
        try requireOnce(sinks)
        // A sink goes on, its old ledger refuses what was merged, and the next run merges again.
        #expect(try sinks.first.put(Sample.trades(1...40)).errors.contains("\"refused\":40"))
        let late = try Sample.frame(.trade, 201...201, at: Sample.start + 201_000)
        #expect(try sinks.second.put(late).status == 0)
        let again = try sinks.ledgerctl(["compact", sinks.url, "--delete-after", "0"])
        #expect(again.text.contains("2 objects"), "\(again.text)\(again.errors)")
        #expect(sinks.objects.count == 1, "\(sinks.objects)")
    }

    private func requireOnce(_ sinks: TwoSinks) throws {
        let selection = ["--symbol", "BTCUSDT", "--kind", "trade"]
        let after = try sinks.ledgerctl(["verify", sinks.url, "--read"] + selection)
        #expect(after.status == 0 && after.text.contains("whole, 200 held\n"), "\(after.text)")
        let judge = try Program.run(
            try #require(Python.path),
            [
                packageRoot.appendingPathComponent("docs/verify.py").path, sinks.first.data,
                "BTCUSDT", "trade", "1", "200",
            ])
        #expect(judge.status == 0 && judge.text == "whole\n", "\(judge.text)\(judge.errors)")
        let whole = try Program.run("recq", ["cat", "--whole", sinks.url])
        let ids = try Program.run("recq", ["json", "--whole", sinks.url])
        #expect(whole.status == 0 || ids.status != 0, "\(whole.errors)")
        let lines = try Program.run("recq", ["json"], input: whole.output)
        #expect(lines.text.split(separator: "\n").count == 200, "\(lines.errors)")
        let place = try sinks.ledgerctl(["where", sinks.url, "BTCUSDT", "trade", "77"])
        #expect(place.status == 0, "\(place.text)")
        #expect(place.text.components(separatedBy: "listed in").count == 2, "\(place.text)")
        let state = sinks.first.place.path("rebuilt-\(UInt32.random(in: 0 ... .max))")
        let rebuilt = try sinks.ledgerctl(["rebuild", sinks.url, "--state-dir", state])
        #expect(rebuilt.status == 0 && rebuilt.text.contains("200 ids, 0 holes"), "\(rebuilt.text)")
    }

    @Test(arguments: ["parquet", "avro", "ndjson", "sbe"])
    func `every kind and format is merged, in order, and reads back the same`(
        format: String
    ) throws {
        let run = try S3PutRun()
        var all: [UInt8] = []
        for part in Int64(0)..<3 {
            var records: [UInt8] = []
            // The second half of the ids first: objects come in any order.
            for index in (Int64(0)..<10).reversed() {
                let id = (2 - part) * 10 + index + 1
                let time = Sample.start + id * 1000
                records += try Sample.frame(.trade, id...id, at: time, price: id)
                records += try Sample.frame(.aggTrade, id...id, at: time)
                records += try Sample.frame(.depthDiff, (id * 10)...(id * 10 + 9), at: time)
                records += try Sample.frame(
                    .kline, (Sample.start + id * 60_000_000)...(Sample.start + id * 60_000_000),
                    at: Sample.start + id * 60_000_000, series: 2)
            }
            for index in Int64(0)..<5 {
                let id = part * 100 + index
                records += try Sample.frame(.bestBidAsk, id...id, at: Sample.start + id * 1000)
                records += try Sample.frame(.depthSnapshot, id...id, at: Sample.start + id * 1000)
            }
            records += try Sample.frame(
                .gap, (1000 + part)...(1000 + part), at: Sample.start + part, reason: .notServed)
            all += records
            let outcome = try run.put(
                records,
                ["--format", format] + (format == "parquet" ? ["--compression", "zstd"] : []))
            try #require(outcome.status == 0, "\(outcome.errors)")
        }
        let url = "file://" + run.data
        func lines() throws -> [String] {
            let outcome = try Program.run("recq", ["json", "--naming", "record", url])
            let text = outcome.status == 0 ? outcome : try Program.run("recq", ["json", url])
            try #require(text.status == 0, "\(text.errors)")
            return text.text.split(separator: "\n").map(String.init).sorted()
        }
        let show = try Program.run("ledgerctl", ["show", url])
        let before = try lines()
        let outcome = try Program.run("ledgerctl", ["compact", url, "--delete-after", "0"])
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
        #expect(try lines() == before)
        let verify = try Program.run("ledgerctl", ["verify", url, "--read", "--allow-declared"])
        #expect(verify.status == 0 || !verify.text.contains("problem"), "\(verify.text)")
        // What is claimed is what was claimed before; only the objects are fewer.
        func claims(_ text: String) -> [String] {
            text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("chain ") }
                .map { line in
                    line.replacing(/\s+\d+ objects?$/, with: "")
                }
        }
        let after = try Program.run("ledgerctl", ["show", url])
        #expect(claims(after.text) == claims(show.text))
        let keys = FileManager.default.enumerator(atPath: run.data)?.compactMap { $0 as? String }
        let objects = (keys ?? []).filter {
            $0.hasPrefix("exchange=") && $0.split(separator: "/").last?.contains(".") == true
        }
        #expect(objects.allSatisfy { $0.contains("-m") }, "\(objects)")
    }

    /// What somebody does to a bucket; what compaction says, and whether other partitions are merged.
    private struct Damage: Sendable {
        let name: String
        let apply: @Sendable (TwoSinks) throws -> Void
        let words: String
    }

    private static func write(_ data: Data, _ sinks: TwoSinks, _ key: String) throws {
        let url = URL(fileURLWithPath: "\(sinks.first.data)/\(key)")
        try? FileManager.default.removeItem(at: url)
        try data.write(to: url)
    }

    private static func content(_ sinks: TwoSinks, _ key: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: "\(sinks.first.data)/\(key)"))
    }

    private static let damages: [Damage] = [
        Damage(
            name: "an object deleted",
            apply: {
                try FileManager.default.removeItem(atPath: "\($0.first.data)/\($0.objects[3])")
            }, words: "is missing"),
        Damage(
            name: "a byte changed",
            apply: { sinks in
                var data = try content(sinks, sinks.objects[3])
                data[data.count / 2] ^= 1
                try write(data, sinks, sinks.objects[3])
            }, words: "has changed since it was stored"),
        Damage(
            name: "an object cut short",
            apply: { try write(content($0, $0.objects[3]).dropLast(3), $0, $0.objects[3]) },
            words: "bytes, not"),
        Damage(
            name: "an object that no manifest lists",
            apply: {
                try write(
                    content($0, $0.objects[3]), $0,
                    $0.objects[3].replacingOccurrences(of: ".sbe", with: "-00000001.sbe"))
            }, words: "is in no manifest"),
    ]

    @Test(arguments: damages.indices)
    func `a partition that is damaged is left alone, and the object is named`(index: Int) throws {
        let damage = Self.damages[index]
        let sinks = try TwoSinks()
        #expect(try sinks.first.put(Sample.trades(1...9, symbol: "ETHUSDT")).status == 0)
        #expect(try sinks.first.put(Sample.trades(10...19, symbol: "ETHUSDT")).status == 0)
        try damage.apply(sinks)
        let before = sinks.objects
        let outcome = try sinks.ledgerctl(["compact", sinks.url, "--delete-after", "0"])
        #expect(outcome.status == 65, "\(damage.name): \(outcome.text)\(outcome.errors)")
        #expect(outcome.text.contains(damage.words), "\(damage.name): \(outcome.text)")
        #expect(outcome.text.contains("refused   exchange="), "\(damage.name): \(outcome.text)")
        let own = { (keys: [String]) in keys.filter { $0.contains("BTCUSDT") } }
        #expect(own(sinks.objects) == own(before), "\(damage.name)")
        #expect(sinks.objects.count { $0.contains("ETHUSDT") } == 1, "\(damage.name)")
    }

    @Test func `a chain that is broken lets nothing be merged`() throws {
        let sinks = try TwoSinks()
        let folder = "\(sinks.first.data)/_manifests"
        let manifests = (FileManager.default.enumerator(atPath: folder)?.allObjects ?? [])
            .compactMap { $0 as? String }.filter { $0.hasSuffix("0002.json") }.sorted()
        try FileManager.default.removeItem(atPath: "\(folder)/\(try #require(manifests.first))")
        let before = sinks.objects
        let outcome = try sinks.ledgerctl(["compact", sinks.url, "--delete-after", "0"])
        #expect(outcome.status == 65 && outcome.errors.contains("0002.json is missing"))
        #expect(sinks.objects == before)
    }

    @Test func `two records of one id that say different things are both kept, and named`() throws {
        let first = try S3PutRun()
        var second = try S3PutRun()
        second.options = ["--to", "file://" + first.data]
        #expect(try first.put(Sample.trades(1...10, price: 100)).status == 0)
        #expect(try second.put(Sample.trades(1...10, price: 101)).status == 0)
        let outcome = try Program.run(
            "ledgerctl", ["compact", "file://" + first.data, "--delete-after", "0"])
        #expect(outcome.status == 65, "\(outcome.text)\(outcome.errors)")
        #expect(outcome.text.contains("another record of id 1 than"), "\(outcome.text)")
        #expect(first.keys.count == 2)
    }

    @Test func `young partitions, wrong places and a second run at once are told of`() throws {
        let run = try S3PutRun()
        let now = Int64(Date().timeIntervalSince1970) * 1_000_000
        for id in Int64(1)...3 {
            #expect(try run.put(Sample.frame(.trade, id...id, at: now)).status == 0)
        }
        let url = "file://" + run.data
        let young = try Program.run("ledgerctl", ["compact", url])
        #expect(young.status == 0 && young.text.contains("1 partition too young"), "\(young.text)")
        let other = try Program.run("ledgerctl", ["compact", url, "--settle", "soon"])
        #expect(other.status == 64 && other.errors.contains("--settle"), "\(other.errors)")
        let remote = try Program.run("ledgerctl", ["compact", "https://example.com/b/p"])
        #expect(remote.status == 64 && remote.errors.contains("for reading only"))
        let mistyped = run.place.path("dta")
        let absent = try Program.run("ledgerctl", ["compact", "file://" + mistyped])
        #expect(absent.status == 69 && absent.errors.contains("no such file"), "\(absent.errors)")
        #expect(!FileManager.default.fileExists(atPath: mistyped))
        let forced = try Program.run("ledgerctl", ["compact", url, "--settle", "0"])
        #expect(forced.status == 0 && forced.text.contains("into 1 object"), "\(forced.text)")
    }
}
