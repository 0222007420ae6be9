import TestSupport
import Testing

/// Options that are lists, given more than once: one list, whatever the program.
struct RepeatedOptionTests {
    @Test(arguments: [
        (["--symbol", "BTCUSDT", "--symbols=ethusdt"], ["BTCUSDT", "ETHUSDT"]),
        (
            ["--symbol", "BTCUSDT,SOLUSDT", "--symbol", "ETHUSDT"],
            ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
        ),
    ])
    func `every symbol of a repeated option is pulled`(options: [String], symbols: [String]) throws
    {
        let venue = try Simulator(["--newest", "100", "--symbols", "BTCUSDT,ETHUSDT,SOLUSDT"])
        let pull = try Program.run(
            "rest-pull", ["aggTrades", "--limit", "2", "--base-url", venue.url] + options)
        #expect(pull.status == 0, "\(pull.errors)")
        let count = try Program.run("recq", ["count"], input: pull.output)
        for symbol in symbols {
            #expect(count.text.contains("2  \(symbol) aggTrade"), "\(count.text)")
        }
        #expect(count.text.contains("\(2 * symbols.count)  total"), "\(count.text)")
    }

    @Test(arguments: [
        ("rest-pull", ["klines", "--interval", "1m", "--interval", "1h"], "1m,1h"),
        ("sbe-tap", ["--streams", "trade", "--streams=depth"], "trade,depth"),
        ("healthd", ["--expect", "dedup", "--expect", "s3-put"], "dedup,s3-put"),
    ])
    func `explain-config shows the whole list`(
        program: String, arguments: [String], shown: String
    ) throws {
        let outcome = try Program.run(program, arguments + ["--explain-config"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.text.contains(shown), "\(outcome.text)")
    }

    @Test func `recq and ledgerctl take kinds and symbols again, in the words that others use`()
        throws
    {
        let bucket = try TemporaryDirectory()
        let venue = try Simulator(["--newest", "40", "--symbols", "BTCUSDT,ETHUSDT"])
        for data in ["aggTrades", "trades"] {
            let pull = try Program.run(
                "rest-pull",
                [data, "--limit", "10", "--symbols", "BTCUSDT,ETHUSDT", "--base-url", venue.url])
            let put = try Program.run(
                "s3-put", ["--to", "file://" + bucket.path], input: pull.output)
            #expect(put.status == 0, "\(put.errors)")
        }
        for (more, count) in [
            (["--kind", "trades", "--kind", "aggTrade"], 40),
            (["--kind", "trade", "--symbol", "btcusdt", "--symbol", "ethusdt"], 20),
            (["--kind", "aggtrades", "--symbol", "ethusdt"], 10),
        ] {
            let cat = try Program.run("recq", ["cat", bucket.path] + more)
            let counted = try Program.run("recq", ["count"], input: cat.output)
            #expect(counted.text.contains("\(count)  total"), "\(more): \(counted.text)")
            let proof = try Program.run("ledgerctl", ["verify", bucket.path] + more)
            #expect(proof.status == 0, "\(proof.errors)")
            let lines = proof.text.split(separator: "\n").count
            #expect(lines == count / 10, "\(more): \(proof.text)")
        }
    }
}
