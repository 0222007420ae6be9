import Foundation
import TestSupport
import Testing

/// `recq where`, and the ways to write what it passes on.
struct RecqWhereTests {
    /// Trades 1 to 9 of two symbols, a minute apart, and one record of each of some other kinds.
    static func records() throws -> [UInt8] {
        let common =
            "\"source\":\"rest\",\"price_exponent\":-8,\"qty_exponent\":-8,\"venue\":1,\"flags\":0,"
            + "\"ingest_time_ns\":\"1704067200000000001\""
        var lines = ""
        for id in 1...9 {
            let time = 1_704_067_200_000_000 + id * 60_000_000
            lines +=
                "{\"kind\":\"trade\",\"symbol\":\"\(id % 2 == 0 ? "ETHUSDT" : "BTCUSDT")\",\(common),"
                + "\"event_time_us\":\(time),\"trade_id\":\(id),\"price\":4200\(id).5,"
                + "\"qty\":0.\(id),\"is_buyer_maker\":\(id > 5),"
                + "\"is_best_match\":\(id == 9 ? "null" : "true")}\n"
        }
        lines +=
            "{\"kind\":\"kline\",\"symbol\":\"BTCUSDT\",\(common),\"event_time_us\":1704067800000000,"
            + "\"interval\":\"1h\",\"open_time_us\":1704067200000000,"
            + "\"close_time_us\":1704070799999999,\"open_price\":1,\"high_price\":2,\"low_price\":0.5,"
            + "\"close_price\":1.5,\"volume\":120000000000000000000.5,\"quote_volume\":2,"
            + "\"taker_buy_base_volume\":1,\"taker_buy_quote_volume\":2,\"trade_count\":10,"
            + "\"is_closed\":false}\n"
        lines +=
            "{\"kind\":\"gap\",\"symbol\":\"BTCUSDT\",\(common),\"event_time_us\":1704067900000000,"
            + "\"first_id\":10,\"last_id\":19,\"missing_template\":1,\"series\":0,"
            + "\"reason\":\"absent\"}\n"
        lines +=
            "{\"kind\":\"bestBidAsk\",\"symbol\":\"1000SATSUSDT\",\(common),"
            + "\"event_time_us\":1704067950000000,\"update_id\":100,\"bid_px\":0.00000001,"
            + "\"bid_sz\":92233720368.54775807,\"ask_px\":0.00000002,\"ask_sz\":3}\n"
        return try RecqTests.frames(lines)
    }

    /// Which ids an expression passes: trades 1 to 9, the kline its open time, the gap 10, the quote 100.
    static func ids(_ expression: String, options: [String] = []) throws -> [String] {
        let outcome = try Program.run("recq", ["where"] + options + [expression], input: records())
        try #require(outcome.status == 0, "\(expression): \(outcome.errors)")
        let printed = try Program.run(
            "recq", ["print", "-f", "%k%i "], input: outcome.output)
        return printed.text.split(separator: " ").map {
            $0.replacingOccurrences(of: "trade", with: "")
        }
    }

