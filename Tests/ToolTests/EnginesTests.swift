import Foundation
import TestSupport
import Testing

/// What s3-put writes, opened by other people's engines with the lines of docs/query.md.
@Suite(.enabled(if: Python.path != nil, "there is no .venv; run make setup"), .serialized)
struct EnginesTests {
    private static let document = packageRoot.appendingPathComponent("docs/query.md").path

    /// Each format with each of its codecs, and the engines that cannot read it.
    private static let forms: [(format: String, compression: String, unread: Set<String>)] = [
        ("parquet", "zstd", []), ("parquet", "none", []),
        ("avro", "gzip", []), ("avro", "none", []), ("avro", "zstd", ["duckdb", "polars"]),
        ("ndjson", "zstd", []), ("ndjson", "gzip", []), ("ndjson", "none", []),
    ]

    /// Trades of two symbols over two hours, one aggregate a second; with everything also records of
    /// the other kinds.
    private static func records(of simulator: Simulator, everything: Bool) throws -> [UInt8] {
        var records: [UInt8] = []
        for symbol in ["BTCUSDT", "ETHUSDT"] {
            let pull = try Program.run(
                "rest-pull",
                [
                    "trades", "--base-url", simulator.url, "--symbol", symbol, "--from", "1",
                    "--to", "15000",
                ])
            #expect(pull.status == 0, "\(pull.errors)")
            records += pull.output
        }
        guard everything else { return records }
        for command in [
            ["aggTrades", "--from", "1", "--to", "500"],
            ["klines", "--interval", "1m,1h", "--from", "2024-01-01", "--to", "2024-01-01T02:00"],
        ] {
            let pull = try Program.run("rest-pull", command + ["--base-url", simulator.url])
            #expect(pull.status == 0, "\(pull.errors)")
            records += pull.output
        }
        let lines = """
            {"kind":"bestBidAsk","symbol":"BTCUSDT","bid_px":"1.5","bid_sz":"2","ask_px":"1.6","ask_sz":"3","source":"sbe","update_id":7,"price_exponent":-8,"qty_exponent":-8,"event_time_us":1704067200000000,"ingest_time_ns":"1704067200000000001","venue":1,"flags":0}
            {"kind":"depthDiff","symbol":"BTCUSDT","first_update_id":8,"last_update_id":9,"bids":[["1.5","2"],["1.4","0"]],"asks":[],"source":"sbe","price_exponent":-8,"qty_exponent":-8,"event_time_us":1704067200000000,"ingest_time_ns":"1704067200000000001","venue":1,"flags":0}
            {"kind":"depthSnapshot","symbol":"BTCUSDT","last_update_id":9,"bids":[["1.5","2"]],"asks":[["1.6","3"]],"source":"sbe","series":20,"price_exponent":-8,"qty_exponent":-8,"event_time_us":1704067200000000,"ingest_time_ns":"1704067200000000001","venue":1,"flags":0}
            {"kind":"gap","symbol":"BTCUSDT","first_id":10,"last_id":12,"missing_kind":"depthDiff","reason":"disconnected","source":"sbe","missing_template":5,"series":0,"price_exponent":0,"qty_exponent":0,"event_time_us":1704067200000000,"ingest_time_ns":"1704067200000000001","venue":1,"flags":0}
            {"kind":"raw","symbol":"BTCUSDT","arrival":1,"source":"sbe","message":"e30=","price_exponent":0,"qty_exponent":0,"event_time_us":1704067200000000,"ingest_time_ns":"1704067200000000001","venue":1,"flags":0}

            """
        let packed = try Program.run("recq", ["pack"], input: Array(lines.utf8))
        #expect(packed.status == 0, "\(packed.errors)")
        return records + packed.output
    }

    private static func store(
        _ records: [UInt8], in place: TemporaryDirectory, _ format: String,
        _ compression: String
    ) throws {
        let put = try Program.run(
            "s3-put",
            [
                "--to", "file://\(place.path("data/bronze"))", "--format", format,
                "--compression", compression,
            ], input: records)
        #expect(put.status == 0, "\(put.errors)")
    }

    @Test func `every engine gives the market's counts, sums, times and exact prices`() throws {
        let python = try #require(Python.path)
        let simulator = try Simulator([
            "--newest", "7600", "--spacing", "1000", "--symbol", "BTCUSDT,ETHUSDT",
        ])
        let everything = try Self.records(of: simulator, everything: true)
        var lines: [String] = []
        for (format, compression, unread) in Self.forms {
            let place = try TemporaryDirectory()
            try Self.store(everything, in: place, format, compression)
            let isFirst = format == "parquet" && compression == "zstd"
            let outcome = try Program.run(
                python,
                [
                    packageRoot.appendingPathComponent("Tests/ToolTests/engines.py").path,
                    Self.document, place.path, format, compression,
                ] + (isFirst ? ["--rows", "--s3"] : []))
            #expect(outcome.status == 0, "\(format) \(compression): \(outcome.errors)")
            for line in outcome.text.split(separator: "\n") {
                lines.append(String(line))
                let words = line.split(separator: " ")
                guard words.count > 3, words[0] != "rows" else { continue }
                let isRead = words[3] == "ok"
                #expect(isRead != unread.contains(String(words[0])), "\(line)")
            }
            if isFirst {
                #expect(
                    outcome.text.split(separator: "\n").filter { $0.hasPrefix("rows ") }.count == 8)
            }
        }
        print(lines.joined(separator: "\n"))
        #expect(lines.filter { $0.contains(" parquet zstd ok") }.count == 6)
        #expect(lines.filter { $0.contains(" parquet zstd+s3 ok") }.count == 4)
        try Self.expectTable(lines)
    }

    /// The table of docs/query.md says what was measured.
    private static func expectTable(_ lines: [String]) throws {
        let text = try String(contentsOfFile: document, encoding: .utf8)
        var measured: [String: [String: String]] = [:]
        for line in lines {
            let words = line.split(separator: " ").map(String.init)
            guard words.count > 3, words[0] != "rows" else { continue }
            measured[words[0], default: [:]]["\(words[1]) \(words[2])"] = words[3]
        }
        let columns = forms.map { "\($0.format) \($0.compression)" }
        let names = [
            "duckdb": "DuckDB", "polars": "Polars", "pandas": "pandas", "pyarrow": "pyarrow",
            "clickhouse": "ClickHouse", "datafusion": "DataFusion", "fastavro": "fastavro",
        ]
        for (engine, name) in names {
            let cells = columns.map { measured[engine]?[$0] ?? "–" }
            let row = "| \(name) | \(cells.joined(separator: " | ")) |"
            #expect(text.contains(row), "docs/query.md should have: \(row)")
        }
    }
}
