import Foundation
import TestSupport
import Testing

/// `dedup --shared`: several hosts, one Redis server.
@Suite(.enabled(if: Program.exists("redis-server"), "no redis-server"))
struct SharedDedupTests {
    /// A Redis server of the system, at a socket of its own.
    private final class Server {
        let place: TemporaryDirectory
        private var program: BackgroundProgram?
        private let more: [String]

        var url: String { "unix://\(place.path("redis.sock"))" }

        init(_ more: [String] = []) throws {
            place = try TemporaryDirectory()
            self.more = more
            try start()
        }

        func start() throws {
            program = try BackgroundProgram(
                "redis-server",
                [
                    "--port", "0", "--unixsocket", place.path("redis.sock"), "--save", "",
                    "--dir", place.path, "--logfile", place.path("redis.log"),
                ] + more)
            let isThere = waitUntil(30) {
                (try? Program.run("redis-cli", ["-s", place.path("redis.sock"), "ping"]))?.text
                    .contains("P") == true
                    || FileManager.default.fileExists(atPath: place.path("redis.sock"))
            }
            try #require(isThere)
        }

        func stop() { program = nil }
    }

    private static let common = """
        "symbol":"BTCUSDT","source":"sbe","price_exponent":-8,"qty_exponent":-8,\
        "event_time_us":1704067200000000,"ingest_time_ns":"1704067200000000001","venue":1,"flags":0
        """

    /// Trades with these ids, as frames.
    private static func trades(_ ids: some Sequence<Int>) throws -> [UInt8] {
        let lines = ids.map { id in
            """
            {"kind":"trade",\(common),"trade_id":\(id),"price":1,"qty":1,"is_buyer_maker":false,\
            "is_best_match":null}
            """
        }
        let packed = try Program.run(
            "recq", ["pack"], input: Array((lines.joined(separator: "\n") + "\n").utf8))
        try #require(packed.status == 0, "\(packed.errors)")
        return packed.output
    }

    private static func ids(_ records: [UInt8]) throws -> [Int64] {
        try LiveRecords.lines(records).map(\.first)
    }

    private func dedup(
        _ url: String, _ records: [UInt8], _ more: [String] = [], name: String = "test"
    ) throws -> Program.Outcome {
        try Program.run(
            "dedup", ["--shared", url, "--shared-name", name] + more, input: records)
    }

    /// A dedup beside the test, whose output can be looked at while it runs.
    private final class Host {
        let place: TemporaryDirectory
        let program: BackgroundProgram
        private let feed: FileHandle

        /// - Parameter isRead: false leaves what it writes in the pipe.
        init(_ url: String, lease: String = "1s", isRead: Bool = true) throws {
            place = try TemporaryDirectory()
            let fifo = place.path("in")
            mkfifo(fifo, 0o600)
            // Open for both, so that neither side waits for the other.
            let raw = open(fifo, O_RDWR)
            feed = FileHandle(fileDescriptor: raw, closeOnDealloc: true)
            let command =
                "exec \(Program.directory.path)/dedup --shared '\(url)' --shared-name test"
                + " --shared-lease \(lease) < \(fifo) 2> \(place.path("log"))"
            program = try BackgroundProgram(
                "/bin/sh", ["-c", command], output: isRead ? place.path("out") : nil)
        }

        func write(_ records: [UInt8]) { feed.write(Data(records)) }

        var output: [UInt8] {
            LiveRecords.whole(
                (try? Data(contentsOf: URL(fileURLWithPath: place.path("out")))).map(Array.init)
                    ?? [])
        }
        var log: String { (try? String(contentsOfFile: place.path("log"), encoding: .utf8)) ?? "" }
        func says(_ words: String) -> Bool { waitUntil(30) { log.contains(words) } }
    }