    @Test(arguments: [
        ("qty > 0.5", "6 7 8 9"), ("qty >= 0.5", "5 6 7 8 9"), ("qty < 0.2", "1"),
        ("qty = 0.3", "3"), ("qty == 0.30000", "3"), ("qty != 0.3", "1 2 4 5 6 7 8 9"),
        // Between two digits that the exponent has: not rounded.
        ("qty > 0.2999999999999", "3 4 5 6 7 8 9"), ("qty <= 0.2999999999999", "1 2"),
        ("qty == 0.2999999999999", ""), ("price > 42005.4999999999", "5 6 7 8 9"),
        ("price > 1e30", ""), ("price < 1e30", "1 2 3 4 5 6 7 8 9"),
        ("price > -1e30", "1 2 3 4 5 6 7 8 9"),
        ("qty in (0.1, 0.25, 9e-1)", "1 9"), ("not qty in (0.1, 0.9)", "2 3 4 5 6 7 8"),
        ("qty not in (0.1, 0.9)", "2 3 4 5 6 7 8"),
        ("quote_qty > 29400 and quote_qty < 34000", "7 8"),
        ("kind == trade and id <= 2", "1 2"), ("trade_id == 4", "4"),
        ("kind == kline", "kline1704067200000000"),
        ("kind in (gap, bestBidAsk)", "gap10 bestBidAsk100"),
        ("kind != trade and kind != kline", "gap10 bestBidAsk100"),
        ("symbol == ETHUSDT", "2 4 6 8"), ("symbol == 'ETHUSDT'", "2 4 6 8"),
        ("symbol in (ETHUSDT, 1000SATSUSDT)", "2 4 6 8 bestBidAsk100"),
        ("symbol ~ 'ETH*'", "2 4 6 8"),
        ("symbol ~ '1?00*DT'", "bestBidAsk100"), ("symbol == 1000SATSUSDT", "bestBidAsk100"),
        ("side == sell", "6 7 8 9"), ("is_buyer_maker", "6 7 8 9"),
        ("not is_buyer_maker", "1 2 3 4 5"),
        ("!is_buyer_maker && id > 3", "4 5"), ("is_buyer_maker == false", "1 2 3 4 5"),
        ("is_best_match == true and id > 7", "8"), ("is_best_match", "1 2 3 4 5 6 7 8"),
        ("time >= 2024-01-01T00:05 and time < 2024-01-01T00:07:00", "5 6"),
        ("time > 2024-01-01T00:08:59.999999 and kind == trade", "9"), ("time < 2024-01-01", ""),
        ("interval == 1h", "kline1704067200000000"), ("interval > 5m", "kline1704067200000000"),
        ("interval < 1h", ""), ("volume > 120000000000000000000.4", "kline1704067200000000"),
        ("volume == 120000000000000000000.5", "kline1704067200000000"),
        ("not is_closed", "kline1704067200000000"),
        ("reason == absent and missing_kind == trade", "gap10"),
        ("bid_sz == 92233720368.54775807", "bestBidAsk100"),
        ("bid_sz > 92233720368.54775807", ""), ("bid_px <= 0.00000001", "bestBidAsk100"),
        ("source == rest and flags == 0 and venue == 1 and id == 1", "1"),
        ("(id == 1 or id == 2) and symbol == BTCUSDT or id == 9", "1 9"), ("id==1||id==2", "1 2"),
        ("not (qty > 0.3)", "1 2 3"),
        // A kline has no qty, and its id is not below 100: that is enough to be false.
        ("not (qty > 0.3 and id < 100)", "1 2 3 kline1704067200000000 bestBidAsk100"),
        (
            "ID > 3 or id > 8".replacingOccurrences(of: "ID", with: "id"),
            "4 5 6 7 8 9 kline1704067200000000 gap10 bestBidAsk100"
        ),
    ])
    func `an expression passes what it says, exactly`(expression: String, ids: String) throws {
        let found = try Self.ids(expression).joined(separator: " ")
        #expect(found == ids, "\(expression)")
    }

    @Test(arguments: [
        ("qtty > 1", 1, "did you mean qty"), ("qty > 1 and prise < 2", 13, "did you mean price"),
        ("kind == trde", 9, "did you mean trade"),
        ("kind == unicorn", 9, "there are trade, aggTrade"),
        ("interval == 2q", 13, "not a valid interval"),
        ("price > BTC", 9, "compared with a number"),
        ("price > 1.2.3", 9, "compared with a number"), ("time > 5", 8, "2024-01-31"),
        ("time > someday", 8, "2024-01-31"),
        ("qty", 4, "is not true or false"), ("qty >", 6, "expected a value"),
        ("qty > 1 qty < 2", 9, "expected and, or"),
        ("(qty > 1", 9, "expected )"), ("qty > 1)", 8, "expected and, or"), ("", 1, "is empty"),
        ("and qty > 1", 1, "expected a field"),
        ("symbol > BTC", 8, "compared with =="), ("kind > trade", 6, "compared with =="),
        ("qty ~ '1*'", 5, "for symbols"),
        ("symbol == 'BTC", 11, "closing '"), ("qty & 1", 5, "use and"),
        ("qty > 1 # x", 9, "is not part"),
        ("is_closed == maybe", 14, "true or false"), ("qty in 1", 8, "expected ( and a list"),
        ("qty in (1", 10, "expected , or )"),
        ("symbol == 123456789012345678901234567890123", 11, "1 to 32 bytes"),
        ("not", 4, "expected a field"),
    ])
    func `an expression that is not understood points at the column`(
        expression: String, column: Int, words: String
    ) throws {
        let outcome = try Program.run("recq", ["where", expression], input: [])
        #expect(outcome.status == 64, "\(expression)")
        #expect(outcome.errors.contains("column \(column): "), "\(outcome.errors)")
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
        let lines = outcome.errors.split(separator: "\n", omittingEmptySubsequences: false)
        let mark = String(repeating: " ", count: 2 + column - 1) + "^"
        #expect(lines.contains { $0 == mark }, "\(outcome.errors)")
    }

