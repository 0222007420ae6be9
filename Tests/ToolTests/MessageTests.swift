import Foundation
import TestSupport
import Testing

/// What the built programs say when something is wrong: what was attempted, on what, why it failed
/// and what to do, on one line with the program's name, and with the right status.
struct MessageTests {
    struct Row: CustomTestStringConvertible, Sendable {
        let name: String
        let command: [String]
        var environment: [String: String] = [:]
        /// What a server answers, for `SERVER` in the command; nil starts none.
        var answer: FaultServer.Answer?
        let status: Int32
        /// What the message has: what, where, why, what to do.
        let words: [String]
        /// What it must not have.
        var without: [String] = []
        var testDescription: String { name }
    }

    private static let keys = [
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    ]

    private static func s3(_ more: [String] = []) -> [String] {
        [
            "s3-put", "--check", "--to", "s3://my-bucket/bronze", "--endpoint-url", "SERVER",
            "--max-attempts", "2", "--state-dir", "PLACE/state",
        ] + more
    }

    private static func xml(_ status: Int, _ code: String) -> FaultServer.Answer {
        .respond(
            status, body: "<Error><Code>\(code)</Code><Message>as told</Message></Error>")
    }

    // MARK: - Services

    private static let services: [Row] = [
        Row(
            name: "S3: no such bucket", command: s3(), environment: keys,
            answer: xml(404, "NoSuchBucket"), status: 78,
            words: ["my-bucket", "NoSuchBucket", "create the bucket"]),
        Row(
            name: "S3: access denied", command: s3(), environment: keys,
            answer: xml(403, "AccessDenied"), status: 77,
            words: ["my-bucket", "AccessDenied", "policy"]),
        Row(
            name: "S3: clock", command: s3(), environment: keys,
            answer: xml(403, "RequestTimeTooSkewed"), status: 77,
            words: ["RequestTimeTooSkewed", "set the clock"]),
        Row(
            name: "S3: headers that a store does not know", command: s3(), environment: keys,
            answer: xml(501, "NotImplemented"), status: 76,
            words: ["NotImplemented", "--checksum md5"]),
        Row(
            name: "S3: slow down", command: s3(), environment: keys,
            answer: xml(503, "SlowDown"), status: 75, words: ["SlowDown", "attempt 2 in "]),
        Row(
            name: "S3: key of KMS", command: s3(), environment: keys,
            answer: xml(400, "KMS.DisabledException"), status: 78,
            words: ["KMS.DisabledException", "enable or restore the KMS key"]),
        Row(
            name: "Kinesis: throttled",
            command: [
                "kinesis-put", "--check", "--streams", "*=t", "--endpoint-url", "SERVER",
                "--state-dir", "PLACE/state",
            ], environment: keys,
            answer: .respond(
                400,
                body: #"{"__type":"LimitExceededException","message":"Rate exceeded"}"#),
            status: 75, words: ["LimitExceededException", "Rate exceeded"]),
        Row(
            name: "no endpoint there",
            command: [
                "s3-put", "--check", "--to", "s3://my-bucket/bronze", "--endpoint-url",
                "http://127.0.0.1:9", "--max-attempts", "1", "--state-dir", "PLACE/state",
            ], environment: keys, status: 75,
            words: ["http://127.0.0.1:9/", "connect", "is the endpoint up", "PROXY"]),
        Row(
            name: "no venue there",
            command: [
                "rest-pull", "trades", "--base-url", "http://127.0.0.1:9", "--max-attempts", "2",
                "--initial-backoff", "1ms",
            ], status: 75,
            words: ["http://127.0.0.1:9/api/v3/", "connect", "after 2 attempts", "proxy"]),
        Row(
            name: "not the venue",
            command: [
                "rest-pull", "trades", "--base-url", "SERVER", "--max-attempts", "1",
            ], answer: .respond(404, body: "not here"), status: 69, words: ["404", "--base-url"]),
        Row(
            name: "a firewall is announced before it is waited for",
            command: [
                "rest-pull", "trades", "--base-url", "SERVER", "--max-attempts", "2",
                "--max-backoff", "50ms",
            ], answer: .respond(403, body: "<html>no</html>"), status: 75,
            words: ["403", "firewall", "attempt 2 in "]),
        Row(
            name: "no connection in the time given",
            command: [
                "sbe-tap", "--ws-url", "ws://127.0.0.1:9", "--duration", "0.5",
                "--initial-backoff", "50ms",
            ], environment: ["BINANCE_API_KEY": "k"], status: 69,
            words: ["ws://127.0.0.1:9", "no connection", "connect"],
            without: ["connection refused"]),
    ]

    // MARK: - Credentials and places

    private static let places: [Row] = [
        Row(
            name: "no region", command: ["s3-put", "--check", "--to", "s3://my-bucket/x"],
            status: 78, words: ["no region", "AWS_REGION"]),
        Row(
            name: "no credentials", command: ["s3-put", "--check", "--to", "s3://my-bucket/x"],
            environment: ["AWS_REGION": "us-east-1"], status: 78,
            words: ["find credentials", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"]),
        Row(
            name: "half of the credentials",
            command: ["s3-put", "--check", "--to", "s3://my-bucket/x"],
            environment: ["AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a"], status: 78,
            words: ["credentials", "without the other"]),
        Row(
            name: "unknown profile", command: ["s3-put", "--check", "--to", "s3://my-bucket/x"],
            environment: ["AWS_REGION": "us-east-1", "AWS_PROFILE": "nope"], status: 78,
            words: ["profile nope", "config"]),
        Row(
            name: "a path for a URL", command: ["s3-put", "--to", "./data"], status: 64,
            words: ["./data", "file://./data?"]),
        Row(
            name: "a tilde in a URL", command: ["s3-put", "--to", "file://~/x"], status: 64,
            words: ["file://~/x", "file://$HOME/x"]),
        Row(
            name: "a state directory without a name",
            command: ["s3-put", "--to", "file:///tmp/x", "--state-dir", ""], status: 64,
            words: ["--state-dir", "an empty text is not a path"]),
        Row(
            name: "a list of state directories that is empty",
            command: ["kinesis-put", "--region", "us-east-1"],
            environment: ["STATE_DIRECTORY": ":"],
            status: 78, words: ["STATE_DIRECTORY", "an empty text is not a path"]),
        Row(
            name: "a schema that is not two numbers",
            command: ["rest-pull", "trades", "--sbe-schema", "3:5x"], status: 64,
            words: ["--sbe-schema", "3:5x", "3:5"]),
        Row(
            name: "a bucket's name", command: ["s3-put", "--to", "s3://b/x"], status: 64,
            words: ["s3://b/x", "bucket name"]),
        Row(
            name: "a stats directory that was asked for",
            command: ["dedup", "--stats-dir", "/proc/nope"], status: 74,
            words: ["/proc/nope", "cannot create directory"]),
        Row(
            name: "the usual stats directory",
            command: ["dedup"],
            environment: ["XDG_RUNTIME_DIR": "/proc/nope", "STATS_DIR": ""], status: 0,
            words: ["warning", "healthd does not see this stage", "--stats-dir"]),
        Row(
            name: "an input that is not there", command: ["dedup", "/no/such/file"], status: 74,
            words: ["/no/such/file", "No such file"]),
        Row(
            name: "a file that is no ledger", command: ["ledgerctl", "show", "/etc/passwd"],
            status: 65, words: ["/etc/passwd", "not a ledger", "restore it"]),
    ]

    // MARK: - What was typed

    private static let typed: [Row] = [
        Row(
            name: "a date that is none", command: ["rest-pull", "trades", "--from", "2024-13-01"],
            status: 64, words: ["2024-13-01", "2024-01-31", "yesterday"]),
        Row(
            name: "a negative id", command: ["rest-pull", "trades", "--from", "-5"], status: 64,
            words: ["\"-5\"", "negative"], without: ["Missing value"]),
        Row(
            name: "a time ago that is too long",
            command: ["rest-pull", "trades", "--from", "-99999999999999999d"], status: 64,
            words: ["-99999999999999999d", "yesterday"]),
        Row(
            name: "the first behind the last",
            command: ["rest-pull", "trades", "--from", "200", "--to", "100"], status: 64,
            words: ["--from 200", "--to 100"]),
        Row(
            name: "a level", command: ["dedup", "--log-level", "loud"], status: 64,
            words: ["loud", "DEBUG", "WARNING", "--log-level"]),
        Row(
            name: "an unknown stream", command: ["sbe-tap", "--streams", "moon"], status: 64,
            words: ["moon", "trade", "depth"]),
        Row(
            name: "an unknown kind", command: ["recq", "schema", "moon"], status: 64,
            words: ["moon", "aggTrade"]),
        Row(
            name: "no subcommand of this name", command: ["recq", "elephant"], status: 64,
            words: ["unknown subcommand 'elephant'", "recq -h"]),
    ]

    @Test(arguments: services + places + typed)
    func `a message says what, where, why and what to do`(row: Row) throws {
        let place = try TemporaryDirectory()
        let server = row.answer.map { FaultServer([$0]) }
        var command = row.command.map { word in
            word.replacingOccurrences(of: "SERVER", with: "http://127.0.0.1:\(server?.port ?? 0)")
                .replacingOccurrences(of: "PLACE", with: place.path)
        }
        // Nothing of the machine's own: no profile, no metadata service, no stats.
        var environment = [
            "AWS_EC2_METADATA_DISABLED": "true", "HOME": place.path, "AWS_ACCESS_KEY_ID": "",
            "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "AWS_REGION": "",
            "AWS_DEFAULT_REGION": "", "AWS_PROFILE": "", "BINANCE_API_KEY": "k",
            "STATS_DIR": place.path("stats"), "LOGGING__FORMAT": "text", "no_proxy": "127.0.0.1",
        ]
        environment.merge(row.environment) { $1 }
        let tool = command.removeFirst()
        let outcome = try Program.run(tool, command, environment: environment)
        #expect(outcome.status == row.status, "\(outcome.errors)")
        for word in row.words {
            #expect(outcome.errors.contains(word), "no \"\(word)\" in: \(outcome.errors)")
        }
        for word in row.without { #expect(!outcome.errors.contains(word), "\(outcome.errors)") }
        for line in outcome.errors.split(separator: "\n") {
            #expect(line.hasPrefix("\(tool): "), "\(line)")
            // A duration is for people: no more digits than one can use.
            #expect(
                line.range(of: #"[0-9]\.[0-9]{3,} ?m?s\b"#, options: .regularExpression) == nil,
                "\(line)")
            // Where it was: once.
            let urls = line.components(separatedBy: "http://127.0.0.1").count - 1
            #expect(urls <= 1, "\(line)")
        }
    }

    // MARK: - With other programs

    @Test func `a state that is in use names its holder and the way out`() throws {
        let place = try TemporaryDirectory()
        let data = place.path("data")
        let first = try LiveProgram(
            "s3-put", ["--to", "file://\(data)", "--stats-dir", place.path("stats")])
        let files = ["/.s3-put/ledger", "/.s3-put/spool/lock"]
        #expect(
            waitUntil { files.allSatisfy { FileManager.default.fileExists(atPath: data + $0) } })
        var outcome: Program.Outcome?
        let isRefused = waitUntil {
            outcome = try? Program.run(
                "s3-put",
                [
                    "--to", "file://\(data)", "--log-format", "text", "--stats-dir",
                    place.path("other"),
                ])
            return outcome?.status == 75
        }
        #expect(isRefused, "\(outcome?.errors ?? "")")
        first.closeInput()
        #expect(first.wait() == 0)
        let errors = outcome?.errors ?? ""
        #expect(errors.contains("(s3-put)"), "\(errors)")
        #expect(errors.contains("in use by process "), "\(errors)")
        #expect(errors.contains("state directory"), "\(errors)")
    }

    @Test func `a name without an address is named, and nothing of the library's inside is`() throws
    {
        let place = try TemporaryDirectory()
        let outcome = try Program.run(
            "healthd",
            ["--listen", "nowhere.invalid:0", "--metrics-port", "0", "--stats-dir", place.path])
        #expect(outcome.status == 69, "\(outcome.errors)")
        let words = "cannot listen on nowhere.invalid:0: no address is known for that name"
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
    }

    @Test func `a port that is taken is named, and nothing of the library's inside is`() throws {
        let server = FaultServer([.close])
        let place = try TemporaryDirectory()
        let outcome = try Program.run(
            "healthd",
            [
                "--listen", "127.0.0.1:\(server.port)", "--metrics-port", "0", "--stats-dir",
                place.path, "--log-format", "text",
            ])
        #expect(outcome.status == 69, "\(outcome.errors)")
        #expect(outcome.errors.contains("127.0.0.1:\(server.port)"), "\(outcome.errors)")
        #expect(
            outcome.errors.contains("in use") && outcome.errors.contains("--listen"),
            "\(outcome.status) \(outcome.errors)")
        #expect(!outcome.errors.contains("errno") && !outcome.errors.contains("bind("))
    }

    @Test func `of several symbols the one that is wrong is named, in whatever case`() throws {
        let simulator = try Simulator(["--newest", "500"])
        let wrong = try Program.run(
            "rest-pull",
            [
                "trades", "--symbols", "BTCUSDT,NOPE", "--base-url", simulator.url,
                "--log-format", "text",
            ])
        #expect(wrong.status == 64)
        #expect(wrong.errors.contains("the symbol NOPE"), "\(wrong.errors)")
        #expect(!wrong.errors.contains("BTCUSDT"), "\(wrong.errors)")
        for flag in ["--symbol", "--symbols"] {
            let right = try Program.run(
                "rest-pull",
                ["trades", flag, "btcusdt", "--limit", "1", "--base-url", simulator.url])
            #expect(right.status == 0, "\(flag): \(right.errors)")
            #expect(!right.output.isEmpty)
        }
    }

    @Test(arguments: ["yesterday", "-2d", "2024-01-01 00:00", "2024-01-01T02:00+02:00", "-1h"])
    func `a time may be typed as people say it`(time: String) throws {
        // A market that ends now and began three days ago, or one of that day in 2024.
        let simulator = try Simulator(
            time.hasPrefix("2024")
                ? ["--newest", "500"] : ["--start", "now", "--history", "2600000"])
        let outcome = try Program.run(
            "rest-pull",
            ["aggTrades", "--from", time, "--limit", "1", "--base-url", simulator.url])
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    // MARK: - Numbers and nouns

    @Test func `one record is one record, in every summary`() throws {
        let simulator = try Simulator(["--newest", "500"])
        let place = try TemporaryDirectory()
        func pulled(_ count: Int) throws -> [Program.Outcome] {
            try Program.pipeline(
                [
                    [
                        "rest-pull", "aggTrades", "--from", "\(count)", "--limit", "\(count)",
                        "--base-url", simulator.url,
                    ], ["dedup", "-v"], ["s3-put", "--to", "file://\(place.path("data\(count)"))"],
                ])
        }
        for (count, expected) in [(1, "1 record in 1 object"), (2, "2 records in 1 object")] {
            let outcomes = try pulled(count)
            #expect(outcomes.allSatisfy { $0.status == 0 }, "\(outcomes.map(\.errors))")
            let words = outcomes.map(\.errors).joined()
            #expect(words.contains(expected), "\(words)")
            #expect(
                words.range(
                    of: #"\b1 (records|objects|holes|duplicates)\b"#,
                    options: .regularExpression) == nil, "\(words)")
        }
    }

    // MARK: - Standard input by its name

    @Test(arguments: ["dedup -", "recq json -", "recq count -", "recq head -n 1 -"])
    func `- is standard input wherever a file is`(command: String) throws {
        let simulator = try Simulator(["--newest", "500"])
        let records = try Program.run(
            "rest-pull", ["trades", "--limit", "3", "--base-url", simulator.url]
        ).output
        let words = command.split(separator: " ").map(String.init)
        let named = try Program.run(words[0], Array(words.dropFirst()), input: records)
        let plain = try Program.run(
            words[0], Array(words.dropFirst().dropLast()), input: records)
        #expect(named.status == 0, "\(named.errors)")
        #expect(named.output == plain.output && !named.output.isEmpty)
    }
}
