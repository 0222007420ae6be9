import ArgumentParser
import Encoding
import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix
import Posix
import Records
import SimulatedMarket
import ServerTLS
import Stage

@main
struct ExchangeSim: Tool {
    static let configuration = CommandConfiguration(
        commandName: "exchange-sim",
        abstract: "A Binance Spot that runs here, with a market that anyone can recompute.",
        discussion: """
            EXAMPLES:
              exchange-sim --start now --rate 1000 --symbol BTCUSDT,ETHUSDT
              exchange-sim --port 9000 --start 2024-01-01 --newest 100000

            Prints one line once it answers, `listening rest=URL control=URL ws=URL`, and with TLS
            also `wss=URL ca=FILE`. The control port takes POST /faults?rate=0.1&kinds=close,error,
            /next?fault=ban, /market?newest=1000&oldest=1, /reset, /stream/next?fault=drop,
            /stream/do?action=cut&connection=random, /stream/refuse?status=503&count=2, and
            GET /stats, /sent, /connections.
            """,
        version: Version.text)
    static let essentials = [
        "port", "control-port", "symbols", "start", "rate", "newest", "fault-rate",
    ]

    @Option(help: "REST port; 0 chooses a free one.") var port = 0
    @Option(help: "Control port; 0 chooses a free one.") var controlPort = 0
    @Option(
        name: [.customLong("symbols"), .customLong("symbol")],
        help: ArgumentHelp("Symbols, comma-separated.", valueName: "a,b"))
    var symbol = "BTCUSDT"
    @Option(help: "Another seed is another market.") var seed: UInt64 = 1
    @Option(help: "Time of the first aggregate, UTC, or now.") var start = "2024-01-01"
    @Option(help: "With --start now: aggregates before the start.") var history = 0
    @Option(help: "Milliseconds between two aggregates.") var spacing = 100
    @Option(help: "Aggregates per second and symbol, instead of --spacing. (default: 10)")
    var rate: Double?
    @Option(help: "Void every Nth aggregate; 0 for none.") var invalidAggregates: Int64 = 0
    @Option(help: "Newest aggregate. (default: the market follows the clock)") var newest: Int64?
    @Option(help: "Ids below this are not served any more.") var oldest: Int64 = 1
    @Option(help: "Aggregates by which replies lag behind.") var lag: Int64 = 0
    @Option(help: "Leave out every Nth kline; 0 for none.") var absentKlines: Int64 = 0
    @Option(help: "Request weight per window.") var weightLimit = 6000
    @Option(help: "Seconds of a weight window.") var window = 60
    @Option(help: "API key that historicalTrades requires.") var apiKey: String?
    @Flag(inversion: .prefixedNo, help: "Serve SBE.") var sbe = true
    @Option(help: "Share of requests with a fault, 0 to 1.") var faultRate = 0.0
    @Option(help: "Kinds of faults, comma-separated. (default: those for which a retry helps)")
    var faults: String?
    @Option(help: "Another seed picks other faults.") var faultSeed: UInt64 = 1
    @OptionGroup(title: "Streams") var streams: StreamSettings

    func validate() throws {
        guard start == "now" || Timestamp.parse(start) != nil else {
            throw ValidationError("--start is not a UTC time, such as 2024-01-01 or now")
        }
        guard rate.map({ (0.001...500_000).contains($0) }) ?? true else {
            throw ValidationError("--rate must be between 0.001 and 500000")
        }
        guard (1...3_600_000).contains(spacing) else {
            throw ValidationError("--spacing must be between 1 and 3600000 ms")
        }
        guard (0...1).contains(faultRate) else {
            throw ValidationError("--fault-rate must be 0 to 1")
        }
        guard window >= 1, weightLimit >= 1 else {
            throw ValidationError("--window and --weight-limit must be at least 1")
        }
        if let faults { _ = try Self.kinds(faults) }
    }

    func run() throws {
        var options = Venue.Options()
        options.symbols = symbol.split(separator: ",").map(String.init)
        options.market.seed = seed
        options.market.spacing = rate.map { Int64(1_000_000 / $0) } ?? Int64(spacing) * 1000
        options.market.start =
            Timestamp.parse(start)
            ?? Clock.realtimeNanoseconds() / 1000 - Int64(history) * options.market.spacing
        options.market.invalidEvery = invalidAggregates
        options.oldestID = oldest
        options.lag = lag
        options.absentKlines = absentKlines
        options.weightLimit = weightLimit
        options.window = window
        options.apiKey = apiKey
        options.servesSBE = sbe
        var plan = FaultPlan(seed: faultSeed)
        plan.rate = faultRate
        if let faults { plan.kinds = try Self.kinds(faults) }

        let clock = MarketClock(pinned: newest)
        let venue = NIOLockedValueBox(Venue(options, clock: clock, faults: plan))
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        // A loop of their own, so that no flood keeps REST or the control port waiting.
        let streamGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let hub = StreamHub(
            options.symbols, options.market, clock, streams.options, streams.plan(seed: faultSeed),
            loop: streamGroup.next())
        if streams.refuseHandshakes > 0 { hub.handshakeLimit.standing = streams.refuseHandshakes }

        let rest = try HTTPServer(port: port, group: group) { head, loop in
            loop.makeSucceededFuture(
                venue.withLockedValue { venue in
                    venue.answer(head.uri) { head.headers.first(name: $0) }
                })
        }
        let control = try HTTPServer(port: controlPort, group: group) { head, loop in
            let query = Query(uri: head.uri)
            let isPost = head.method == .POST
            if StreamControl.owns(query.path) {
                return hub.loop.submit { StreamControl.answer(query, isPost: isPost, hub) }
            }
            return loop.makeSucceededFuture(
                venue.withLockedValue { Control.answer(query, isPost: isPost, &$0, clock) })
        }
        var line =
            "listening rest=http://127.0.0.1:\(rest.port) control=http://127.0.0.1:\(control.port)"
        line += " ws=ws://127.0.0.1:\(try StreamServer(port: streams.wsPort, hub).port)"
        line += try listenWithTLS(hub)
        hub.start()
        print(line)
        fflush(nil)
        // The default action of SIGTERM and SIGINT ends the process; there is nothing to save.
        while true { pause() }
    }

    /// Listens with TLS when that is asked for.
    ///
    /// - Returns: what the first line says of it.
    private func listenWithTLS(_ hub: StreamHub) throws -> String {
        var files: (ca: String, certificate: String, key: String)?
        if let directory = streams.tlsDir { files = try TestCA.make(in: directory) }
        if let certificate = streams.tlsCert, let key = streams.tlsKey {
            files = (certificate, certificate, key)
        }
        guard let files else { return "" }
        let context = try TLSContext(certificate: files.certificate, key: files.key)
        let server = try StreamServer(port: streams.wssPort, hub, tls: context)
        return " wss=wss://127.0.0.1:\(server.port) ca=\(files.ca)"
    }

    static func kinds(_ text: String) throws -> [Fault] {
        try text.split(separator: ",").map { name in
            guard let fault = Fault(rawValue: String(name)) else {
                let names = Fault.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("\"\(name)\" is not a fault; faults are \(names)")
            }
            return fault
        }
    }
}
