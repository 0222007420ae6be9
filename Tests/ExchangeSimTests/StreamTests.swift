import Foundation
import TestSupport
import Testing

/// The streams of exchange-sim, judged by a client in Python that knows the venue's pages and the
/// market's formulas but not the program. Each case is a function of cases.py.
@Suite(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
struct StreamTests {
    /// Runs a case against a simulator with these options.
    private func expect(
        _ name: String, _ options: [String] = [], tls: Bool = false, _ words: [String] = []
    ) throws {
        let python = try #require(Python.path)
        let place = try TemporaryDirectory()
        let simulator = try Simulator(
            (options.contains("--start") ? [] : ["--newest", "100"]) + options
                + (tls ? ["--tls-dir", place.path("tls")] : []))
        let script = packageRoot.appendingPathComponent("Tests/ExchangeSimTests/cases.py").path
        let outcome = try Program.run(python, [script, name] + simulator.words.dropFirst() + words)
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    // MARK: - Handshake

    @Test func `a handshake needs a key and one of the venue's paths, and any stream name does`()
        throws
    {
        try expect("handshake", ["--no-json"])
    }

    @Test func `a key other than the one asked for is refused with 401`() throws {
        try expect("key", ["--stream-key", "right"])
    }

    @Test func `handshakes are refused on command, some or all`() throws { try expect("refuse") }

    @Test func `too many attempts from one address get 429`() throws {
        try expect("connect_limit", ["--connect-limit", "10"])
    }

    @Test func `TLS takes clients that trust the run's own CA, and no others`() throws {
        try expect("tls", tls: true)
    }

    // MARK: - The market

    @Test func `trades are those of the formulas, all of an aggregate in one message`() throws {
        try expect("trades", ["--symbol", "BTCUSDT,币安人生USDT", "--invalid-aggregates", "7"])
    }

    @Test func `best prices are those of the book that the formulas give`() throws {
        try expect("best")
    }

    @Test func `a REST snapshot and the diffs behind it give every later book and snapshot`() throws
    {
        try expect("depth")
    }

    @Test func `the market of the clock has no hole, and REST has the same trades`() throws {
        try expect("live", ["--start", "now", "--rate", "500"])
    }

    @Test func `exponents are as asked for, and the values stay`() throws {
        try expect("exponents", ["--price-exponent", "-2", "--quantity-exponent", "-5"])
    }

    @Test func `a newer schema has a higher version and a larger root block`() throws {
        try expect("newer", ["--schema-version", "1", "--block-padding", "9"])
    }

    // MARK: - Requests

    @Test func `requests are answered as the venue does`() throws { try expect("requests") }

    @Test(arguments: [(["--flat-errors"], "flat"), ([], "nested")])
    func `wrong requests get the venue's errors, in either shape`(
        options: [String], shape: String
    ) throws {
        try expect("errors", options, ["shape=\(shape)"])
    }

    @Test func `1024 streams are the most that a connection has`() throws { try expect("too_many") }

    @Test func `a control message over 4096 bytes gets no reply`() throws { try expect("overlong") }

    // MARK: - Deadlines and limits

    @Test func `a connection that does not answer pings is closed with 1008`() throws {
        try expect("pings", ["--ping-interval", "0.3", "--pong-timeout", "0.9"])
    }

    @Test func `more than five messages in any second are closed with 1008`() throws {
        try expect("message_limit")
    }

    @Test func `a connection is closed at the end of its lifetime`() throws {
        try expect("lifetime", ["--lifetime", "0.5"])
    }

    @Test func `serverShutdown comes in both forms, and the streams go on`() throws {
        try expect("shutdown")
    }

    @Test func `a slow reader loses old best prices and no trade`() throws { try expect("culling") }

    // MARK: - Faults

    @Test func `a dropped trade is a hole in one connection alone`() throws { try expect("drop") }

    @Test func `a dropped diff breaks the continuity of the book`() throws {
        try expect("broken_depth")
    }

    @Test func `each fault spoils one message, and the next is sound`() throws {
        try expect("spoiled")
    }

    @Test func `messages of different streams change places`() throws { try expect("reorder") }

    @Test func `faults at random are counted`() throws { try expect("random_faults") }

    @Test func `connections end with and without a close frame, within a frame, and reset`()
        throws
    {
        try expect("cuts", tls: true)
    }

    @Test func `a connection at random is cut every so often`() throws {
        try expect("cut_every", ["--cut-every", "0.3"])
    }

    @Test func `a connection that stalls stands and says nothing`() throws { try expect("stall") }

    @Test func `a flood has no hole, ends as announced, and REST has what it sent`() throws {
        try expect("flood", ["--flood", "20000"], ["flood=20000"])
    }
}
