import Foundation
import Stats
import TestSupport
import Testing

/// Requests byte by byte, in every form that RFC 9112 has for them and some that it forbids.
struct RequestFormTests {
    struct Form: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: String
        /// Statuses of the answers, in order; interim ones count.
        let statuses: [Int]
        /// True when the server ends the connection after them.
        var closes = false
        /// In the answers.
        var contains = ""
    }

    private static func get(_ target: String, _ fields: String...) -> String {
        "GET \(target) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            + fields.map { $0 + "\r\n" }.joined() + "\r\n"
    }

    static let forms = [
        // Targets (section 3.2).
        Form(testDescription: "origin form", bytes: get("/live"), statuses: [200]),
        Form(testDescription: "query", bytes: get("/live?a=/b%20c&d"), statuses: [200]),
        Form(
            testDescription: "absolute form, as from a proxy",
            bytes: get("http://127.0.0.1:8080/live?x=1"), statuses: [200], contains: "alive"),
        Form(
            testDescription: "absolute form without a path",
            bytes: get("HTTP://localhost"), statuses: [200], contains: "endpoints"),
        Form(
            testDescription: "the absolute form's host counts, not the field",
            bytes: get("http://evil.example/health"), statuses: [403]),
        Form(
            testDescription: "absolute form with a user",
            bytes: get("http://me@127.0.0.1/live"), statuses: [400]),
        Form(
            testDescription: "asterisk form",
            bytes: "OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", statuses: [200],
            contains: "Allow: GET, HEAD, OPTIONS"),
        Form(
            testDescription: "the asterisk through a proxy",
            bytes: "OPTIONS http://127.0.0.1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            statuses: [200], contains: "Allow: GET, HEAD, OPTIONS"),
        Form(
            testDescription: "authority form",
            bytes: "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n",
            statuses: [405], closes: true, contains: "Allow: GET, HEAD, OPTIONS"),
        Form(testDescription: "a trailing slash", bytes: get("/live/"), statuses: [200]),
        Form(testDescription: "slashes in a row", bytes: get("//live//"), statuses: [200]),
        Form(testDescription: "escaped letters", bytes: get("/%6Ci%76e"), statuses: [200]),
        Form(
            testDescription: "an escaped slash is not one", bytes: get("/%2Flive"), statuses: [404]),
        Form(
            testDescription: "a target that is not one", bytes: get("live"), statuses: [400],
            closes: true),
        // Host (section 3.2).
        Form(
            testDescription: "no Host in 1.1", bytes: "GET /live HTTP/1.1\r\n\r\n", statuses: [400]),
        Form(
            testDescription: "no Host in 1.0", bytes: "GET /live HTTP/1.0\r\n\r\n", statuses: [200],
            closes: true),
        Form(
            testDescription: "two Hosts", bytes: get("/live", "Host: 127.0.0.1"), statuses: [400]),
        Form(
            testDescription: "a Host with a path",
            bytes: "GET /live HTTP/1.1\r\nHost: a/b\r\n\r\n", statuses: [400]),
        Form(
            testDescription: "an empty Host",
            bytes: "GET /live HTTP/1.1\r\nHost:\r\n\r\n", statuses: [200]),
        Form(
            testDescription: "an empty Host where no token protects",
            bytes: "GET /health HTTP/1.1\r\nHost:\r\n\r\n", statuses: [403]),
        // Methods.
        Form(
            testDescription: "HEAD", bytes: "HEAD /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            statuses: [200]),
        Form(
            testDescription: "a method that is not for this",
            bytes: "DELETE /live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", statuses: [405],
            contains: "Allow: GET, HEAD, OPTIONS"),
        Form(
            testDescription: "an unknown method",
            bytes: "FETCH /live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", statuses: [501],
            closes: true),
        Form(
            testDescription: "a method in small letters",
            bytes: "get /live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", statuses: [501], closes: true),
        // Versions and connections (section 9).
        Form(
            testDescription: "1.0 with keep-alive",
            bytes: "GET /live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", statuses: [200],
            contains: "Connection: keep-alive"),
        Form(
            testDescription: "1.1 with close", bytes: get("/live", "Connection: close"),
            statuses: [200], closes: true, contains: "Connection: close"),
        Form(
            testDescription: "HTTP/2 without being asked",
            bytes: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", statuses: [400], closes: true),
        Form(
            testDescription: "HTTP/3",
            bytes: "GET /live HTTP/3.0\r\nHost: 127.0.0.1\r\n\r\n", statuses: [505],
            closes: true),
        // A higher minor version is served as the highest known (RFC 9110, section 2.5).
        Form(
            testDescription: "HTTP/1.2, twice on one connection",
            bytes: String(repeating: "GET /live HTTP/1.2\r\nHost: 127.0.0.1\r\n\r\n", count: 2),
            statuses: [200, 200], contains: "HTTP/1.1 200"),
        Form(
            testDescription: "HTTP/1.9 after a body that looks like a request of it",
            bytes: get("/live", "Content-Length: 19") + "GET /x HTTP/1.9\r\n\r\n"
                + "HEAD /live HTTP/1.9\r\nHost: 127.0.0.1\r\n\r\n", statuses: [200, 200]),
        Form(
            testDescription: "HTTP/1.2 needs a Host as 1.1 does",
            bytes: "GET /live HTTP/1.2\r\nX-Version: a HTTP/1.2\r\n\r\n", statuses: [400],
            contains: "needs a Host"),
        Form(
            testDescription: "HTTP/1.2, as typed into nc", bytes: "GET /live HTTP/1.2\nHost:\n\n",
            statuses: [200], contains: "alive"),
        Form(
            testDescription: "a minor version of two digits is not one of HTTP's",
            bytes: "GET /live HTTP/1.22\r\nHost: 127.0.0.1\r\n\r\n", statuses: [505],
            closes: true),
        Form(
            testDescription: "a version in small letters",
            bytes: "GET /live http/1.1\r\nHost: 127.0.0.1\r\n\r\n", statuses: [400],
            closes: true),
        Form(
            testDescription: "a request line without a version", bytes: "GET /live\r\n\r\n",
            statuses: [505], closes: true),
        Form(
            testDescription: "HTTP/0.9", bytes: "GET /live HTTP/0.9\r\n\r\n", statuses: [505],
            closes: true),
        Form(
            testDescription: "HTTP/2.0 by its name alone",
            bytes: "GET /live HTTP/2.0\r\nHost: 127.0.0.1\r\n\r\n", statuses: [505],
            closes: true),
        Form(
            testDescription: "HTTP/2 by an upgrade is passed over",
            bytes: get(
                "/live", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
                "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"), statuses: [200]),
        Form(
            testDescription: "empty lines first", bytes: "\r\n\r\n" + get("/live"), statuses: [200]),
        Form(
            testDescription: "lines that end with LF alone, as typed into nc",
            bytes: "\nGET /live HTTP/1.0\nX-A: a\n\n", statuses: [200], closes: true,
            contains: "alive"),
        Form(
            testDescription: "both kinds of lines, then one of HTTP's own",
            bytes: "GET /live HTTP/1.1\r\nHost: 127.0.0.1\nX-A: a\r\n\n" + get("/live"),
            statuses: [200, 200]),
        Form(
            testDescription: "three in a row",
            bytes: get("/live") + get("/nothing") + get("/live"), statuses: [200, 404, 200]),
        Form(
            testDescription: "nothing after a close",
            bytes: get("/live", "Connection: close") + get("/live"), statuses: [200], closes: true),
        // Fields (section 5).
        Form(
            testDescription: "a folded field", bytes: get("/live", "X-A: a", " b"), statuses: [400],
            closes: true),
        Form(
            testDescription: "a blank before the colon", bytes: get("/live", "X-A : a"),
            statuses: [400], closes: true),
        Form(
            testDescription: "any case, and blanks around the value",
            bytes: "GET /live HTTP/1.1\r\nhOsT: \t 127.0.0.1 \t\r\n\r\n", statuses: [200]),
        Form(
            testDescription: "a field that is too long",
            bytes: get("/live", "X-A: " + String(repeating: "a", count: 90_000)), statuses: [431],
            closes: true),
        // Bodies (section 6).
        Form(
            testDescription: "a body that means nothing",
            bytes: get("/live", "Content-Length: 5") + "hello" + get("/live"),
            statuses: [200, 200]),
        Form(
            testDescription: "a body in chunks, with an extension and a trailer",
            bytes: get("/live", "Transfer-Encoding: chunked")
                + "5;a=b\r\nhello\r\n0\r\nX-T: t\r\n\r\n" + get("/live"), statuses: [200, 200]),
        Form(
            testDescription: "two lengths",
            bytes: get("/live", "Content-Length: 5", "Content-Length: 6") + "hello!",
            statuses: [400], closes: true),
        Form(
            testDescription: "a length and chunks",
            bytes: get("/live", "Content-Length: 5", "Transfer-Encoding: chunked")
                + "0\r\n\r\n", statuses: [400], closes: true),
        Form(
            testDescription: "a length that is no number", bytes: get("/live", "Content-Length: x"),
            statuses: [400], closes: true),
        Form(
            testDescription: "a negative length", bytes: get("/live", "Content-Length: -1"),
            statuses: [400], closes: true),
        Form(
            testDescription: "a chunk size that is none",
            bytes: get("/live", "Transfer-Encoding: chunked") + "zz\r\n", statuses: [400],
            closes: true),
        Form(
            testDescription: "chunks that are not the last coding",
            bytes: get("/live", "Transfer-Encoding: chunked, gzip") + "0\r\n\r\n",
            statuses: [400], closes: true),
        Form(
            testDescription: "a coding that is not known",
            bytes: get("/live", "Transfer-Encoding: gzip, chunked") + "0\r\n\r\n",
            statuses: [501], closes: true),
        Form(
            testDescription: "a body that is too long",
            bytes: get("/live", "Content-Length: 99999"),
            statuses: [413], closes: true),
        Form(
            testDescription: "chunks that are too long",
            bytes: get("/live", "Transfer-Encoding: chunked") + "11170\r\n"
                + String(repeating: "a", count: 0x11170), statuses: [413], closes: true),
        Form(
            testDescription: "100-continue",
            bytes: get("/live", "Content-Length: 2", "Expect: 100-continue") + "ab",
            statuses: [100, 200]),
        Form(
            testDescription: "an expectation that is not known", bytes: get("/live", "Expect: tea"),
            statuses: [417], closes: true),
        Form(
            testDescription: "no answer before a body that is refused",
            bytes: get("/live", "Content-Length: 99999", "Expect: 100-continue"),
            statuses: [413], closes: true),
        Form(
            testDescription: "TLS", bytes: "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", statuses: [501],
            closes: true),
    ]

    @Test func `each form of a request has its answer`() throws {
        let health = try Health(["heartbeat_seconds: 600"])
        let stats = try StatsWriter(directory: health.stats, stage: "s3-put", instance: "fake")
        stats.enter(.running)
        #expect(try waitUntil { try health.isRunning("s3-put.fake") })
        for form in Self.forms {
            let socket = try RawSocket(health.url)
            socket.send(form.bytes)
            let isDone = waitUntil(10) {
                _ = socket.isClosed
                return Self.statuses(socket.received).count >= form.statuses.count
            }
            let closed = form.closes ? waitUntil(10) { socket.isClosed } : socket.isClosed
            let statuses = Self.statuses(socket.received)
            #expect(isDone && statuses == form.statuses, "\(form): \(statuses) \(socket.received)")
            #expect(closed == form.closes, "\(form): closed \(closed)")
            #expect(
                form.contains.isEmpty || socket.received.contains(form.contains),
                "\(form): \(socket.received)")
            #expect(socket.received.contains("\r\nDate: "), "\(form)")
        }
        #expect(try health.get("/live").status == 200)
        withExtendedLifetime(stats) {}
    }

    private static func statuses(_ text: String) -> [Int] {
        text.components(separatedBy: "HTTP/1.").dropFirst().compactMap {
            Int($0.dropFirst(2).prefix(3))
        }
    }

    @Test func `a long answer is compressed for whoever takes that, and only then`() throws {
        let health = try Health(["heartbeat_seconds: 600"])
        let stats = try StatsWriter(directory: health.stats, stage: "s3-put", instance: "fake")
        stats.enter(.running)
        #expect(try waitUntil { try health.isRunning("s3-put.fake") })
        for (accept, isCompressed) in [
            ("gzip, deflate", true), ("*", true), ("gzip;q=0", false), ("identity", false),
            ("gzip;q=0, *", false), ("br", false), ("deflate, gzip ; q=0.5", true),
        ] {
            let plain = try health.get(health.metrics, ["-H", "Accept-Encoding: \(accept)"])
            #expect(plain.headers.contains("content-encoding: gzip") == isCompressed, "\(accept)")
            #expect(plain.headers.contains("accept-encoding"), "Vary for \(accept)")
            let read = try health.get(
                health.metrics, ["-H", "Accept-Encoding: \(accept)", "--compressed"])
            #expect(read.text.contains("ingestor_healthy"), "\(accept)")
        }
        withExtendedLifetime(stats) {}
    }
}
