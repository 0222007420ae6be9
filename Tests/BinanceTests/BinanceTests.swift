import Foundation
import Identity
import Records
import TestSupport
import Testing

@testable import Binance

/// Pure parts of the venue's REST API: budget, errors, limits, replies.
struct BinanceTests {
    @Test func `the budget lets through what a window holds, and tells how long to wait`() {
        var budget = WeightBudget(limit: 100, window: 60_000)
        let start: Int64 = 1_704_067_200_000
        #expect(budget.take(60, at: start + 1000) == 0)
        #expect(budget.take(40, at: start + 1000) == 0)
        #expect(budget.take(1, at: start + 2000) == 58_000)
        budget.settle(60, reported: 60, at: start + 2500)
        #expect(budget.take(1, at: start + 3000) == 57_000)
        #expect(budget.take(60, at: start + 60_000) == 0)
    }

    @Test
    func `a budget that is spread has room at any time of the window, and gives out all of it`() {
        let start: Int64 = 1_704_067_200_000
        var budget = WeightBudget(limit: 1000, window: 60_000, isSpread: true)
        var (time, sent, longest) = (start, 0, Int64(0))
        var atSecond: [Int] = []
        while time < start + 60_000 {
            let wait = budget.take(4, at: time)
            if wait == 0 {
                budget.settle(4, reported: nil, at: time)
                sent += 4
            }
            longest = max(longest, sent == 1000 ? 0 : wait)
            time += max(wait, wait == 0 ? 0 : 1)
            while Int64(atSecond.count) < min(60, (time - start) / 1000) { atSecond.append(sent) }
        }
        #expect(sent == 1000)
        #expect(longest <= 300, "one request waited \(longest) ms")
        #expect((240...300).contains(atSecond[0]), "\(atSecond[0]) in the first second")
        #expect((600...700).contains(atSecond[29]), "\(atSecond[29]) in half of the window")
        // A heavy one waits for its share, and for the next window only when this one has no room.
        #expect(budget.take(300, at: start + 60_000) == 0)
        #expect((3000...4000).contains(budget.take(2, at: start + 60_000)))
        #expect(budget.take(701, at: start + 60_000) == 60_000)
    }

    @Test func `the budget believes the venue when others use the same address`() {
        var budget = WeightBudget(limit: 100)
        #expect(budget.take(4, at: 60_000) == 0)
        budget.settle(4, reported: 97, at: 60_100)
        #expect(budget.take(4, at: 60_200) == 59_800)
    }

    @Test func `a request over the whole limit goes first in a fresh window`() {
        var budget = WeightBudget(limit: 10)
        #expect(budget.take(250, at: 60_000) == 0)
        budget.settle(250, reported: nil, at: 60_100)
        #expect(budget.take(1, at: 60_200) > 0)
        #expect(budget.take(250, at: 120_000) == 0)
    }

