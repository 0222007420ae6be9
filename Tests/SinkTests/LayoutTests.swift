import Foundation
import Identity
import TestSupport
import Testing

/// Where s3-put stores objects, and what becomes of states of the layout before.
struct LayoutTests {
    private static let hour: Int64 = 3_600_000_000

    private static func klines(
        _ interval: KlineInterval, _ count: Int64, from time: Int64 = Sample.start
    ) throws -> [UInt8] {
        try (0..<count).flatMap { index in
            let id = time + index * interval.length
            return try Sample.frame(.kline, id...id, at: id, series: interval.code)
        }
    }

    @Test func `klines of a month are one object in the folder of their interval`() throws {
        let run = try S3PutRun()
        let records =
            try Self.klines(.minute1, 200) + Self.klines(.hour1, 48)
            + Self.klines(.hour1, 2, from: Sample.start + 31 * 24 * Self.hour)
        let outcome = try run.put(records)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let folder = "exchange=binance/kind=kline/interval"
        let february = "1706745600000000-1706749200000000"
        #expect(
            run.keys == [
                "\(folder)=1h/instrument=BTCUSDT/month=2024-01/1704067200000000-1704236400000000.sbe",
                "\(folder)=1h/instrument=BTCUSDT/month=2024-02/\(february).sbe",
                "\(folder)=1m/instrument=BTCUSDT/month=2024-01/1704067200000000-1704079140000000.sbe",
            ])
        #expect(try run.put(records).errors.contains("\"refused\":250"))
    }

    @Test func `trades are in the hour of their event time, and no path key is a column`() throws {
        let run = try S3PutRun()
        let records =
            try Sample.trades(1...3) + Sample.trades(4...5, from: Sample.start + 13 * Self.hour)
        let outcome = try run.put(records, ["--format", "ndjson", "--compression", "none"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let folder = "\(run.data)/exchange=binance/kind=trade/instrument=BTCUSDT/date=2024-01-01"
        for (hour, ids) in [("00", "1-000000000003"), ("13", "4-000000000005")] {
            let lines = try String(
                contentsOfFile: "\(folder)/hour=\(hour)/00000000000\(ids).ndjson", encoding: .utf8)
            let line = try #require(lines.split(separator: "\n").first)
            let names = try #require(
                JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            ).keys
            for key in ["exchange", "kind", "instrument", "date", "hour"] {
                #expect(!names.contains(key), "\(line)")
            }
        }
    }

    @Test func `a kline whose time cannot be right has no month`() throws {
        let run = try S3PutRun()
        let outcome = try run.put(Self.klines(.hour1, 1, from: 0))
        #expect(outcome.status == 0, "\(outcome.errors)")
        let key = try #require(run.keys.first)
        #expect(key.contains("/instrument=BTCUSDT/month=__HIVE_DEFAULT_PARTITION__/"), "\(key)")
    }

    /// A state of 0.1 is one without a note of its layout.
    @Test func `a state of the old layout goes on, and says once where new objects are`() throws {
        let run = try S3PutRun()
        #expect(try run.put(Sample.trades(1...10)).status == 0)
        try FileManager.default.removeItem(atPath: run.state + "/layout")
        let next = try run.put(Sample.trades(1...20))
        #expect(next.status == 0)
        #expect(next.errors.contains("\"refused\":10"), "\(next.errors)")
        #expect(next.errors.contains("new objects are stored under exchange="), "\(next.errors)")
        let last = try run.put(Sample.trades(21...30))
        #expect(!last.errors.contains("new objects are stored"), "\(last.errors)")
    }

    @Test func `a state of a newer layout is refused, and left as it is`() throws {
        let run = try S3PutRun()
        #expect(try run.put(Sample.trades(1...10)).status == 0)
        try Data("3\n".utf8).write(to: URL(fileURLWithPath: run.state + "/layout"))
        let outcome = try run.put(Sample.trades(11...20))
        #expect(outcome.status == 78)
        #expect(outcome.errors.contains("of layout 3"), "\(outcome.errors)")
        #expect(run.keys.count == 1)
    }

    /// What was staged under a path of the old layout, and its manifest, are delivered as they are.
    @Test func `an object that 0.1 left staged is delivered under its old key`() throws {
        let run = try S3PutRun()
        try FileManager.default.createDirectory(
            atPath: run.data, withIntermediateDirectories: true)
        let blocker = URL(fileURLWithPath: run.data + "/exchange=binance")
        try Data().write(to: blocker)
        #expect(try run.put(Sample.trades(1...10)).status == 74)
        try FileManager.default.removeItem(at: blocker)
        let name = try #require(run.names("staging").first { $0.hasSuffix(".manifest") })
        let path = "\(run.state)/staging/\(name)"
        // Then a note was of one object, and had no checksum.
        let text =
            try String(contentsOfFile: path, encoding: .utf8)
            .split(separator: "\n").drop { !$0.hasPrefix("key ") }.joined(separator: "\n") + "\n"
        let old = text.replacingOccurrences(
            of: "exchange=binance/kind=trade/instrument=",
            with: "venue=binance/kind=trade/symbol=")
        #expect(old != text)
        try Data(old.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.removeItem(atPath: run.state + "/layout")
        let outcome = try run.put(Sample.trades(1...12))
        #expect(outcome.status == 0, "\(outcome.errors)")
        let folder = "date=2024-01-01/hour=00"
        #expect(
            FileManager.default.fileExists(
                atPath: "\(run.data)/venue=binance/kind=trade/symbol=BTCUSDT/\(folder)/"
                    + "000000000001-000000000010.sbe"))
        #expect(run.keys.count == 1, "the other two: \(run.keys)")
    }

    @Test(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
    func `Avro is deflate unless something else is asked for, and other formats are zstd`() throws {
        let run = try S3PutRun()
        let cases: [(format: String, more: [String], suffix: String, start: String)] = [
            ("avro", [], ".avro", "deflate"),
            ("avro", ["--compression", "zstd"], ".avro", "zstandard"),
            ("avro", ["--compression", "none"], ".avro", "null"),
            ("ndjson", [], ".ndjson.zst", "\u{28}"), ("sbe", [], ".sbe.zst", "\u{28}"),
        ]
        for (index, row) in cases.enumerated() {
            let folder = run.place.path("case-\(index)")
            let outcome = try Program.run(
                "s3-put",
                ["--to", "file://\(folder)", "--format", row.format] + row.more,
                input: Sample.trades(1...2000))
            #expect(outcome.status == 0, "\(outcome.errors)")
            let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String }
            let key = try #require(names?.first { $0.hasSuffix(row.suffix) }, "\(row)")
            let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(key)"))
            let head = String(decoding: data.prefix(8000), as: UTF8.self)
            #expect(
                row.format == "avro" ? head.contains(row.start) : head.hasPrefix(row.start),
                "\(row)")
        }
    }
}
