import Identity
import TestSupport
import Testing

struct SymbolShardTests {
    /// Vectors made by Tests/ToolTests/shard_reference.py, which is written from docs/scaling.md:
    /// hosts of different versions must agree for ever.
    @Test(arguments: [
        ("BTCUSDT", [1, 1, 1, 7, 7, 47, 1195]),
        ("ETHUSDT", [1, 2, 2, 2, 2, 32, 2721]),
        ("BNBBTC", [1, 2, 2, 7, 7, 40, 614]),
        ("币安人生USDT", [1, 1, 1, 4, 4, 61, 3107]),
        ("A", [1, 2, 2, 2, 2, 51, 2561]),
        ("1000SATSUSDT", [1, 1, 3, 3, 9, 46, 332]),
    ])
    func `a symbol is in the part that the rule says`(text: String, parts: [Int]) throws {
        let symbol = try #require(SymbolName(text))
        #expect(
            [1, 2, 3, 8, 9, 64, 4096].map { SymbolShard.part(of: symbol, count: $0) } == parts)
    }

    private static func symbols(_ count: Int) -> [SymbolName] {
        (0..<count).compactMap { SymbolName("S\($0)USDT") }
    }

    @Test(arguments: [1, 2, 3, 8, 100])
    func `each symbol is in exactly one part, and the parts are about equal`(count: Int) {
        let symbols = Self.symbols(3000)
        let shards = (1...count).compactMap { SymbolShard(index: $0, of: count) }
        let sizes = shards.map { shard in symbols.count { shard.contains($0) } }
        #expect(sizes.reduce(0, +) == 3000)
        for symbol in symbols.prefix(200) {
            #expect(shards.count { $0.contains(symbol) } == 1)
        }
        // Five standard deviations of a fair draw.
        let mean = 3000 / Double(count)
        #expect(sizes.allSatisfy { abs(Double($0) - mean) <= 5 * mean.squareRoot() }, "\(sizes)")
    }

    @Test(arguments: 1...20)
    func `a host more takes its part from the others, and moves nothing else`(count: Int) {
        let symbols = Self.symbols(2000)
        var moved = 0
        for symbol in symbols {
            let before = SymbolShard.part(of: symbol, count: count)
            let after = SymbolShard.part(of: symbol, count: count + 1)
            #expect(after == before || after == count + 1)
            if after != before { moved += 1 }
        }
        let mean = 2000 / Double(count + 1)
        #expect(abs(Double(moved) - mean) <= 5 * mean.squareRoot(), "\(moved) of 2000 moved")
    }

    @Test(arguments: [
        ("2/8", 2, 8), ("1/1", 1, 1), ("4096/4096", 4096, 4096), ("ordinal:0/8", 1, 8),
        ("ordinal:7/8", 8, 8), ("ordinal:ingestor-3/8", 4, 8), ("ordinal:tap-a/b-10/11", 11, 11),
        ("02/08", 2, 8),
    ])
    func `a part is read as it is typed`(text: String, index: Int, count: Int) throws {
        let shard = try SymbolShard(typed: text)
        #expect(shard == SymbolShard(index: index, of: count))
    }

    @Test(arguments: [
        ("0/8", "numbered 1 to 8"), ("9/8", "numbered 1 to 8"), ("1/0", "1 to 4096 hosts, not 0"),
        ("1/4097", "1 to 4096 hosts, not 4097"), ("1/999999999999999999999", "write I/N"),
        ("", "write I/N"), ("/", "write I/N"), ("3", "write I/N"), ("-1/8", "write I/N"),
        ("1/8/", "write I/N"), ("a/b", "write I/N"), ("1.5/8", "write I/N"), ("+1/8", "write I/N"),
        ("١/٨", "write I/N"), ("ordinal:8/8", "numbered 0 to 7"), ("ordinal:/8", "ordinal:O/N"),
        ("ordinal:tap/8", "ordinal:O/N"), ("ordinal:1", "write I/N"),
    ])
    func `what is not a part is refused with what is expected`(text: String, words: String) {
        #expect {
            try SymbolShard(typed: text)
        } throws: { error in "\(error)".contains(words) }
    }
}
