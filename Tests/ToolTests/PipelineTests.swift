import Foundation
import TestSupport
import Testing

/// rest-pull, dedup, s3-put, recq and ledgerctl as built, against the simulated exchange.
@Suite(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
struct PipelineTests {
    @Test(arguments: ["sbe", "json"])
    func `a pull yields each id of the range once, as the market has it`(encoding: String) throws {
        let simulator = try Simulator(["--newest", "5000", "--invalid-aggregates", "50"])
        for dataset in ["aggTrades", "trades", "klines"] {
            let range = dataset == "klines" ? [] : ["--from", "1", "--to", "2500"]
            let pull = try Program.run(
                "rest-pull",
                [dataset, "--base-url", simulator.url, "--encoding", encoding] + range
                    + (dataset == "klines"
                        ? ["--from", "2024-01-01", "--to", "2024-01-01T00:08"] : []))
            #expect(pull.status == 0, "\(pull.errors)")
            try expectMarket(pull.output, dataset: dataset, count: dataset == "klines" ? 8 : 2500)
        }
    }

    @Test func `SBE and JSON replies give the same records`() throws {
        let simulator = try Simulator(["--newest", "3000", "--invalid-aggregates", "7"])
        for dataset in ["aggTrades", "trades", "klines"] {
            var texts: [String] = []
            for encoding in ["sbe", "json"] {
                let outcomes = try Program.pipeline([
                    [
                        "rest-pull", dataset, "--base-url", simulator.url, "--encoding", encoding,
                        "--from", dataset == "klines" ? "2024-01-01" : "1", "--to",
                        dataset == "klines" ? "2024-01-01T00:04" : "1500",
                    ],
                    ["recq", "json"], ["jq", "-c", "del(.ingest_ts, .ingest_time_ns)"],
                ])
                #expect(outcomes.map(\.status) == [0, 0, 0])
                texts.append(outcomes[2].text)
            }
            // A voided aggregate is a bare zero in JSON and has eight decimals in SBE.
            let plain = texts.map {
                $0.replacingOccurrences(
                    of: #""(price|qty)":0(\.0+)?,"#, with: "", options: .regularExpression
                )
                .replacingOccurrences(
                    of: #""(price|qty)_exponent":-?\d+,"#, with: "", options: .regularExpression)
            }
            #expect(plain[0] == plain[1])
            #expect(!plain[0].isEmpty)
        }
    }

    @Test func `what was backfilled is in the objects, and a second run adds nothing`() throws {
        let simulator = try Simulator(["--newest", "8000"])
        let place = try TemporaryDirectory()
        let data = place.path("bronze")
        let commands = [
            [
                "rest-pull", "aggTrades", "--base-url", simulator.url, "--from", "1", "--to",
                "8000",
            ], ["dedup"], ["s3-put", "--to", "file://\(data)"],
        ]
        for expected in ["8000 records in 1 object", "0 records in 0 objects"] {
            let outcomes = try Program.pipeline(commands)
            #expect(outcomes.map(\.status) == [0, 0, 0], "\(outcomes.map(\.errors))")
            #expect(outcomes[2].errors.contains(expected), "\(outcomes[2].errors)")
        }
        let verify = try Program.run(
            "ledgerctl",
            ["verify", "\(data)/.s3-put", "--kind", "aggTrade", "--from", "1", "--to", "8000"])
        #expect(verify.status == 0, "\(verify.text)")
        let beyond = try Program.run(
            "ledgerctl", ["verify", "\(data)/.s3-put", "--from", "1", "--to", "8001"])
        #expect(beyond.status == 1)
        #expect(beyond.text.contains("missing  8001 to 8001"))
    }

    @Test func `objects are cut by hour and lie in Hive partitions`() throws {
        let simulator = try Simulator(["--newest", "200", "--spacing", "60000"])
        let place = try TemporaryDirectory()
        let outcomes = try Program.pipeline([
            ["rest-pull", "aggTrades", "--base-url", simulator.url, "--from", "1", "--to", "150"],
            [
                "s3-put", "--to", "file://\(place.path)", "--format", "ndjson", "--compression",
                "none",
            ],
        ])
        #expect(outcomes.map(\.status) == [0, 0], "\(outcomes.map(\.errors))")
        let base = "exchange=binance/kind=aggTrade/instrument=BTCUSDT/date=2024-01-01"
        for (hour, ids) in [
            ("00", "000000000001-000000000060"), ("01", "000000000061-000000000120"),
            ("02", "000000000121-000000000150"),
        ] {
            let path = "\(place.path)/\(base)/hour=\(hour)/\(ids).ndjson"
            #expect(FileManager.default.fileExists(atPath: path), "\(path)")
        }
    }

    @Test(arguments: [
        ("parquet", "zstd"), ("parquet", "none"),
        ("avro", "zstd"), ("avro", "gzip"), ("avro", "none"), ("ndjson", "zstd"),
        ("ndjson", "gzip"),
        ("sbe", "zstd"), ("sbe", "none"),
    ])
    func `every form of object is read back by strangers`(format: String, compression: String)
        throws
    {
        let python = try #require(Python.path)
        let simulator = try Simulator(["--newest", "20000", "--invalid-aggregates", "999"])
        let place = try TemporaryDirectory()
        let outcomes = try Program.pipeline([
            [
                "rest-pull", "aggTrades", "--base-url", simulator.url, "--from", "1", "--to",
                "20000",
            ],
            [
                "s3-put", "--to", "file://\(place.path)", "--format", format, "--compression",
                compression,
            ],
        ])
        #expect(outcomes.map(\.status) == [0, 0], "\(outcomes.map(\.errors))")
        let check = try Program.run(
            python, [script("read_objects.py"), place.path, format, "20000"])
        #expect(check.status == 0, "\(check.text)\(check.errors)")
    }

    @Test func `records go through jq and back, to the same bytes`() throws {
        let simulator = try Simulator(["--newest", "3000"])
        for dataset in ["aggTrades", "trades", "klines", "depth"] {
            let range =
                dataset == "depth"
                ? []
                : dataset == "klines"
                    ? ["--from", "2024-01-01", "--to", "2024-01-01T00:04"]
                    : ["--from", "1", "--to", "1000"]
            let pull = try Program.run(
                "rest-pull", [dataset, "--base-url", simulator.url] + range)
            #expect(pull.status == 0, "\(pull.errors)")
            let outcomes = try Program.pipeline(
                [["recq", "json"], ["jq", "-c", "."], ["recq", "pack"]], input: pull.output)
            #expect(outcomes.map(\.status) == [0, 0, 0], "\(outcomes.map(\.errors))")
            #expect(outcomes[2].output == pull.output)
        }
    }

    @Test func `a filter between the stages keeps what it selects`() throws {
        let simulator = try Simulator(["--newest", "3000"])
        let outcomes = try Program.pipeline([
            ["rest-pull", "trades", "--base-url", simulator.url, "--from", "1", "--to", "2000"],
            ["recq", "json"], ["jq", "-c", "select(.qty > 0.5)"], ["recq", "pack"],
            ["recq", "json"], ["jq", "-s", "[length > 100, (map(.qty) | min > 0.5)] | all"],
        ])
        #expect(outcomes.map(\.status) == [0, 0, 0, 0, 0, 0])
        #expect(outcomes[5].text == "true\n")
    }

    @Test func `stages that are killed lose and double nothing`() throws {
        let python = try #require(Python.path)
        let outcome = try Program.run(
            python,
            [
                script("chaos.py"), "--tools", Program.directory.path, "--kills", "10", "--ids",
                "20000", "--seed", "11", "--longest", "0.7",
            ])
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
    }

    @Test
    func `what stages had read is stored though they are killed and their source never repeats`()
        throws
    {
        let python = try #require(Python.path)
        let outcome = try Program.run(
            python,
            [
                script("once.py"), "--tools", Program.directory.path, "--kills", "10", "--ids",
                "20000", "--seed", "3",
            ])
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
    }
}

/// A Python script of this folder.
func script(_ name: String) -> String {
    packageRoot.appendingPathComponent("Tests/ToolTests/\(name)").path
}

/// Compares records with what market.py works out.
func expectMarket(_ records: [UInt8], dataset: String, count: Int) throws {
    let python = try #require(Python.path, "there is no .venv; run make setup")
    let json = try Program.run("recq", ["json"], input: records)
    #expect(json.status == 0, "\(json.errors)")
    let check = try Program.run(
        python, [script("check_records.py"), dataset, "\(count)"], input: json.output)
    #expect(check.status == 0, "\(check.text)\(check.errors)")
}
