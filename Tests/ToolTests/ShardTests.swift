import Foundation
import TestSupport
import Testing

/// `--shard` of the sources: which host has which symbols.
struct ShardTests {
    private static let symbols = (0..<12).map { "S\($0)USDT" }

    /// What another implementation of the rule says: the part of each symbol.
    private func reference(_ count: Int) throws -> [String: Int] {
        let python = try #require(Python.path)
        let script = packageRoot.appendingPathComponent("Tests/ToolTests/shard_reference.py").path
        let outcome = try Program.run(
            python, [script, "\(count)"], input: Array(Self.symbols.joined(separator: "\n").utf8))
        let pairs = outcome.text.split(separator: "\n").map { $0.split(separator: " ") }
        return Dictionary(uniqueKeysWithValues: pairs.map { (String($0[0]), Int($0[1]) ?? 0) })
    }

    private func simulator() throws -> Simulator {
        try Simulator(["--newest", "500", "--symbol", Self.symbols.joined(separator: ",")])
    }

    @Test(arguments: ["sbe-tap", "rest-pull"])
    func `each symbol is listed by the host that the rule says`(tool: String) throws {
        let simulator = try simulator()
        let wanted = try reference(5)
        for index in 1...5 {
            let listed = try Program.run(
                tool, ["--list", "--shard", "\(index)/5", "--base-url", simulator.url])
            #expect(listed.status == 0, "\(listed.errors)")
            let names = listed.text.split(separator: "\n").dropFirst()
                .compactMap { $0.split(separator: " ").first.map(String.init) }
            #expect(Set(names) == Set(wanted.filter { $0.value == index }.keys), "\(index)/5")
        }
    }

    @Test func `three hosts pull each trade once, and their setting may be a variable`() throws {
        let simulator = try simulator()
        let place = try TemporaryDirectory()
        let config = place.path("c.yaml")
        try "binance:\n  symbols: [\(Self.symbols.joined(separator: ", "))]\n"
            .write(toFile: config, atomically: true, encoding: .utf8)
        let common = ["trades", "--from", "1", "--to", "20", "--base-url", simulator.url]
        let whole = try Program.run("rest-pull", common + ["--config", config])
        #expect(whole.status == 0, "\(whole.errors)")
        var seen: [String: Int] = [:]
        for ordinal in 0...2 {
            let part = try Program.run(
                "rest-pull", common + ["--config", config],
                environment: ["BINANCE__SHARD": "ordinal:ingestor-\(ordinal)/3"])
            #expect(part.status == 0, "\(part.errors)")
            for line in try LiveRecords.lines(part.output) {
                seen["\(line.symbol) \(line.first)", default: 0] += 1
            }
        }
        let all = try LiveRecords.lines(whole.output)
        #expect(all.count == 240)
        #expect(seen.count == 240 && seen.values.allSatisfy { $0 == 1 })
    }

    @Test func `a host without a symbol pulls nothing, and a tap says that it has none`() throws {
        let simulator = try simulator()
        let of = try #require(try reference(8)["S0USDT"])
        let other = of % 8 + 1
        let pull = try Program.run(
            "rest-pull",
            [
                "trades", "--symbols", "S0USDT", "--shard", "\(other)/8", "--base-url",
                simulator.url,
            ])
        #expect(pull.status == 0 && pull.output.isEmpty, "\(pull.status)")
        #expect(pull.errors.contains("the one symbol is not in part \(other)/8"), "\(pull.errors)")
        let tap = try Program.run(
            "sbe-tap",
            ["--symbols", "S0USDT", "--shard", "\(other)/8", "--ws-url", simulator.streams])
        #expect(tap.status == 64)
        #expect(tap.errors.contains("the one symbol is not in part \(other)/8"), "\(tap.errors)")
    }

    @Test(arguments: [
        (["--shard", "0/8"], "parts are numbered 1 to 8"),
        (["--shard", "9/8"], "parts are numbered 1 to 8"),
        (["--shard", "1/0"], "among 1 to 4096 hosts, not 0"),
        (["--shard", "1/99999"], "among 1 to 4096 hosts, not 99999"),
        (["--shard", "2"], "such as 2/8"),
    ])
    func `what is not a part is wrong usage of either source`(words: [String], hint: String) throws
    {
        for command in [["sbe-tap"], ["rest-pull", "trades"]] {
            let outcome = try Program.run(command[0], Array(command.dropFirst()) + words)
            #expect(outcome.status == 64, "\(outcome.errors)")
            #expect(outcome.errors.contains(hint), "\(outcome.errors)")
        }
    }
}
