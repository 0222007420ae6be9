import AWS
import Identity
import Posix
import Stage
import Testing

@testable import kinesis_put

/// Which stream takes which kind, as `--streams` says it.
struct StreamNamesTests {
    private static func names(_ words: [String]) throws -> [String] {
        try StreamNames(standard: [:], words).byTemplate.map(\.description)
    }

    @Test(arguments: [
        ["*=all", "trade=t", "other=o"], ["trade=t", "other=o", "*=all"],
        ["other=o", "*=all", "trades=t"], ["trade=t", "trade=t", "*=all", "other=o"],
    ])
    func `a star is every kind that no other word names, wherever it is`(words: [String]) throws {
        let names = try Self.names(words)
        for kind in RecordKind.allCases {
            #expect(
                names[Int(kind.rawValue)] == (kind == .trade ? "t" : "all"), "\(words): \(kind)")
        }
        #expect(names[0] == "o")
    }

    @Test(arguments: [["trade=a", "trade=b"], ["*=a", "*=b"], ["trade=a", "trades=b"]])
    func `two streams for one kind are an error, not the last one`(words: [String]) throws {
        let error = try #require(throws: StageFailure.self) { try Self.names(words) }
        #expect(error.exitStatus == .usage && "\(error)".contains("two streams"), "\(error)")
    }

    @Test(arguments: [
        ("market-sbe-trade", "market-sbe-gap", "market-sbe-other"),
        ("dev-market-sbe-trade", "dev-market-sbe-gap", "dev-market-sbe-other"),
        ("bitcoin-market-trade-stream", "bitcoin-market-gap-stream", "bitcoin-market-other-stream"),
        ("trade-desk-trade", "trade-desk-gap", "trade-desk-other"),
        (
            "arn:aws:kinesis:eu-west-1:123456789012:stream/x-trade",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/x-gap",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/x-other"
        ),
        ("all", "market-sbe-gap", "market-sbe-other"),
    ])
    func `kinds that nobody names go where the trades' name says`(
        trades: String, gaps: String, others: String
    ) throws {
        let names = try StreamNames(
            standard: [.trade: trades, .bestBidAsk: "quotes"], ["kline=k"]
        ).byTemplate.map(\.description)
        #expect(names[Int(RecordKind.trade.rawValue)] == trades)
        #expect(names[Int(RecordKind.bestBidAsk.rawValue)] == "quotes")
        #expect(names[Int(RecordKind.kline.rawValue)] == "k")
        #expect(names[Int(RecordKind.gap.rawValue)] == gaps && names[0] == others)
    }
}
