import Foundation
import TestSupport
import Testing

/// What the built programs say to input that is wrong: a clear message and the right exit status.
struct BadInputTests {
    /// One frame of a trade.
    private static func frame() throws -> [UInt8] {
        let line = """
            {"kind":"trade","symbol":"BTCUSDT","trade_id":7,"price":65000.10000000,"qty":0.50000000,\
            "is_buyer_maker":true,"is_best_match":null,"source":"rest","price_exponent":-8,\
            "qty_exponent":-8,"event_time_us":1704067200000000,"ingest_time_ns":"1704067200000000001",\
            "venue":1,"flags":0}\n
            """
        return try Program.run("recq", ["pack"], input: Array(line.utf8)).output
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let command: [String]
        let input: [UInt8]
        let status: Int32
        let message: String
        var testDescription: String { command.joined(separator: " ") + " → \(status)" }
    }

    private static let huge: [UInt8] =
        [0x7F, 0xFF, 0xFF, 0xFF, 0xEB, 0x50] + [UInt8](repeating: 0, count: 100)
    private static let random: [UInt8] = Array("not frames at all, but text\n".utf8) + [1, 2, 3]

    private static let readers = [
        ["dedup"], ["recq", "json"], ["recq", "count"], ["recq", "check"], ["recq", "head"],
    ]

