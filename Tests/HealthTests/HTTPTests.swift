import Foundation
import Stats
import TestSupport
import Testing

/// healthd as a server: shapes, codes, and clients that mean it ill.
struct HTTPTests {
    private func start(
        _ rules: [String] = [], arguments: [String] = [], environment: [String: String] = [:]
    ) throws -> (Health, StatsWriter) {
        let health = try Health(
            rules + ["heartbeat_seconds: 600"], arguments: arguments, environment: environment)
        let stats = try StatsWriter(
            directory: health.stats, stage: "s3-put", instance: "fake")
        stats.counter("records_out", help: "Records delivered.").add(5)
        stats.enter(.running)
        return (health, stats)
    }

    @Test func `the answers have the shapes of the service that this replaces`() throws {
        let (health, stats) = try start()
        #expect(try waitUntil { try health.isRunning("s3-put.fake") })
        let index = try health.get("/").json
        for key in ["service", "version", "description", "endpoints", "timestamp"] {
            #expect(index[key] != nil, "\(key)")
        }
        let healthy = try health.get("/health")
        #expect(
            healthy.status == 200 && healthy.json["status"] as? String == "healthy",
            "\(healthy.status)")
        #expect(healthy.json["service"] as? String == "bitcoin-ingestor")
        let detailed = try health.get("/health/detailed").json
        #expect(detailed["overall_status"] as? String == "healthy")
        let components = try #require(detailed["components"] as? [String: [String: Any]])
        #expect(Set(components.keys).isSuperset(of: ["s3_writer", "s3-put", "s3-put.fake"]))
        let writer = try #require(components["s3_writer"])
        #expect(writer["status"] as? String == "healthy" && writer["issues"] is [String])
        #expect((writer["stats"] as? [String: Any])?["records_out"] as? Int == 5)
        let service = try #require(
            (try health.get("/stats").json["stats"] as? [String: Any])?["service"]
                as? [String: Any])
        #expect(
            Set(service.keys) == [
                "mode", "environment", "uptime_seconds", "running", "messages_processed",
                "records_written_s3",
                "records_sent_kinesis", "errors", "last_activity",
            ])
        #expect(service["records_written_s3"] as? Int == 5)
        let component = try health.get("/health/components/s3_writer").json
        #expect(component["component"] as? String == "s3_writer" && component["details"] != nil)
        stats.end(exitCode: 74)
        let failed = try health.waitFor("stage_failed")
        #expect(failed != nil)
        let sick = try health.get("/health")
        #expect(
            sick.status == 503 && (sick.json["issues"] as? [String])?.isEmpty == false,
            "\(sick.status)")
        #expect(try health.get("/health/detailed").status == 503)
        #expect(try health.get("/stats").status == 200)
    }

    @Test(arguments: [
        ("/health", "GET", 200), ("/health?verbose=1", "GET", 200), ("/nothing", "GET", 404),
        ("/health/components/nobody", "GET", 404), ("/health", "POST", 405),
        ("/metrics", "DELETE", 405), ("/../etc/passwd", "GET", 404), ("/nothing", "POST", 404),
        ("/live", "HEAD", 200), ("/metrics", "HEAD", 200), ("/nothing", "HEAD", 404),
        ("/health/", "GET", 200), ("/ready/", "HEAD", 200), ("/", "OPTIONS", 200),
        ("/ready", "OPTIONS", 200), ("/complete", "OPTIONS", 200), ("/nothing", "OPTIONS", 404),
    ])
    func `paths and methods have their codes`(path: String, method: String, code: Int) throws {
        let (health, stats) = try start()
        #expect(try waitUntil { try health.isRunning("s3-put.fake") })
        let reply = try health.get(path, method == "HEAD" ? ["-I"] : ["-X", method])
        #expect(reply.status == code)
        if method == "HEAD" { #expect(reply.text.isEmpty) }
        if code == 405 { #expect(reply.headers.contains("allow: get, head, options")) }
        if method == "OPTIONS", code == 200 {
            #expect(reply.headers.contains("allow: get, head, options"), "\(reply.headers)")
        }
        withExtendedLifetime(stats) {}
    }

    @Test func `a scraper gets the format that it asks for, and the port of figures has only them`()
        throws
    {
        let (health, stats) = try start()
        #expect(try waitUntil { try health.isRunning("s3-put.fake") })
        let text = try health.get("/metrics")
        #expect(text.headers.contains("content-type: text/plain; version=0.0.4"))
        let open = try health.get(
            health.metrics,
            ["-H", "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5"])
        #expect(open.headers.contains("content-type: application/openmetrics-text; version=1.0.0"))
        #expect(open.text.hasSuffix("# EOF\n") && !text.text.contains("# EOF"))
        let plain = try health.get(
            health.metrics,
            ["-H", "Accept: application/openmetrics-text;q=0.1,text/plain;q=0.5"])
        #expect(plain.headers.contains("text/plain"))
        let other = health.metrics.replacing("/metrics", with: "/health")
        #expect(try Health.fetch(other).status == 404)
        withExtendedLifetime(stats) {}
    }

    @Test func `without its token nobody gets an answer`() throws {
        let (health, stats) = try start(environment: ["HEALTH_TOKEN": "secret-1"])
        #expect(try health.get("/health").status == 401)
        #expect(try health.get("/metrics", ["-H", "Authorization: Bearer secret-2"]).status == 401)
        #expect(try health.get("/live", ["-H", "Authorization: Bearer secret-1"]).status == 200)
        #expect(try Health.fetch(health.metrics).status == 401)
        // Probes of a load balancer or of Kubernetes have none.
        #expect(try health.get("/live").status == 200)
        #expect(try health.get("/live", ["-H", "Host: evil.example"]).status == 200)
        withExtendedLifetime(stats) {}
    }

    @Test func `with a certificate it speaks TLS, and nothing else`() throws {
        let place = try TemporaryDirectory()
        let (certificate, key) = (place.path("cert.pem"), place.path("key.pem"))
        let made = try Program.run(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj",
                "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
            ])
        try #require(made.status == 0, "\(made.errors)")
        let (health, stats) = try start(
            arguments: ["--tls-certificate", certificate, "--tls-key", key])
        #expect(health.url.hasPrefix("https://"))
        #expect(try health.get("/live", ["--cacert", certificate]).status == 200)
        #expect(try health.get("/live").status == 0)
        let plain = health.url.replacing("https://", with: "http://")
        #expect(try Health.fetch(plain + "/live").status == 0)
        withExtendedLifetime(stats) {}
    }

    @Test func `huge headers and bytes that are no HTTP end their connection only`() throws {
        let (health, stats) = try start()
        let long = String(repeating: "x", count: 120_000)
        let reply = try health.get("/health", ["-H", "X-Long: \(long)"])
        #expect(reply.status == 0 || reply.status >= 400)
        let socket = try RawSocket(health.url)
        socket.send("\u{16}\u{3}\u{1} this is not HTTP\r\n\r\n")
        #expect(waitUntil { socket.isClosed })
        #expect(try health.get("/live").status == 200)
        withExtendedLifetime(stats) {}
    }

    @Test func `clients that are slow or silent are let go, and others are served meanwhile`()
        throws
    {
        let (health, stats) = try start(["request_seconds: 1"])
        let silent = try RawSocket(health.url)
        let slow = try RawSocket(health.url)
        slow.send("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        #expect(try health.get("/live").status == 200)
        // A byte now and then does not help.
        #expect(
            waitUntil {
                slow.send("x")
                return slow.isClosed
            })
        #expect(waitUntil { silent.isClosed })
        let halfOpen = try RawSocket(health.url)
        halfOpen.send("GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        halfOpen.endSending()
        #expect(
            waitUntil { halfOpen.isClosed || halfOpen.received.contains("alive") },
            "\(halfOpen.received)")
        #expect(halfOpen.received.contains("alive"))
        withExtendedLifetime(stats) {}
    }

    @Test func `ten thousand connections do not keep others out, nor take its memory`() throws {
        let (health, stats) = try start()
        var open: [RawSocket] = []
        // All at once where this process may open so many files; the tests beside it need some.
        let atOnce = min(10_000, try Self.raiseFileLimit() - 2000)
        for number in 0..<10_000 {
            if open.count >= max(400, atOnce) { open.removeFirst(200) }
            if let socket = try? RawSocket(health.url) { open.append(socket) }
            if number % 2500 == 0 { #expect(try health.get("/live").status == 200) }
        }
        #expect(try health.get("/health").status == 200)
        let status = try String(
            contentsOfFile: "/proc/\(health.program.pid)/status", encoding: .utf8)
        let memory = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }?
            .split { !$0.isNumber }.first.flatMap { Int($0) }
        print("\(open.count) connections at once")
        // A debug build; what a release takes is in docs/performance.md.
        #expect(try #require(memory) < 60_000)
        withExtendedLifetime((stats, open)) {}
    }

    @Test func `settings of a running stage can be read, and no secret is in them`() throws {
        let health = try Health(
            ["token: hunter2-hunter2"], lines: ["environment: dev", "mode: both"])
        let token = ["-H", "Authorization: Bearer hunter2-hunter2"]
        #expect(try health.get("/stages/healthd.main/settings").status == 401)
        var reply = try health.get("/stages/healthd.main/settings", token)
        #expect(
            try waitUntil {
                reply = try health.get("/stages/healthd.main/settings", token)
                return reply.status == 200
            })
        let settings = try #require(reply.json["settings"] as? [[String: Any]], "\(reply.text)")
        func item(_ key: String) -> [String: Any] {
            settings.first { $0["key"] as? String == key } ?? [:]
        }
        #expect(item("environment")["value"] as? String == "dev")
        #expect((item("environment")["origin"] as? String)?.hasSuffix("config.yaml:4") == true)
        #expect(item("health.token")["value"] as? String == "(set)")
        #expect(item("metrics.prometheus_port")["flag"] as? String == "--metrics-port PORT")
        #expect(!reply.text.contains("hunter2"))
        #expect(try health.get("/stages/dedup.none/settings", token).status == 404)
        #expect(try health.get("/stages/..%2fx/settings", token).status == 404)
        let stats = try health.get("/stats", token).json["stats"] as? [String: Any]
        let service = stats?["service"] as? [String: Any]
        #expect(service?["environment"] as? String == "dev")
        #expect(service?["mode"] as? String == "both")
    }
}

extension HTTPTests {
    /// - Returns: how many files this process may have open now.
    private static func raiseFileLimit() throws -> Int {
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        try #require(getrlimit(files, &limit) == 0)
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(files, &limit)
        try #require(getrlimit(files, &limit) == 0)
        return Int(clamping: limit.rlim_cur)
    }
}

/// A TCP connection without manners.
final class RawSocket {
    private let descriptor: Int32
    private(set) var received = ""
    private var hasEnded = false

    init(_ url: String) throws {
        let port = try #require(UInt16(url.split(separator: ":").last ?? ""))
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            close(descriptor)
            throw CocoaError(.fileReadUnknown)
        }
    }

    deinit { close(descriptor) }

    func send(_ text: String) {
        _ = Array(text.utf8).withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
    }

    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// True once the other side closed; takes what it sent before.
    var isClosed: Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !hasEnded {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count > 0 {
                received += String(decoding: buffer.prefix(count), as: UTF8.self)
            } else if count == 0 || errno != EAGAIN {
                hasEnded = true
            } else {
                return false
            }
        }
        return true
    }

}
