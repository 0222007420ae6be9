import Foundation
import Stats
import TestSupport
import Testing

@testable import healthd

/// Who gets answers, and what healthd says when it cannot give any.
struct AccessTests {
    @Test(
        arguments: [
            ("127.0.0.1", "127.0.0.1:8080", true), ("127.0.0.1", "localhost", true),
            ("127.0.0.1", "LOCALHOST.:8080", true), ("127.0.0.1", "[::1]:8080", true),
            ("127.0.0.1", "a.localhost", true), ("127.0.0.1", "127.9.9.9", true),
            ("127.0.0.1", "evil.example", false), ("127.0.0.1", "evil.example:8080", false),
            ("127.0.0.1", "127.0.0.1.evil.example", false), ("127.0.0.1", "10.0.0.5", false),
            ("127.0.0.1", "user@localhost", false), ("127.0.0.1", "localhost:x", false),
            ("127.0.0.1", "", false), ("127.0.0.1", "this-host", false),
            ("127.0.0.1", "health.internal:8080", true), ("127.0.0.1", "localhost evil", false),
            ("10.0.0.5", "10.0.0.5:80", true), ("10.0.0.5", "this-host:80", true),
            ("0.0.0.0", "192.168.1.2", true), ("0.0.0.0", "[fe80::1]", true),
            ("::", "[2001:db8::1]:1", true), ("0.0.0.0", "evil.example", false),
            ("0.0.0.0", "exchange:8081", true), ("0.0.0.0", "ingestor", true),
            ("0.0.0.0", "user@exchange", false), ("0.0.0.0", "exchange.example.", false),
            ("myhost.lan", "myhost.lan:8080", true), ("0.0.0.0", "1.2.3.4.example", false),
        ] as [(String, String, Bool)])
    func `a request may name this machine, and no host of a web page`(
        listening: String, host: String, isAdmitted: Bool
    ) {
        let check = HostCheck(
            listeningOn: listening, hostname: "this-host", allowed: ["Health.Internal"])
        #expect(check.admits([host]) == isAdmitted)
    }

    @Test func `a request without a host is a probe's, one with two is nobody's`() {
        let check = HostCheck(listeningOn: "127.0.0.1", hostname: "", allowed: [])
        #expect(check.admits([]) && !check.admits(["localhost", "localhost"]))
    }

    @Test func `a name of a web page that points here reads nothing`() throws {
        let health = try Health(["heartbeat_seconds: 600"], arguments: ["--allow-host", "h.lan"])
        let evil = ["-H", "Host: evil.example"]
        for path in ["/", "/health", "/overview", "/events", "/metrics", "/stats"] {
            let reply = try health.get(path, evil)
            #expect(reply.status == 403 && !reply.text.contains("stages"), "\(path) \(reply.text)")
        }
        #expect(try Health.fetch(health.metrics, evil).status == 403)
        #expect(try health.get("/stats", ["-H", "Host: h.lan:1"]).status == 200)
        #expect(try health.get("/stats", ["-0", "-H", "Host:"]).status == 200)
    }

    @Test func `with a token any host may be named`() throws {
        let health = try Health(environment: ["HEALTH_TOKEN": "secret-1"])
        let headers = ["-H", "Host: health.example", "-H", "Authorization: Bearer secret-1"]
        #expect(try health.get("/stats", headers).status == 200)
    }

    private func arguments(_ place: TemporaryDirectory, _ address: String) -> [String] {
        ["--stats-dir", place.path("stats"), "--listen", address, "--metrics-port", "0"]
    }

    @Test func `listening to others without a token is warned of`() throws {
        let place = try TemporaryDirectory()
        let open = try LiveProgram("healthd", arguments(place, "0.0.0.0:0"))
        #expect(waitUntil { open.errors.contains("no token is set") }, "\(open.errors)")
        open.signalled(SIGTERM)
        #expect(open.wait() == 0)
        for environment in [["HEALTH_TOKEN": "a"], [:]] {
            let place = try TemporaryDirectory()
            let address = environment.isEmpty ? "127.0.0.1:0" : "0.0.0.0:0"
            let quiet = try LiveProgram(
                "healthd", arguments(place, address), environment: environment)
            let file = place.path("stats/healthd.main.stats")
            #expect(
                waitUntil { (try? StatsSnapshot(path: file))?.state == .running })
            quiet.signalled(SIGTERM)
            #expect(quiet.wait() == 0)
            #expect(!quiet.errors.contains("token"), "\(quiet.errors)")
        }
    }

    @Test func `an empty token is an error, and not no token`() throws {
        let place = try TemporaryDirectory()
        for token in ["", " "] {
            let outcome = try Program.run(
                "healthd", arguments(place, "127.0.0.1:0"), environment: ["HEALTH_TOKEN": token])
            #expect(outcome.status == 78, "\(outcome.errors)")
            #expect(outcome.errors.contains("health.token"), "\(outcome.errors)")
        }
    }

    @Test func `a port that is taken is told in the system's words`() throws {
        let health = try Health()
        let place = try TemporaryDirectory()
        let address = String(health.url.dropFirst("http://".count))
        let outcome = try Program.run("healthd", arguments(place, address))
        #expect(outcome.status == 69)
        #expect(
            outcome.errors.contains("cannot listen on \(address): Address already in use"),
            "\(outcome.errors)")
        for word in ["bind(", "errno", "NIO", "descriptor:"] {
            #expect(!outcome.errors.contains(word), "\(outcome.errors)")
        }
    }

    @Test(arguments: [48, 32, 56])
    func `a stats file with odd numbers does not end it`(offset: Int) throws {
        let health = try Health(["heartbeat_seconds: 600"])
        let stats = try StatsWriter(directory: health.stats, stage: "dedup", instance: "good")
        stats.counter(FigureName.recordsQuarantined, help: "").add(.max)
        stats.gauge(
            FigureName.ledgerOldestHole, labels: "symbol=\"B\",kind=\"trade\"", help: ""
        ).set(.min)
        stats.enter(.running)
        let good = try Data(contentsOf: URL(fileURLWithPath: try #require(stats.path)))
        for value in [Int64.min, .max] {
            var bent = good
            withUnsafeBytes(of: value) { bent.replaceSubrange(offset..<(offset + 8), with: $0) }
            bent.replaceSubrange(224..<228, with: Array("bent".utf8))
            try bent.write(to: URL(fileURLWithPath: health.stats + "/dedup.bent.stats"))
            #expect(try waitUntil { try health.get("/overview").text.contains("dedup.bent") })
            for path in ["/", "/health/detailed", "/complete", "/metrics"] {
                #expect(try health.get(path).status != 0, "\(path)")
            }
            #expect(try health.get("/", ["-H", "Accept: text/html"]).status == 200)
            let once = try Program.run(
                "healthd", ["--once", "--interval", "0.1", "--stats-dir", health.stats])
            #expect(once.status <= 1, "\(once.errors)")
        }
        withExtendedLifetime(stats) {}
    }
}
