import Foundation
import TestSupport
import Testing

/// rest-pull that keeps asking, and one that goes on from a file.
struct FollowTests {
    private struct Line {
        let values: [String: Any]
        subscript(_ name: String) -> Int { (values[name] as? NSNumber)?.intValue ?? -1 }
    }

    private func lines(_ records: [UInt8]) throws -> [Line] {
        let text = try Program.run("recq", ["json"], input: records).text
        return try text.split(separator: "\n").map {
            let object = try JSONSerialization.jsonObject(with: Data($0.utf8))
            return Line(values: try #require(object as? [String: Any]))
        }
    }

    @Test func `an open kline is fetched again until it is closed`() throws {
        let simulator = try Simulator(["--start", "now", "--rate", "50"])
        let place = try TemporaryDirectory()
        let program = try BackgroundProgram(
            "rest-pull",
            [
                "klines", "--interval", "1s", "--follow", "--open", "--poll-interval", "0.2s",
                "--base-url", simulator.url,
            ],
            output: place.path("klines"))
        var states: [Int: [Bool]] = [:]
        let isSeen = try waitUntil(60) {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: place.path("klines")))
            states = [:]
            for line in try lines(Array(bytes)) where line.values["kind"] as? String == "kline" {
                let isClosed = line.values["is_closed"] as? Bool ?? false
                states[line["open_time_us"], default: []].append(isClosed)
            }
            return states.values.count { $0.count > 1 && $0.last == true } >= 3
        }
        #expect(isSeen, "\(states)")
        // Final once, and nothing after it.
        for closed in states.values {
            #expect(closed.count { $0 } <= 1 && closed.dropLast().allSatisfy { !$0 })
        }
        withExtendedLifetime(program) {}
    }

    @Test func `an end in the future ends it, and nothing from then on is written`() throws {
        let simulator = try Simulator(["--start", "now", "--rate", "200"])
        let end = Int(Date().timeIntervalSince1970) + 3
        let text = ISO8601DateFormatter().string(
            from: Date(timeIntervalSince1970: TimeInterval(end)))
        let outcome = try Program.run(
            "rest-pull",
            [
                "aggTrades", "--follow", "--to", text, "--poll-interval", "0.1s", "--base-url",
                simulator.url,
            ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let times = try lines(outcome.output).map { $0["event_time_us"] }
        #expect(times.allSatisfy { $0 < end * 1_000_000 })
        #expect((times.last ?? 0) > (end - 1) * 1_000_000)
    }

    @Test func `a file's gaps that may be filled are asked for again`() throws {
        let simulator = try Simulator(["--newest", "100"])
        let place = try TemporaryDirectory()
        let pull = ["trades", "--from", "1", "--to", "100", "--base-url", simulator.url]
        let whole = try Program.run("rest-pull", pull)
        var text = try Program.run("recq", ["json"], input: whole.output).text
            .split(separator: "\n").map(String.init)
        text.replaceSubrange(
            39..<60,
            with: [
                """
                {"kind":"gap","symbol":"BTCUSDT","missing_template":1,"series":0,"first_id":40,"last_id":60,\
                "event_ts":0,"ingest_ts":0,"source":"sbe","reason":"disconnected",\
                "event_time_us":0,"ingest_time_ns":"0","venue":1,"flags":0,"price_exponent":0,\
                "qty_exponent":0}
                """
            ])
        let packed = try Program.run(
            "recq", ["pack"], input: Array((text.joined(separator: "\n") + "\n").utf8))
        #expect(packed.status == 0, "\(packed.errors)")
        try Data(packed.output).write(to: URL(fileURLWithPath: place.path("part.bin")))
        let rest = try Program.run("rest-pull", pull + ["--resume", place.path("part.bin")])
        #expect(rest.status == 0, "\(rest.errors)")
        #expect(try lines(rest.output).map { $0["trade_id"] } == Array(40...60))
    }

    @Test func `gap records of several kinds are in no order among each other`() throws {
        let gaps = [(5, 900), (1, 10), (2, 5)].map { kind, id in
            """
            {"kind":"gap","symbol":"BTCUSDT","missing_template":\(kind),"series":0,"first_id":\(id),\
            "last_id":\(id + 3),"event_ts":0,"ingest_ts":0,"source":"sbe","reason":"disconnected",\
            "event_time_us":0,"ingest_time_ns":"0","venue":1,"flags":0,"price_exponent":0,\
            "qty_exponent":0}
            """
        }
        let packed = try Program.run(
            "recq", ["pack"], input: Array((gaps.joined(separator: "\n") + "\n").utf8))
        #expect(packed.status == 0, "\(packed.errors)")
        let outcome = try Program.run("recq", ["check"], input: packed.output)
        #expect(outcome.status == 0, "\(outcome.text)")
    }
}