    @Test func `what one host passed on, another does not, now and in a later run`() throws {
        let server = try Server()
        let records = try Self.trades(1...3000)
        let first = try dedup(server.url, records)
        #expect(first.status == 0 && first.output == records, "\(first.errors)")
        let second = try dedup(server.url, records)
        #expect(second.status == 0 && second.output.isEmpty, "\(second.errors)")
        let third = try dedup(server.url, try Self.trades(2990...3010))
        #expect(try Self.ids(third.output) == Array(3001...3010))
        // Another destination knows nothing of it.
        #expect(try dedup(server.url, records, name: "other").output == records)
    }

    @Test func `a broken record claims nothing, so that its whole copy passes on another host`()
        throws
    {
        let server = try Server()
        let good = try Self.trades(1...5)
        // The root block ends with the prefix; and one trade that says it is five.
        var broken = try Self.trades(3...3)
        (broken[6], broken[7]) = (72, 0)
        var wide = try Self.trades(1...1)
        wide[38] = 5
        let first = try dedup(server.url, broken + wide)
        #expect(first.status == 0 && first.output == broken + wide, "\(first.errors)")
        let second = try dedup(server.url, good)
        #expect(second.status == 0, "\(second.errors)")
        #expect(try Self.ids(second.output) == Array(1...5))
    }

    @Test func `two hosts at once pass each record on once, and each fills the other's holes`()
        throws
    {
        let server = try Server()
        let (one, two) = (try Host(server.url), try Host(server.url))
        #expect(one.says("claims are shared") && two.says("claims are shared"))
        for start in stride(from: 1, to: 2000, by: 100) {
            // Each misses some that the other has.
            one.write(try Self.trades((start..<start + 100).filter { $0 % 97 != 0 }))
            two.write(try Self.trades((start..<start + 100).filter { $0 % 89 != 0 }))
        }
        let wanted = Set((1...2000).map(Int64.init))
        func seen() throws -> [Int64] { try Self.ids(one.output) + Self.ids(two.output) }
        #expect(try waitUntil(60) { try Set(seen()) == wanted }, "\(one.log) \(two.log)")
        let count = try seen().count
        #expect(count == 2000, "repeats: \(count - 2000)")
        let shares = try [Self.ids(one.output).count, Self.ids(two.output).count].sorted()
        print("shares of two hosts: \(shares)")
    }

    @Test func `a host that is killed before its sink has a record has claimed nothing`() throws {
        let server = try Server()
        let stuck = try Host(server.url, isRead: false)
        #expect(stuck.says("claims are shared"))
        let records = try Self.trades(1...200)
        stuck.write(records)
        // It has the lease, and its reader takes nothing.
        func owner() throws -> String {
            try Program.run(
                "redis-cli", ["-s", server.place.path("redis.sock"), "get", "test:owner:BTCUSDT"]
            ).text.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        #expect(try waitUntil(30) { try !owner().isEmpty })
        let before = try owner()
        let other = try Host(server.url)
        #expect(other.says("claims are shared"))
        other.write(records)
        kill(stuck.program.pid, SIGKILL)
        #expect(
            try waitUntil(60) { try Self.ids(other.output) == Array(1...200) },
            "\(other.log)")
        #expect(try waitUntil(30) { try owner() != before })
    }

