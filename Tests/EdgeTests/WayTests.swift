import Foundation
import TestSupport
import Testing

/// Every program that opens a connection, through proxies and with an authority of one's own.
@Suite(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
struct WayTests {
    /// A proxy that works.
    private final class Tunnel {
        let url: String
        private let program: BackgroundProgram
        private let scratch: TemporaryDirectory

        init() throws {
            scratch = try TemporaryDirectory()
            program = try BackgroundProgram(
                try #require(Python.path), [place("proxy.py")], output: scratch.path("log"))
            let log = scratch.path("log")
            var port = ""
            _ = waitUntil {
                let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
                port = text.contains("\n") ? String(text.prefix { $0 != "\n" }) : ""
                return !port.isEmpty
            }
            url = "http://127.0.0.1:\(port)"
        }

        /// What it was asked for.
        var requests: [String] {
            let text = (try? String(contentsOfFile: scratch.path("log"), encoding: .utf8)) ?? ""
            return text.split(separator: "\n").dropFirst().map(String.init)
        }
    }

    /// Servers with TLS by an authority that only the test knows.
    private final class Place {
        let simulator: Simulator
        let scratch: TemporaryDirectory
        var authority: String { scratch.path("tls/ca.pem") }
        var secureURL: String {
            simulator.secureStreams.replacingOccurrences(of: "wss:", with: "https:")
        }

        init() throws {
            scratch = try TemporaryDirectory()
            simulator = try Simulator([
                "--start", "now", "--rate", "50", "--tls-dir", scratch.path("tls"),
            ])
        }
    }

    private static func tap(_ place: Place) -> [String] {
        [
            "--ws-url", place.simulator.secureStreams, "--base-url", place.simulator.url,
            "--limit", "3", "--streams", "trade", "--no-snapshots", "--symbols", "BTCUSDT",
        ]
    }

    @Test(arguments: ["setting", "SSL_CERT_FILE", "CURL_CA_BUNDLE"])
    func `an authority of one's own is believed by the streams`(name: String) throws {
        let place = try Place()
        // What the machine itself sets must not answer in the test's place.
        let key = ["BINANCE_API_KEY": "x", "SSL_CERT_FILE": "", "CURL_CA_BUNDLE": ""]
        let refused = try Program.run("sbe-tap", Self.tap(place), environment: key)
        #expect(
            refused.status == 78 && refused.errors.contains("SSL_CERT_FILE"), "\(refused.errors)")
        let outcome = try Program.run(
            "sbe-tap", Self.tap(place) + (name == "setting" ? ["--ca", place.authority] : []),
            environment: name == "setting" ? key : key.merging([name: place.authority]) { $1 })
        #expect(outcome.status == 0 && !outcome.output.isEmpty, "\(outcome.errors)")
    }

    @Test func `the streams go through the proxy for https, and past it where no_proxy says so`()
        throws
    {
        let place = try Place()
        let tunnel = try Tunnel()
        let base = [
            "BINANCE_API_KEY": "x", "SSL_CERT_FILE": place.authority, "CURL_CA_BUNDLE": "",
        ]
        let through = base.merging(["HTTPS_PROXY": "\(tunnel.url)\r"]) { $1 }
        let outcome = try Program.run("sbe-tap", Self.tap(place), environment: through)
        #expect(outcome.status == 0 && !outcome.output.isEmpty, "\(outcome.errors)")
        let port = try #require(place.simulator.secureStreams.split(separator: ":").last)
        #expect(tunnel.requests.contains("CONNECT 127.0.0.1:\(port)"), "\(tunnel.requests)")
        let count = tunnel.requests.count
        for exception in ["127.0.0.0/8", "127.0.0.1:\(port)", "example,127.0.0.1"] {
            let past = through.merging(["NO_PROXY": exception]) { $1 }
            let direct = try Program.run("sbe-tap", Self.tap(place), environment: past)
            #expect(direct.status == 0, "\(direct.errors)")
        }
        #expect(tunnel.requests.count == count)
    }

    @Test func `REST, S3 and Kinesis go through the proxy for http`() throws {
        let tunnel = try Tunnel()
        let simulator = try Simulator(["--newest", "500"])
        let pulled = try Program.run(
            "rest-pull",
            ["trades", "--from", "1", "--to", "5", "--base-url", simulator.url],
            environment: ["http_proxy": tunnel.url])
        #expect(pulled.status == 0 && !pulled.output.isEmpty, "\(pulled.errors)")
        #expect(tunnel.requests.contains { $0.hasPrefix("GET \(simulator.url)/") })
        let server = FaultServer([.respond(200, body: "<R><UploadId>u</UploadId></R>")])
        defer { server.stop() }
        let environment = Keys.environment.merging(["http_proxy": tunnel.url]) { $1 }
        let scratch = try TemporaryDirectory()
        let stored = try Program.run(
            "s3-put",
            [
                "--to", "s3://bucket/p", "--endpoint-url", server.url, "--check", "--state-dir",
                scratch.path("state"),
            ], environment: environment)
        #expect(stored.status == 0, "\(stored.errors)")
        #expect(tunnel.requests.contains { $0.hasPrefix("POST \(server.url)/bucket") })
    }

    @Test(
        arguments: [
            (407, 77, "user name and password"), (403, 77, "refuses this connection"),
            (405, 77, "refuses this connection"),
        ] as [(Int, Int32, String)])
    func `a proxy that refuses is told from the service`(
        status: Int, code: Int32, words: String
    ) throws {
        let proxy = FaultServer([.respond(status)])
        defer { proxy.stop() }
        let scratch = try TemporaryDirectory()
        let way = ["HTTPS_PROXY": "http://me:hush@127.0.0.1:\(proxy.port)"]
        let environment = Keys.environment.merging(way) { $1 }
        for (tool, arguments) in [
            ("rest-pull", ["trades", "--from", "1", "--to", "2", "--max-attempts", "1"]),
            (
                "s3-put",
                ["--to", "s3://bucket/p", "--check", "--state-dir", scratch.path("s3")]
            ),
            ("sbe-tap", ["--symbols", "BTCUSDT", "--no-snapshots", "--streams", "trade"]),
        ] {
            let outcome = try Program.run(
                tool, arguments, environment: environment.merging(["BINANCE_API_KEY": "x"]) { $1 })
            #expect(outcome.status == code, "\(tool): \(outcome.status) \(outcome.errors)")
            #expect(outcome.errors.contains(words), "\(tool): \(outcome.errors)")
            #expect(!outcome.errors.contains("hush"), "\(tool): \(outcome.errors)")
        }
        #expect(proxy.requests.allSatisfy { $0.method == "CONNECT" } && proxy.requests.count >= 3)
    }

    @Test func `a proxy that is none is told by its variable`() throws {
        for tool in [
            ["rest-pull", "trades", "--from", "1", "--to", "2"], ["sbe-tap", "--symbols", "X"],
        ] {
            let outcome = try Program.run(
                tool[0], Array(tool.dropFirst()),
                environment: ["HTTPS_PROXY": "ftp://p", "BINANCE_API_KEY": "x"])
            #expect(outcome.status == 78, "\(outcome.errors)")
            #expect(outcome.errors.contains("HTTPS_PROXY is not a proxy"), "\(outcome.errors)")
        }
    }

    @Test(arguments: ["setting", "SSL_CERT_FILE", "CURL_CA_BUNDLE"])
    func `an authority of one's own is believed by REST`(name: String) throws {
        let place = try Place()
        // The server speaks no REST there, which it says once TLS lets it.
        let outcome = try Program.run(
            "rest-pull",
            ["aggTrades", "--from", "1", "--to", "2", "--base-url", place.secureURL]
                + (name == "setting" ? ["--ca", place.authority] : []),
            environment: ["SSL_CERT_FILE": "", "CURL_CA_BUNDLE": ""].merging(
                name == "setting" ? [:] : [name: place.authority]
            ) { $1 })
        #expect(outcome.errors.contains("HTTP 400"), "\(outcome.status) \(outcome.errors)")
    }

    @Test(arguments: ["absent", "directory", "empty"])
    func `an authority's file that is of no use is named, whoever reads it`(file: String) throws {
        let place = try Place()
        let path = place.scratch.path("authorities.pem")
        if file == "directory" { try #require(mkdir(path, 0o755) == 0) }
        if file == "empty" { try Data().write(to: URL(fileURLWithPath: path)) }
        let s3 = [
            "s3-put", "--to", "s3://bucket/p", "--endpoint-url", place.secureURL, "--check",
            "--max-attempts", "1", "--state-dir", place.scratch.path("s"),
        ]
        let kinesis = [
            "kinesis-put", "--endpoint-url", place.secureURL, "--check", "--state-dir",
            place.scratch.path("k"),
        ]
        let pull = ["rest-pull", "trades", "--from", "1", "--base-url", place.secureURL]
        let commands: [(command: [String], variable: String?)] = [
            (s3, "AWS_CA_BUNDLE"), (kinesis, "AWS_CA_BUNDLE"), (pull + ["--ca", path], nil),
            (pull, "CURL_CA_BUNDLE"), (["sbe-tap"] + Self.tap(place) + ["--ca", path], nil),
            (["sbe-tap"] + Self.tap(place), "CURL_CA_BUNDLE"),
        ]
        for (command, variable) in commands {
            let outcome = try Program.run(
                command[0], Array(command.dropFirst()),
                environment: Keys.environment.merging(["BINANCE_API_KEY": "x"]) { $1 }.merging(
                    variable.map { [$0: path] } ?? [:]
                ) { $1 })
            #expect(outcome.status == 78, "\(command[0]): \(outcome.errors)")
            #expect(
                outcome.errors.contains("ertificate authorit") && outcome.errors.contains(path),
                "\(command[0]): \(outcome.errors)")
        }
    }
}
