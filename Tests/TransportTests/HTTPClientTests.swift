import Glibc
import TestSupport
import Testing
import Transport

struct HTTPClientTests {
    private func send(
        _ answers: [FaultServer.Answer], _ change: (inout HTTPRequest) -> Void = { _ in }
    ) throws -> (HTTPResponse, [FaultServer.Request]) {
        let server = FaultServer(answers)
        defer { server.stop() }
        var request = HTTPRequest(url: "\(server.url)/x", timeout: 20)
        change(&request)
        var client = try HTTPClient()
        return (try client.send(request), server.requests)
    }

    @Test func `a response is taken as it is, whatever its status`() throws {
        for status in [200, 204, 302, 404, 503] {
            let headers = [("X-One", " two ")] + (status == 302 ? [("Location", "/y")] : [])
            let body = status == 204 ? "" : "hello"
            let (response, requests) = try send([.respond(status, headers: headers, body: body)])
            #expect(response.status == status)
            #expect(response.header("x-ONE") == "two")
            #expect(String(decoding: response.body, as: UTF8.self) == body)
            #expect(requests.count == 1, "redirects are not followed")
        }
    }

    @Test func `a TLS handshake that breaks off may be tried again`() throws {
        let server = FaultServer([.close], hangsUp: true)
        defer { server.stop() }
        var client = try HTTPClient()
        do throws(TransportError) {
            _ = try client.send(HTTPRequest(url: "https://127.0.0.1:\(server.port)/"))
            Issue.record("no error")
        } catch {
            #expect(error.kind == .connect && error.isRetryable)
        }
    }

    @Test func `a path is sent as written`() throws {
        let (_, requests) = try send([.respond(200)]) { $0.url += "/a//../b/./c%2F?q=1" }
        #expect(requests[0].target == "/x/a//../b/./c%2F?q=1")
    }

    struct Failure: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let answer: FaultServer.Answer
        let kind: TransportError.Kind
        var isRetryable = true
    }

    static let failures = [
        Failure(testDescription: "closed", answer: .close, kind: .broken),
        Failure(testDescription: "stalled", answer: .stall, kind: .timeout),
        Failure(
            testDescription: "cut",
            answer: .raw(Array("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhe".utf8)),
            kind: .broken),
        Failure(
            testDescription: "garbage", answer: .raw((0...255).map { UInt8($0) }), kind: .broken),
        Failure(
            testDescription: "over the limit, announced",
            answer: .respond(200, body: String(repeating: "x", count: 2000)), kind: .tooLarge),
        Failure(
            testDescription: "over the limit, unannounced",
            answer: .raw(
                Array("HTTP/1.1 200 OK\r\n\r\n\(String(repeating: "x", count: 2000))".utf8)),
            kind: .tooLarge),
    ]

    @Test(arguments: failures) func `a broken exchange is a typed error`(_ failure: Failure) throws
    {
        let error = #expect(throws: TransportError.self) {
            try send([failure.answer]) {
                $0.timeout = failure.kind == .timeout ? 0.2 : 20
                $0.maximumResponse = 1000
                $0.url += "?secret=1"
            }
        }
        #expect(error?.kind == failure.kind)
        #expect(error?.url.contains("secret") == false)
    }

    @Test(arguments: [
        ("http://127.0.0.1:1/", TransportError.Kind.connect),
        ("file:///etc/passwd", .badRequest), ("ftp://127.0.0.1/", .badRequest),
        ("nonsense://x", .badRequest), ("http://", .badRequest),
    ])
    func `a URL that cannot be asked is a typed error`(_ url: String, _ kind: TransportError.Kind)
        throws
    {
        var client = try HTTPClient()
        do throws(TransportError) {
            _ = try client.send(HTTPRequest(url: url))
            Issue.record("no error")
        } catch {
            #expect(error.kind == kind)
        }
    }

    @Test func `a part of a file is sent, and sent again on a connection that had gone`() throws {
        let place = try TemporaryDirectory()
        let file = open(place.path("part"), O_RDWR | O_CREAT, 0o600)
        defer { close(file) }
        _ = write(file, "0123456789", 10)
        let server = FaultServer([.respond(200, keepsOpen: true), .close, .respond(201)])
        defer { server.stop() }
        var client = try HTTPClient()
        let request = HTTPRequest(
            method: "PUT", url: server.url,
            body: .file(path: place.path("part"), offset: 3, length: 5))
        #expect(try client.send(request).status == 200)
        #expect(try client.send(request).status == 201)
        let bodies = server.requests.map { String(decoding: $0.body, as: UTF8.self) }
        #expect(bodies == ["34567", "34567", "34567"])
        var short = request
        short.body = .file(path: place.path("part"), offset: 8, length: 5)
        do throws(TransportError) {
            _ = try client.send(short)
            Issue.record("no error")
        } catch {
            #expect(error.kind == .unreadable)
        }
    }

    @Test func `many exchanges run at once, and a readable descriptor ends a wait`() throws {
        let servers = (0..<4).map { _ in FaultServer([.respond(200, body: "ok")]) }
        let silent = FaultServer([.stall])
        defer { for server in servers + [silent] { server.stop() } }
        var client = try HTTPClient()
        try client.submit(HTTPRequest(url: silent.url), token: 99)
        for (token, server) in servers.enumerated() {
            try client.submit(HTTPRequest(url: server.url), token: token)
        }
        var tokens: Set<Int> = []
        while tokens.count < 4 {
            for completion in try client.wait(timeoutMilliseconds: 5000) {
                #expect(try completion.result.get().status == 200)
                tokens.insert(completion.token)
            }
        }
        #expect(tokens == [0, 1, 2, 3] && client.inFlight == 1)
        var pipe: [Int32] = [0, 0]
        #expect(Glibc.pipe(&pipe) == 0)
        _ = write(pipe[1], "x", 1)
        #expect(try client.wait(timeoutMilliseconds: 60_000, alsoReadable: [pipe[0], -1]).isEmpty)
        client.cancel(token: 99)
        #expect(client.inFlight == 0)
        close(pipe[0])
        close(pipe[1])
    }
}