    /// Until its lease ran out the next process would keep records in memory, and lose them with a second
    /// kill; the lease here is longer than the test.
    @Test func `a process takes over at once what a killed one of its host had`() throws {
        let server = try Server()
        for part in 0..<5 {
            let host = try Host(server.url, lease: "10m")
            #expect(host.says("claims are shared"))
            let ids = (part * 100 + 1)...(part * 100 + 100)
            host.write(try Self.trades(ids))
            #expect(
                try waitUntil(30) { try Self.ids(host.output) == ids.map(Int64.init) },
                "part \(part): \(host.log)")
            kill(host.program.pid, SIGKILL)
            #expect(waitUntil(30) { host.program.hasEnded }, "\(host.log)")
        }
        // One that lives keeps its lease.
        let one = try Host(server.url, lease: "10m")
        one.write(try Self.trades(501...600))
        #expect(try waitUntil(30) { try Self.ids(one.output).count == 100 }, "\(one.log)")
        let two = try Host(server.url, lease: "10m")
        #expect(two.says("claims are shared"))
        two.write(try Self.trades(501...700))
        one.write(try Self.trades(601...700))
        #expect(try waitUntil(30) { try Self.ids(one.output).count == 200 }, "\(one.log)")
        #expect(try Self.ids(two.output) == [])
    }

    @Test(arguments: [
        ("moved", "member of a cluster"), ("oom", "does not accept writes"),
        ("wild", "not in Redis' protocol"),
        ("huge", "not in Redis' protocol"), ("negative", "not in Redis' protocol"),
        ("deep", "not in Redis' protocol"), ("chatty", "more than it was asked"),
        ("escape", "ERR ?[31mred?"), ("silent", "did not answer in time"),
    ])
    func `a server that is of no use is named once, and all records pass`(
        answer: String, words: String
    ) throws {
        let python = try #require(Python.path)
        let script = packageRoot.appendingPathComponent("Tests/ToolTests/scripted_redis.py").path
        let server = try BackgroundProgram(python, [script, answer])
        let url = "redis://127.0.0.1:\(server.firstLine())/3"
        let records = try Self.trades(1...50)
        let outcome = try dedup(url, records, ["--shared-timeout", "300ms"])
        #expect(outcome.status == 0 && outcome.output == records, "\(outcome.errors)")
        let warnings = outcome.errors.split(separator: "\n").filter { $0.contains("not shared") }
        #expect(warnings.count == 1 && warnings[0].contains(words), "\(outcome.errors)")
    }

    @Test func `a wrong password and a replica are told apart, and no secret is in the log`() throws
    {
        let records = try Self.trades(1...50)
        let locked = try Server(["--requirepass", "right"])
        let socket = locked.url.dropFirst(7)
        for (user, words) in [
            ("", "refuses user or password"), (":wr0ng@", "refuses user or password"),
        ] {
            let outcome = try dedup("unix://\(user)\(socket)", records)
            #expect(outcome.status == 0 && outcome.output == records, "\(outcome.errors)")
            #expect(outcome.errors.contains(words) && !outcome.errors.contains("wr0ng"))
        }
        #expect(try dedup("unix://:right@\(socket)", records).errors.contains("claims are shared"))
        let replica = try Server(["--replicaof", "127.0.0.1 1"])
        let outcome = try dedup(replica.url, records)
        #expect(outcome.output == records)
        #expect(outcome.errors.contains("read-only replica"), "\(outcome.errors)")
    }

    @Test func `a server that comes and goes is used while it is there`() throws {
        let server = try Server()
        server.stop()
        let host = try Host(server.url)
        #expect(host.says("not shared"), "\(host.log)")
        host.write(try Self.trades(1...10))
        #expect(try waitUntil(30) { try Self.ids(host.output).count == 10 })
        try server.start()
        #expect(host.says("claims are shared"), "\(host.log)")
        host.write(try Self.trades(11...20))
        #expect(try waitUntil(30) { try Self.ids(host.output).count == 20 })
        // What was claimed is known to another host.
        func second() throws -> Int {
            try Self.ids(try dedup(server.url, try Self.trades(11...20)).output).count
        }
        #expect(try waitUntil(30) { try second() == 0 })
        server.stop()
        #expect(
            waitUntil(30) { host.log.components(separatedBy: "not shared").count == 3 },
            "\(host.log)")
        host.write(try Self.trades(21...30))
        #expect(try waitUntil(30) { try Self.ids(host.output) == Array(1...30) }, "\(host.log)")
    }

    /// A server that speaks TLS alone, with a certificate for localhost.
    private static func secureServer(_ place: TemporaryDirectory) throws -> (BackgroundProgram, Int)
    {
        let made = try Program.run(
            "bash",
            [
                "-c",
                """
                set -e; cd "$0"
                new() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" "${@:2}"; }
                new authority -x509 -days 2 -keyout ca.key -out ca.pem
                new server -keyout server.key -out server.csr
                openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out server.pem \
                    -extfile <(echo subjectAltName=DNS:localhost,IP:127.0.0.1)
                """, place.path,
            ])
        try #require(made.status == 0, "\(made.errors)")
        // A port below those that the system gives away; it may be taken all the same.
        for _ in 0..<10 {
            let port = Int.random(in: 20_000..<32_000)
            let server = try BackgroundProgram(
                "redis-server",
                [
                    "--port", "0", "--tls-port", "\(port)", "--bind", "127.0.0.1 127.0.0.2",
                    "--save", "",
                    "--dir", place.path, "--logfile", place.path("log"), "--tls-cert-file",
                    place.path("server.pem"),
                    "--tls-key-file", place.path("server.key"), "--tls-ca-cert-file",
                    place.path("ca.pem"), "--tls-auth-clients", "no",
                ])
            func answers() throws -> Bool {
                try Program.run(
                    "redis-cli",
                    ["-p", "\(port)", "--tls", "--cacert", place.path("ca.pem"), "ping"]
                ).text.contains("PONG")
            }
            if try waitUntil(20, { try server.hasEnded || answers() }), !server.hasEnded {
                return (server, port)
            }
        }
        throw ServerFailure()
    }

    private struct ServerFailure: Error {}

    @Test func `claims are shared by TLS with a server that is known, and with no other`() throws {
        let place = try TemporaryDirectory()
        let (server, port) = try Self.secureServer(place)
        let records = try Self.trades(1...500)
        let trust = ["--shared-ca", place.path("ca.pem")]
        let first = try dedup("rediss://localhost:\(port)", records, trust)
        #expect(first.output == records && first.errors.contains("claims are shared"))
        let second = try dedup("rediss://127.0.0.1:\(port)", records, trust)
        #expect(second.status == 0 && second.output.isEmpty, "\(second.errors)")
        // Records pass all the same where the server cannot be believed.
        for (url, more, words) in [
            ("rediss://localhost:\(port)", [], "certificate is not trusted"),
            ("rediss://127.0.0.2:\(port)", trust, "IP address mismatch"),
            ("redis://localhost:\(port)", [], "not shared"),
        ] {
            let outcome = try dedup(url, records, more)
            #expect(outcome.status == 0 && outcome.output == records, "\(outcome.errors)")
            #expect(outcome.errors.contains(words), "\(words): \(outcome.errors)")
            #expect(!outcome.errors.contains("claims are shared with"), "\(outcome.errors)")
        }
        for (file, words) in [
            (place.path("none.pem"), "No such file"), ("/dev/null", "no certificate"),
        ] {
            let outcome = try dedup(
                "rediss://localhost:\(port)", records, ["--shared-ca", file])
            #expect(outcome.status == 78 && outcome.errors.contains(words), "\(outcome.errors)")
            #expect(outcome.output.isEmpty)
        }
        withExtendedLifetime(server) {}
    }

    @Test(arguments: [
        (["--shared", "redis://h"], "--shared needs --shared-name"),
        (["--shared", "http://h", "--shared-name", "a"], "is not redis://"),
        (["--shared", "redis://:p@:6379", "--shared-name", "a"], "has no host"),
        (["--shared", "redis://h:99999", "--shared-name", "a"], "is not a port"),
        (["--shared", "redis://h/x", "--shared-name", "a"], "is not a database"),
        (["--shared", "redis://name@h", "--shared-name", "a"], "user without a password"),
        (["--shared", "unix://relative", "--shared-name", "a"], "absolute path"),
    ])
    func `what is not an address is wrong usage`(words: [String], hint: String) throws {
        let outcome = try Program.run("dedup", words)
        #expect(outcome.status == 64 && outcome.errors.contains(hint), "\(outcome.errors)")
    }
}