    private static var cases: [Case] {
        var cases: [Case] = []
        for reader in readers {
            cases.append(
                Case(command: reader, input: random, status: 65, message: "does not start a frame"))
            cases.append(
                Case(command: reader, input: huge, status: 65, message: "claims 2147483647 bytes"))
        }
        func usage(_ command: [String], _ message: String, _ status: Int32 = 64) {
            cases.append(Case(command: command, input: [], status: status, message: message))
        }
        usage(["rest-pull"], "name what to pull")
        usage(["rest-pull", "candles"], "candles")
        usage(["rest-pull", "aggTrades", "--from", "someday"], "neither an id nor a UTC time")
        usage(["rest-pull", "aggTrades", "--from", "2024-02-30"], "neither an id nor a UTC time")
        usage(["rest-pull", "aggTrades", "--symbol", ""], "at least one symbol")
        usage(["rest-pull", "aggTrades", "--symbol", "A,A"], "each once")
        usage(
            ["rest-pull", "aggTrades", "--symbol", "THIS-NAME-IS-MUCH-TOO-LONG-FOR-A-SYMBOL"],
            "is not a valid symbol")
        for tool in [["rest-pull", "aggTrades"], ["sbe-tap"]] {
            for (symbol, hint) in [
                ("btc/usdt", "no /; did you mean BTCUSDT?"), ("BTC:USDT", "no :; did you mean"),
                ("btcusdt@trade", "no @; did you mean"), ("BTCUSDT&limit=1", "have no &"),
                ("BTC\\USDT", "did you mean BTCUSDT?"),
            ] {
                usage(tool + ["--symbols", symbol], hint)
            }
        }
        usage(
            ["rest-pull", "aggTrades", "--from", "200", "--to", "100"],
            "--from 200 is not before --to 100")
        usage(
            ["rest-pull", "klines", "--from", "2024-01-02", "--to", "2024-01-01"],
            "--from 2024-01-02 is not before --to 2024-01-01")
        usage(
            ["rest-pull", "trades", "--follow", "--limit", "5"],
            "--limit and --follow cannot be combined")
        usage(["rest-pull", "klines", "--interval", "7m"], "7m")
        usage(["rest-pull", "aggTrades", "--interval", "1m"], "--interval is only for klines")
        usage(["rest-pull", "depth", "--from", "1"], "no history")
        usage(["rest-pull", "aggTrades", "--parallel", "0"], "between 1 and 64")
        usage(["rest-pull", "aggTrades", "--max-backoff", "soon"], "not a time in seconds")
        usage(["rest-pull", "aggTrades", "--base-url", "ftp://x"], "ftp://x")
        usage(
            ["rest-pull", "aggTrades", "--base-url", "http://127.0.0.1:1", "--max-attempts", "1"],
            "127.0.0.1:1", 75)
        usage(["dedup", "--window", "0"], "between 1 and")
        usage(["dedup", "/nonexistent/file"], "/nonexistent/file: No such file", 74)
        usage(["s3-put"], "no destination")
        usage(["s3-put", "--to", "file://~/x"], "~ is not replaced inside a URL")
        usage(["s3-put", "--to", "file://$HOME/x"], "$NAME is not replaced here")
        usage(["s3-put", "--to", "s3://$BUCKET/x"], "this is not a valid bucket name")
        usage(["s3-put", "--to", "ftp://x/y"], "neither s3://BUCKET/PREFIX nor file:///DIRECTORY")
        usage(["s3-put", "--to", "s3://"], "does not name a bucket")
        usage(["s3-put", "--to", "file:///tmp", "--format", "csv"], "csv")
        usage(["s3-put", "--to", "file:///tmp", "--object-bytes", "12"], "between 4096")
        usage(["recq", "explode"], "explode")
        usage(["recq", "head", "--count=-3"], "negative")
        usage(["ledgerctl", "show", "/nonexistent/ledger"], "/nonexistent/ledger", 74)
        usage(["ledgerctl", "show", "/bin/sh"], "is not a ledger", 65)
        usage(["ledgerctl", "verify", "/bin/sh", "--kind", "candle"], "is not a kind")
        for (line, message) in [
            ("nonsense", "line 1: byte 0"), ("{}", "kind: is missing"), (#"{"kind":"cow"}"#, "cow"),
            (#"{"kind":"trade","trade_id":"x"}"#, "trade_id"),
            (
                #"{"kind":"trade","trade_id":1,"price_exponent":-8,"qty_exponent":-8,"price":1e-9}"#,
                "price: has digits"
            ),
            (#"{"kind":"trade","trade_id":99999999999999999999}"#, "over 64 bits"),
            (#"{"kind":"raw","arrival":1,"message":"?"}"#, "not base64"),
        ] {
            cases.append(
                Case(
                    command: ["recq", "pack"], input: Array(line.utf8), status: 65, message: message
                ))
        }
        return cases
    }

    @Test(arguments: cases)
    func `is refused with a message that names it`(_ wrong: Case) throws {
        let outcome = try Program.run(
            wrong.command[0], Array(wrong.command.dropFirst()), input: wrong.input)
        #expect(outcome.status == wrong.status, "\(outcome.errors)")
        #expect(outcome.errors.contains(wrong.message), "\(outcome.errors)")
    }

    @Test(arguments: ["dedup", "recq count", "s3-put --to file://PLACE/data"])
    func `a closed standard input is told, and no other file is taken for it`(command: String)
        throws
    {
        let place = try TemporaryDirectory()
        let words = command.replacingOccurrences(of: "PLACE", with: place.path)
        let outcome = try Program.run(
            "/bin/sh", ["-c", "exec \(Program.directory.path)/\(words) <&-"])
        #expect(outcome.status == 74, "\(outcome.errors)")
        #expect(outcome.errors.contains("Bad file descriptor"), "\(outcome.errors)")
    }

    @Test func `looking at records leaves no figures behind, unless asked for`() throws {
        let place = try TemporaryDirectory()
        let frame = try Self.frame()
        for arguments in [[], ["--stats-dir", place.path("bitcoin-ingestor")]] {
            let outcome = try Program.run(
                "recq", ["count"] + arguments, input: frame,
                environment: ["XDG_RUNTIME_DIR": place.path])
            #expect(outcome.status == 0)
            let found = try? FileManager.default.contentsOfDirectory(
                atPath: place.path("bitcoin-ingestor"))
            #expect(found?.count == (arguments.isEmpty ? nil : 1))
        }
    }

    @Test func `half a frame at the end is 65, and what came before it went through`() throws {
        let frame = try Self.frame()
        for command in [["dedup"], ["recq", "head"]] {
            let outcome = try Program.run(
                command[0], Array(command.dropFirst()), input: frame + frame.prefix(50))
            #expect(outcome.status == 65)
            #expect(outcome.errors.contains("50 of 110 bytes"), "\(outcome.errors)")
            #expect(outcome.output == frame)
        }
        let place = try TemporaryDirectory()
        let put = try Program.run(
            "s3-put", ["--to", "file://\(place.path)"], input: frame + frame.prefix(50))
        #expect(put.status == 65)
        #expect(put.errors.contains("1 record in 1 object"), "\(put.errors)")
    }

    @Test func `a bad line is skipped and counted when asked`() throws {
        let good = try Program.run("recq", ["json"], input: Self.frame()).output
        let outcome = try Program.run(
            "recq", ["pack", "--on-error", "skip"], input: good + Array("{bad\n".utf8) + good)
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("line 2"), "\(outcome.errors)")
        #expect(outcome.output == (try Self.frame()) + (try Self.frame()))
    }

    @Test func `a reader that goes away ends what is before it as SIGPIPE does`() throws {
        let simulator = try Simulator(["--newest", "50000"])
        let outcomes = try Program.pipeline([
            [
                "rest-pull", "aggTrades", "--from", "1", "--to", "50000", "--base-url",
                simulator.url,
            ],
            ["dedup"], ["recq", "head", "-n", "1"], ["recq", "json"],
        ])
        #expect(outcomes[0].status == 141 && outcomes[1].status == 141, "\(outcomes)")
        #expect(outcomes[1].errors.isEmpty, "\(outcomes[1].errors)")
        #expect(outcomes[3].status == 0)
    }

    @Test func `an unknown symbol is a usage error that names it`() throws {
        let simulator = try Simulator(["--newest", "10"])
        let outcome = try Program.run(
            "rest-pull", ["aggTrades", "--symbol", "NOPEUSDT", "--base-url", simulator.url])
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("NOPEUSDT"), "\(outcome.errors)")
    }

    @Test func `a full disk is 74 and names the path`() throws {
        let outcome = try Program.run(
            "sh", ["-c", "\(Program.directory.path)/recq head > /dev/full"], input: Self.frame())
        #expect(outcome.status == 74)
        #expect(outcome.errors.contains("No space left on device"), "\(outcome.errors)")
    }

    @Test func `a file size limit stops s3-put with 74, and the next run delivers`() throws {
        let simulator = try Simulator(["--newest", "30000"])
        let place = try TemporaryDirectory()
        let data = place.path("data")
        let tools = Program.directory.path
        let pull = "\(tools)/rest-pull aggTrades --from 1 --to 30000 --base-url \(simulator.url)"
        let limited = try Program.run(
            "bash",
            [
                "-c",
                "set -o pipefail; \(pull) | (ulimit -f 200; trap '' XFSZ; exec \(tools)/s3-put --to file://\(data))",
            ])
        #expect(limited.status == 74, "\(limited.errors)")
        #expect(limited.errors.contains("File too large"), "\(limited.errors)")
        let again = try Program.run(
            "bash",
            [
                "-c",
                "set -o pipefail; \(pull) --resume \(data)/.s3-put/ledger | \(tools)/s3-put --to file://\(data)",
            ])
        #expect(again.status == 0, "\(again.errors)")
        let verify = try Program.run(
            "ledgerctl", ["verify", "\(data)/.s3-put", "--from", "1", "--to", "30000"])
        #expect(verify.status == 0, "\(verify.text)")
    }

    /// As text the object is larger than the spool, so that it is the writing thread that meets the
    /// limit. The input is less than one read: all of it was taken in.
    @Test func `an object that cannot be written is 74, and the spool has what was read`() throws {
        let simulator = try Simulator(["--newest", "2000"])
        let place = try TemporaryDirectory()
        let data = place.path("data")
        let tools = Program.directory.path
        let put = "\(tools)/s3-put --to file://\(data) --format ndjson --compression none"
        let limited = try Program.run(
            "bash",
            [
                "-c",
                "\(tools)/rest-pull aggTrades --from 1 --to 2000 --base-url \(simulator.url) > \(place.path)/in;"
                    + "ulimit -f 400; trap '' XFSZ; exec \(put) < \(place.path)/in",
            ])
        #expect(limited.status == 74, "\(limited.errors)")
        #expect(limited.errors.contains("staging/"), "\(limited.errors)")
        #expect(limited.errors.contains("File too large"), "\(limited.errors)")
        let again = try Program.run("sh", ["-c", "exec \(put) < /dev/null"])
        #expect(again.status == 0, "\(again.errors)")
        #expect(again.errors.contains("2000 records in 1 object"), "\(again.errors)")
        let verify = try Program.run(
            "ledgerctl", ["verify", "\(data)/.s3-put", "--from", "1", "--to", "2000"])
        #expect(verify.status == 0, "\(verify.text)")
    }

    @Test func `a directory without the right to write is 77`() throws {
        let place = try TemporaryDirectory()
        let tool = try Self.copy(in: place)
        chmod(place.path, 0o555)
        let outcome = try Self.asSomebody([tool, "--to", "file://\(place.path)/data"])
        #expect(outcome.status == 77, "\(outcome.errors)")
        #expect(outcome.errors.contains(place.path), "\(outcome.errors)")
    }

    @Test func `a directory below one that may be passed but not listed takes objects`() throws {
        let place = try TemporaryDirectory()
        let tool = try Self.copy(in: place)
        chmod(place.path, 0o755)
        let (home, data) = (place.path("home"), place.path("home/data"))
        for path in [home, data] { try #require(mkdir(path, 0o755) == 0) }
        chmod(data, 0o777)
        chmod(home, getuid() == 0 ? 0o711 : 0o311)
        defer { chmod(home, 0o755) }
        let outcome = try Self.asSomebody([tool, "--to", "file://\(data)/objects"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("1 record in 1 object"), "\(outcome.errors)")
    }

    /// A copy of s3-put that everybody can reach: root may write everywhere, so there somebody else
    /// runs it.
    private static func copy(in place: TemporaryDirectory) throws -> String {
        // By another process: one that this process starts meanwhile would have inherited the open
        // copy, and what somebody may write to cannot be executed (ETXTBSY).
        let program = Program.directory.appendingPathComponent("s3-put").resolvingSymlinksInPath()
        let tool = place.path("s3-put")
        let copied = try Program.run("cp", [program.path, tool])
        #expect(copied.status == 0, "\(copied.errors)")
        return tool
    }

    /// Runs it with a record, as a user who is not root.
    private static func asSomebody(_ command: [String]) throws -> Program.Outcome {
        let other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        let words = (getuid() == 0 ? other : []) + command
        return try Program.run(words[0], Array(words.dropFirst()), input: frame())
    }

    @Test func `two writers of one ledger do not mix`() throws {
        let place = try TemporaryDirectory()
        let data = place.path("data")
        let holder = try BackgroundProgram(
            "sh",
            [
                "-c",
                "(echo ready; sleep 20) | (read line; echo $line; exec \(Program.directory.path)/s3-put --to file://\(data))",
            ])
        #expect(holder.firstLine() == "ready")
        let locked = waitUntil {
            FileManager.default.fileExists(atPath: "\(data)/.s3-put/spool/lock")
        }
        #expect(locked)
        let outcome = try Program.run("s3-put", ["--to", "file://\(data)"], input: Self.frame())
        #expect(outcome.status == 75, "\(outcome.errors)")
        #expect(outcome.errors.contains("is in use by process"), "\(outcome.errors)")
    }

    struct ConfigCase: Sendable {
        let yaml: String
        let message: String
    }

    @Test(arguments: [
        ConfigCase(
            yaml: "dedup:\n  windw: 5\n",
            message: ":2: unknown key dedup.windw; did you mean dedup.window?"),
        ConfigCase(
            yaml: "dedup:\n  window: many\n",
            message: ":2: dedup.window: \"many\" is not a whole number"),
        ConfigCase(yaml: "dedup: [1\n", message: "yaml"),
        ConfigCase(yaml: "dedup:\n  window: ${NOT_SET_ANYWHERE}\n", message: "NOT_SET_ANYWHERE"),
    ])
    func `a wrong configuration file is 78 with file and line`(_ wrong: ConfigCase) throws {
        let place = try TemporaryDirectory()
        let file = place.path("local.yaml")
        try wrong.yaml.write(toFile: file, atomically: true, encoding: .utf8)
        let outcome = try Program.run("dedup", ["--config", file])
        #expect(outcome.status == 78, "\(outcome.errors)")
        // A log line is JSON: quotes in its message are escaped.
        let message = outcome.errors.replacingOccurrences(of: "\\\"", with: "\"")
        #expect(message.contains(wrong.message), "\(outcome.errors)")
    }

    @Test func `settings come from flag, environment, file and default, in this order`() throws {
        let place = try TemporaryDirectory()
        let file = place.path("local.yaml")
        try "dedup:\n  window: 11\n".write(toFile: file, atomically: true, encoding: .utf8)
        func explained(_ arguments: [String], _ environment: [String: String] = [:]) throws
            -> String
        {
            let outcome = try Program.run(
                "dedup", ["--explain-config"] + arguments, environment: environment)
            #expect(outcome.status == 0, "\(outcome.errors)")
            return outcome.text.split(separator: "\n").first { $0.hasPrefix("dedup.window") }
                .map(String.init) ?? ""
        }
        #expect(try explained([]).hasSuffix("default"))
        #expect(try explained(["--config", file]).contains("11"))
        #expect(try explained(["--config", file]).hasSuffix("local.yaml:2"))
        let environment = ["DEDUP__WINDOW": "12"]
        #expect(
            try explained(["--config", file], environment).hasSuffix("environment DEDUP__WINDOW"))
        #expect(
            try explained(["--config", file, "--window", "13"], environment).hasSuffix("--window"))
    }

    @Test(arguments: ["rest-pull", "dedup", "s3-put", "recq", "ledgerctl", "exchange-sim"])
    func `help and version are there`(tool: String) throws {
        let help = try Program.run(tool, ["--help"])
        #expect(help.status == 0)
        #expect(help.text.contains("USAGE: \(tool)"))
        let version = try Program.run(tool, ["--version"])
        #expect(version.text.split(separator: ".").count == 3)
    }
}
