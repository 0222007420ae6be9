import Binance
import Identity
import Posix
import Records
import TestSupport
import Testing

/// The venue's JSON texts, and what comes of them.
struct JSONStreamTests {
    private static let trade =
        #"{"e":"trade","E":1785888000124356,"s":"BTCUSDT","t":5000000001,"p":"65432.10000000","q":"0.12345000","T":1785888000123456,"m":true,"M":true}"#
    private static let aggregate =
        #"{"e":"aggTrade","E":1785888000124400,"s":"BTCUSDT","a":4000000010,"p":"65432.10000000","q":"0.12345000","f":5000000001,"l":5000000003,"T":1785888000123456,"m":true,"M":true}"#
    private static let kline =
        #"{"e":"kline","E":1785888060012345,"s":"BTCUSDT","k":{"t":1785888000000000,"T":1785888059999999,"s":"BTCUSDT","i":"1m","f":5000000001,"L":5000000617,"o":"65432.10000000","c":"65455.00000000","h":"65500.00000000","l":"65400.00000000","v":"21.63272000","n":617,"x":true,"q":"1313200.00134041","V":"12.28492000","Q":"745719.41022840","B":"0"}}"#
    private static let quote =
        #"{"u":70000000123,"s":"BTCUSDT","b":"65432.10000000","B":"1.50000000","a":"65432.11000000","A":"0.00002000"}"#
    private static let diff =
        #"{"e":"depthUpdate","E":1785888000193456,"s":"BTCUSDT","U":70000000201,"u":70000000205,"b":[["65432.10000000","0.00000000"],["65432.09000000","0.30000000"]],"a":[]}"#
    private static let top =
        #"{"lastUpdateId":70000000200,"bids":[["65432.10000000","1.50000000"]],"asks":[["65432.11000000","0.00002000"]]}"#

    /// What a message gives: lines as `recq json` writes them.
    private static func records(
        _ messages: [String], rules: StreamMerge.Rules = StreamMerge.Rules()
    ) throws -> [String] {
        var merge = StreamMerge([], rules: rules)
        var output = MergeOutput()
        for message in messages {
            _ = try merge.take(
                json: Array(message.utf8).span.bytes, from: .init(), at: 1_785_888_001_000_000_000,
                into: &output)
        }
        return try lines(output.bytes)
    }

    private static func lines(_ bytes: borrowing Bytes) throws -> [String] {
        var lines: [String] = []
        var offset = 0
        while offset < bytes.count {
            let frame = try FrameView(firstIn: bytes.span(offset..<bytes.count))
            offset += frame.bytes.byteCount
            var line = Bytes()
            try frame.appendJSON(to: &line)
            lines.append(String(decoding: line.array, as: UTF8.self))
        }
        return lines
    }

    private static func wrapped(_ payload: String, _ name: String) -> String {
        #"{"stream":"\#(name)","data":\#(payload)}"#
    }