    @Test(arguments: [
        (#"{"code":-1121,"msg":"Invalid symbol."}"#, -1121, VenueError.Remedy.none),
        (#"{"msg":"Too much","code":-1003,"more":[]}"#, -1003, .retry),
        (#"{"code":-2015,"msg":"Invalid API-key"}"#, -2015, .key),
        (#"{"code":-1153,"msg":""}"#, -1153, .json),
    ])
    func `errors in JSON are known by their code`(
        body: String, code: Int, remedy: VenueError.Remedy
    ) throws {
        let error = try #require(Self.error(in: body))
        #expect(error.code == code)
        #expect(error.remedy == remedy)
    }

    @Test(arguments: ["<html></html>", "", "{", "[]", #"{"code":"x"}"#, #"{"msg":"no code"}"#])
    func `what is no error of the venue is not taken for one`(body: String) {
        #expect(Self.error(in: body) == nil)
    }

    @Test func `limits and symbols are read from exchangeInfo, whatever else is in it`() throws {
        let body = """
            {"timezone":"UTC","serverTime":1704067200123,"rateLimits":[
            {"rateLimitType":"RAW_REQUESTS","interval":"MINUTE","intervalNum":5,"limit":300000},
            {"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":6000,"x":{}}],
            "symbols":[{"symbol":"BTCUSDT","status":"TRADING","filters":[{"a":1}]},
            {"symbol":"OLDUSDT","status":"BREAK"}]}
            """
        let info = try ExchangeInfo(json: Array(body.utf8).span.bytes)
        #expect(info.weightLimit == 6000 && info.weightWindow == 60_000)
        #expect(info.serverTime == 1_704_067_200_123_000)
        #expect(
            info.symbols.map { [$0.symbol, $0.status] } == [
                ["BTCUSDT", "TRADING"], ["OLDUSDT", "BREAK"],
            ])
    }

    private static func subject() throws -> PageSubject {
        PageSubject(
            symbol: try #require(SymbolName("BTCUSDT")), interval: .minute1, ingestTime: 1)
    }

    private static func error(in body: String) -> VenueError? {
        VenueError(body: Array(body.utf8).span.bytes)
    }

    private static func json(_ body: String, _ endpoint: Endpoint) throws -> [Int64] {
        try Page.read(
            Array(body.utf8).span.bytes, isSBE: false, of: endpoint, about: subject()
        ).ids
    }

    @Test(arguments: [
        (Endpoint.aggTrades, #"[{"a":1,"p":"1.0","q":"2","f":1,"l":1,"T":5,"m":true}]"#),
        (
            .aggTrades,
            #"[{"M":false,"m":false,"T":5,"l":-1,"f":-1,"q":"0","p":"0","a":1,"n":{"x":[]}}]"#
        ),
        (
            .trades,
            #"[{"id":1,"price":"4.00000100","qty":"12","quoteQty":"48.000012","time":1499865549590,"isBuyerMaker":true,"isBestMatch":true}]"#
        ),
        (.klines, #"[[1,"1.1","1.2","1.0","1.1","5",59999,"5.5",3,"2","2.2","0"]]"#),
        (.klines, #"[[1,"1.1","1.2","1.0","1.1","5",59999,"5.5",3,"2","2.2"]]"#),
    ])
    func `rows are read in any order of members, with more of them than documented`(
        endpoint: Endpoint, body: String
    ) throws {
        #expect(try Self.json(body, endpoint).count == 1)
    }

    @Test(arguments: [
        (Endpoint.aggTrades, "", "byte 0"), (.aggTrades, "{}", "expected"),
        (.aggTrades, "[", "byte 1"),
        (.aggTrades, "[{}]", "without a, p, q"), (.aggTrades, "[] x", "after the end"),
        (.aggTrades, #"[{"a":1,"p":"x","q":"2","f":1,"l":1,"T":5,"m":true}]"#, "decimal"),
        (.aggTrades, #"[{"a":1,"p":"1e30","q":"2","f":1,"l":1,"T":5,"m":1}]"#, "true or false"),
        (
            .aggTrades,
            #"[{"a":2,"p":"1","q":"2","f":1,"l":1,"T":5,"m":true},{"a":2,"p":"1","q":"2","f":1,"l":1,"T":5,"m":true}]"#,
            "row 2 has id 2 after id 2"
        ),
        (.klines, #"[[1,"1.1"]]"#, "expected"), (.depth, "{}", "without lastUpdateId"),
        (.depth, #"{"lastUpdateId":1,"bids":[["1"]],"asks":[]}"#, "expected"),
    ])
    func `replies that are not what is documented are refused with the row`(
        endpoint: Endpoint, body: String, words: String
    ) {
        let error = #expect(throws: PageError.self) { try Self.json(body, endpoint) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }

    @Test func `random bytes are no reply, in either form`() {
        var random = SeededRandom(4)
        for _ in 0..<3000 {
            let bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                UInt8(truncatingIfNeeded: random.next())
            }
            for endpoint in [Endpoint.aggTrades, .trades, .klines, .depth] {
                for isSBE in [false, true] {
                    #expect(throws: PageError.self) {
                        _ = try Page.read(
                            bytes.span.bytes, isSBE: isSBE, of: endpoint, about: Self.subject())
                    }
                }
            }
        }
    }

    @Test func `URLs are encoded, and weights are the documented ones`() {
        #expect(
            Endpoint.aggTrades.url(base: "http://h/", ["symbol": "币USDT", "limit": "5"])
                == "http://h/api/v3/aggTrades?symbol=%E5%B8%81USDT&limit=5")
        let weights = [(1, 5), (100, 5), (101, 25), (500, 25), (501, 50), (1000, 50), (1001, 250)]
        for (rows, weight) in weights { #expect(Endpoint.depth.weight(rows: rows) == weight) }
        #expect(Endpoint.klines.weight(rows: 1000) == 2)
    }
}