    @Test func `deep nesting is refused, not a crash`() throws {
        let deep =
            String(repeating: "(", count: 10_000) + "qty > 1"
            + String(repeating: ")", count: 10_000)
        let outcome = try Program.run("recq", ["where", deep], input: [])
        #expect(
            outcome.status == 64 && outcome.errors.contains("nested too deep"),
            "\(outcome.status) \(outcome.errors)")
    }

    @Test func `invert passes what the expression does not`() throws {
        #expect(try Self.ids("kind == trade", options: ["--invert"]).count == 3)
    }

    // MARK: - What is written

    @Test func `a table has the exact values, and one kind`() throws {
        let trades = try Program.pipeline(
            [["recq", "where", "kind == trade and id <= 2"], ["recq", "csv"]],
            input: Self.records())
        #expect(
            trades[1].text == """
                time,symbol,id,price,qty,side,source
                2024-01-01T00:01:00.000000Z,BTCUSDT,1,42001.5,0.1,buy,rest
                2024-01-01T00:02:00.000000Z,ETHUSDT,2,42002.5,0.2,buy,rest

                """, "\(trades[1].text)")
        let mixed = try Program.run("recq", ["csv"], input: Self.records())
        #expect(mixed.status == 65)
        #expect(mixed.errors.contains("recq where 'kind == trade'"), "\(mixed.errors)")
        let columns = try Program.run(
            "recq",
            ["csv", "--columns", "kind,volume,bid_sz", "--separator", "tab", "--no-header"],
            input: Self.records())
        #expect(
            columns.text.split(separator: "\n").suffix(3) == [
                "kline\t120000000000000000000.5\t", "gap\t\t",
                "bestBidAsk\t\t92233720368.54775807",
            ], "\(columns.text)")
    }

    @Test func `a format of one's own, counts by fields, and JSON for people`() throws {
        let records = try Self.records()
        let printed = try Program.run(
            "recq", ["print", "-f", "%t|%T|%s|%k|%i|%p|%q|%S|%%|%{side}\\n"], input: records)
        #expect(
            printed.text.hasPrefix(
                "2024-01-01T00:01:00.000000Z|1704067260000000|BTCUSDT|trade|1|42001.5|0.1|rest|%|buy\n"
            ))
        #expect(printed.text.hasSuffix("1000SATSUSDT|bestBidAsk|100|-|-|rest|%|-\n"))
        let counted = try Program.run("recq", ["count", "--by", "kind,side,hour"], input: records)
        #expect(
            counted.text == """
                1  bestBidAsk  -  2024-01-01T00
                1  gap  -  2024-01-01T00
                1  kline  -  2024-01-01T00
                5  trade  buy  2024-01-01T00
                4  trade  sell  2024-01-01T00
                12  total

                """, "\(counted.text)")
        let pretty = try Program.run("recq", ["json", "--pretty"], input: records)
        #expect(pretty.text.hasPrefix("{\n  \"kind\": \"trade\",\n  \"symbol\": \"BTCUSDT\",\n"))
        // Pretty lines are JSON still.
        let objects = pretty.text.components(separatedBy: "\n}\n").filter { !$0.isEmpty }
        #expect(objects.count == 12)
        for object in objects {
            _ = try JSONSerialization.jsonObject(with: Data((object + "\n}").utf8))
        }
        for bad in [["-f", "%z"], ["-f", "%{nope}"], ["-f", "\\q"], ["-f", "%{kind"]] {
            #expect(try Program.run("recq", ["print"] + bad, input: records).status == 64)
        }
        #expect(try Program.run("recq", ["count", "--by", "nope"], input: records).status == 64)
    }
}