    @Test(arguments: [
        (trade, "btcusdt@trade", #""trade_id":5000000001"#),
        (aggregate, "btcusdt@aggTrade", #""agg_trade_id":4000000010"#),
        (kline, "btcusdt@kline_1m", #""open_time_us":1785888000000000"#),
        (quote, "btcusdt@bookTicker", #""update_id":70000000123"#),
        (diff, "btcusdt@depth@100ms", #""last_update_id":70000000205"#),
        (top, "btcusdt@depth20@100ms", #""last_update_id":70000000200"#),
    ])
    func `the venue's own examples become records, wrapped in either order of members`(
        payload: String, name: String, id: String
    ) throws {
        let found = try Self.records([Self.wrapped(payload, name)])
        #expect(found.count == 1)
        #expect(found.first?.contains(id) == true, "\(found)")
        #expect(found.first?.contains(#""source":"json""#) == true, "\(found)")
        #expect(found.first?.contains(#""symbol":"BTCUSDT""#) == true, "\(found)")
        let turned = #"{ "data" : \#(payload) , "stream" : "\#(name)" , "more":[1,{"a":null}] }"#
        #expect(try Self.records([turned]) == found)
        // Alone, a partial book does not say whose it is.
        if name != "btcusdt@depth20@100ms" { #expect(try Self.records([payload]) == found) }
    }

    @Test func `values are exact, and times of the venue are kept in microseconds`() throws {
        let trade = try #require(
            try Self.records([Self.wrapped(Self.trade, "btcusdt@trade")]).first)
        for part in [
            #""event_time_us":1785888000123456"#, #""price":65432.10000000,"qty":0.12345000"#,
            #""price_exponent":-8,"qty_exponent":-8"#, #""is_buyer_maker":true"#,
            #""is_best_match":true"#,
            #""flags":0"#,
        ] { #expect(trade.contains(part), "\(part) in \(trade)") }
        let kline = try #require(
            try Self.records([Self.wrapped(Self.kline, "btcusdt@kline_1m")]).first)
        for part in [
            #""is_closed":true"#, #""trade_count":617"#, #""interval":"1m""#,
            #""close_time_us":1785888059999999"#, #""quote_volume":1313200.00134041"#,
        ] { #expect(kline.contains(part), "\(part) in \(kline)") }
    }

    @Test func `what has no time of the venue says so`() throws {
        for (payload, name) in [
            (Self.quote, "btcusdt@bookTicker"), (Self.top, "btcusdt@depth20@100ms"),
        ] {
            let line = try #require(try Self.records([Self.wrapped(payload, name)]).first)
            #expect(line.contains(#""flags":2"#), "\(line)")
            #expect(line.contains(#""event_time_us":1785888001000000"#), "\(line)")
        }
    }

    @Test func `members may come in any order, and unknown ones are passed over`() throws {
        let usual = try Self.records([Self.wrapped(Self.trade, "btcusdt@trade")])
        let odd =
            #"{"M":true,"x9":{"p":[1,"2"]},"m":true,"b":88,"a":99,"T":1785888000123456,"q":"0.12345000","p":"65432.10000000","t":5000000001,"s":"\u0042TCUSDT","E":1785888000124356,"e":"trade","X":"MARKET"}"#
        #expect(try Self.records([Self.wrapped(odd, "btcusdt@trade")]) == usual)
    }

    @Test(arguments: [
        (trade.replacing("1785888000123456", with: "1785888000123"), StreamError.Reason.value),
        (trade.replacing(#""65432.10000000""#, with: #""123456789012345678901.5""#), .value),
        (trade.replacing(#","t":5000000001"#, with: ""), .value),
        (trade.replacing("5000000001", with: "-5"), .value),
        (trade.replacing("5000000001", with: "99999999999999999999"), .value),
        (trade.replacing("BTCUSDT", with: ""), .symbol),
        (trade.replacing("BTCUSDT", with: String(repeating: "A", count: 33)), .symbol),
        (trade + "more", .value),
        (String(trade.dropLast(20)), .truncated),
        (trade.replacing("true", with: "1"), .value),
    ])
    func `a message that is wrong is refused whole, with the reason`(
        payload: String, reason: StreamError.Reason
    ) throws {
        for text in [payload, #"{"stream":"btcusdt@trade","data":\#(payload)"#] {
            var merge = StreamMerge([])
            var output = MergeOutput()
            let isCut = text != payload
            let error = #expect(throws: StreamError.self) {
                _ = try merge.take(
                    json: Array((isCut && reason != .truncated ? text + "}" : text).utf8).span
                        .bytes,
                    from: .init(), at: 1, into: &output)
            }
            #expect(error?.reason == reason, "\(text): \(error?.description ?? "none")")
            #expect(output.bytes.count == 0)
        }
    }

    @Test(arguments: [
        #"{"result":null,"id":1}"#, #"{"error":{"code":2,"msg":"x"},"id":1}"#,
        #"{"e":"serverShutdown","E":1785888000123}"#, #"{"code":0,"msg":"x"}"#,
        #"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1785888000123}}"#, "{}",
    ])
    func `replies and announcements are not market data`(text: String) throws {
        var merge = StreamMerge([])
        var output = MergeOutput()
        let taken = try merge.take(
            json: Array(text.utf8).span.bytes, from: .init(), at: 1, into: &output)
        #expect(taken == nil)
    }

    @Test(arguments: [
        #"{"stream":"btcusdt@trade"}"#, #"{"stream":"btcusdt@trade","data":null}"#,
        #"{"data":"x","stream":"btcusdt@trade"}"#, #"{"stream":"btcusdt@trade","data":[]}"#,
        #"{"stream":"btcusdt@trade","dat":{}}"#,
    ])
    func `a message of a stream without its data is kept aside`(text: String) throws {
        let error = #expect(throws: StreamError.self) { _ = try Self.records([text]) }
        #expect(error?.reason == .value)
        #expect(error?.description.contains("btcusdt@trade has no data") == true)
    }

    @Test func `a stream that is not known here is kept aside by name`() throws {
        let error = #expect(throws: StreamError.self) {
            _ = try Self.records([Self.wrapped("{}", "btcusdt@avgPrice")])
        }
        #expect(error?.reason == .template)
        #expect(error?.description.contains("btcusdt@avgPrice") == true)
    }

    @Test func `holes are declared, copies dropped, and klines follow each other`() throws {
        func trade(_ id: Int) -> String {
            Self.wrapped(Self.trade.replacing("5000000001", with: "\(id)"), "btcusdt@trade")
        }
        let trades = try Self.records([trade(10), trade(11), trade(11), trade(15)])
        #expect(trades.count == 4)
        #expect(trades[2].contains(#""first_id":12,"last_id":14"#), "\(trades[2])")
        #expect(trades[2].contains(#""source":"json""#), "\(trades[2])")
        func kline(_ minute: Int64, isClosed: Bool = true) -> String {
            let open = 1_785_888_000_000_000 + minute * 60_000_000
            let text = Self.kline.replacing("1785888000000000", with: "\(open)")
                .replacing("1785888059999999", with: "\(open + 59_999_999)")
                .replacing("1785888060012345", with: "\(open + 60_012_345)")
            return Self.wrapped(
                isClosed ? text : text.replacing(#""x":true"#, with: #""x":false"#),
                "btcusdt@kline_1m")
        }
        let klines = try Self.records([
            kline(0), kline(1, isClosed: false), kline(1), kline(1), kline(4),
        ])
        #expect(klines.count == 4, "\(klines)")
        #expect(klines[2].contains(#""missing_kind":"kline""#))
        #expect(
            klines[2].contains(
                #""first_id":1785888120000000,"last_id":1785888239999999"#), "\(klines[2])")
        var rules = StreamMerge.Rules()
        rules.takesOpenKlines = true
        let open = try Self.records(
            [kline(0), kline(1, isClosed: false), kline(1, isClosed: false), kline(1)], rules: rules
        )
        #expect(open.count == 3)
        #expect(open[1].contains(#""is_closed":false"#))
    }

    @Test func `streams are named as each form has them, and times are asked for in microseconds`()
        throws
    {
        let symbol = try #require(SymbolName("BTCUSDT"))
        let kinds: [StreamKind] = [.trade, .bestBidAsk, .depth, .depth20]
        let sbe = StreamPlan(symbols: [symbol], kinds: kinds)
        #expect(
            sbe.url(base: "wss://host", group: 0)
                == "wss://host/stream?streams=btcusdt@trade/btcusdt@bestBidAsk/btcusdt@depth"
                + "/btcusdt@depth20")
        let json = StreamPlan(
            symbols: [symbol], kinds: kinds + [.aggTrade, .kline(.month1)], encoding: .json)
        #expect(
            json.url(base: "wss://host/ws", group: 0)
                == "wss://host/stream?streams=btcusdt@trade/btcusdt@bookTicker/btcusdt@depth@100ms"
                + "/btcusdt@depth20@100ms/btcusdt@aggTrade/btcusdt@kline_1M&timeUnit=MICROSECOND")
        for name in ["trade", "AGGTRADE", "bestbidask", "depth", "depth20", "kline_1m", "kline_1M"]
        {
            #expect(StreamKind(name) != nil, "\(name)")
        }
        for name in ["", "kline", "kline_7m", "depth5", "ticker"] {
            #expect(StreamKind(name) == nil, "\(name)")
        }
    }
}
