import Posix
import TestSupport
import Testing

@testable import Binance

/// The client of the venue's REST API against a server that fails.
struct VenueClientTests {
    private static let failure = FaultServer.Answer.respond(503, body: "away")
    private static let good = FaultServer.Answer.respond(200, body: "[]")

    private static func client(
        _ server: FaultServer, weightLimit: Int = 5700, coolDown: Double = 0.2
    ) throws -> VenueClient {
        var options = VenueClient.Options()
        options.baseURL = "http://127.0.0.1:\(server.port)"
        options.encoding = .json
        options.weightLimit = weightLimit
        options.backoff = (initial: 0.001, longest: 0.001)
        options.circuitCoolDown = coolDown
        return try VenueClient(options)
    }

    private static func request(_ token: Int, _ client: borrowing VenueClient)
        -> VenueClient.Request
    {
        VenueClient.Request(
            token: token, .trades, base: client.options.baseURL, ["symbol": "BTCUSDT"])
    }

    /// Works until something holds, or ten seconds are over.
    private static func work(
        _ client: inout VenueClient, until isDone: (borrowing VenueClient) -> Bool
    ) throws -> [Int] {
        var tokens: [Int] = []
        let end = Clock.monotonicNanoseconds() + 10_000_000_000
        while !isDone(client), Clock.monotonicNanoseconds() < end {
            tokens += try client.wait(timeout: 0.02, unless: -1).map(\.token)
        }
        return tokens
    }

    @Test func `after five failures nothing is sent until the cool-down is over`() throws {
        let server = FaultServer([
            Self.failure, Self.failure, Self.failure, Self.failure, Self.failure, Self.good,
        ])
        defer { server.stop() }
        var client = try Self.client(server, coolDown: 1)
        client.submit(Self.request(1, client))
        _ = try Self.work(&client) { $0.breakerState == "open" }
        #expect(server.requests.count == 5)
        #expect(client.waitingFor?.contains("until the venue answers again") != false)
        let answered = try Self.work(&client) { $0.outstanding == 0 }
        #expect(answered == [1])
        #expect(client.breakerState == "closed")
    }

    @Test func `the request that probes may be cancelled, and the next one probes`() throws {
        let failures = [FaultServer.Answer](repeating: Self.failure, count: 5)
        let server = FaultServer(failures + [.stall, Self.good])
        defer { server.stop() }
        var client = try Self.client(server)
        client.submit(Self.request(1, client))
        _ = try Self.work(&client) { _ in server.requests.count == 6 }
        try #require(client.inFlight == 1 && client.breakerState == "half-open")
        client.cancel { $0 == 1 }
        client.submit(Self.request(2, client))
        let answered = try Self.work(&client) { $0.outstanding == 0 }
        #expect(answered == [2], "\(client.breakerState), \(client.waitingFor ?? "nothing waits")")
        #expect(client.breakerState == "closed")
    }

    @Test func `a probe that waits for weight keeps no other from probing`() throws {
        let failures = [FaultServer.Answer](repeating: Self.failure, count: 5)
        let server = FaultServer(failures + [Self.good])
        defer { server.stop() }
        // The five failures use up the window, so that the first probe has to wait for the next one.
        let weight = Self.request(1, try Self.client(server)).weight
        var client = try Self.client(server, weightLimit: 5 * weight)
        try client.adopt(ExchangeInfo(json: Array(Self.limits(5 * weight).utf8).span.bytes))
        client.submit(Self.request(1, client))
        let answered = try Self.work(&client) { $0.outstanding == 0 }
        #expect(answered == [1], "\(client.breakerState), \(client.waitingFor ?? "nothing waits")")
        #expect(client.breakerState == "closed")
    }

    /// Limits with a window of two seconds.
    private static func limits(_ weight: Int) -> String {
        """
        {"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT","interval":"SECOND","intervalNum":2,\
        "limit":\(weight)}],"symbols":[]}
        """
    }
}
