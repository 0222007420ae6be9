import Foundation
import TestSupport
import Testing

@testable import Transport

/// Conversations that every server has to allow.
private let words: [Seen] = [
    .text("hello"), .text(""), .binary([]), .binary([0, 255, 128]), .text("κόσμε 𝄞"),
    .binary([UInt8](repeating: 7, count: 125)), .binary([UInt8](repeating: 8, count: 126)),
    .binary([UInt8](repeating: 9, count: 65_535)), .binary([UInt8](repeating: 10, count: 65_536)),
    .binary((0..<900_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }),
]

/// The client with swift-nio's server.
struct NIOWebSocketTests {
    @Test func `messages of all lengths come back, and our close is answered`() throws {
        let server = try NIOServer()
        let conversation = Conversation(
            "ws://127.0.0.1:\(server.port)/echo", say: words, closing: 3001)
        #expect(conversation.failure == nil)
        #expect(conversation.seen == words + [.close(3001, [])])
    }

    @Test func `fragments, a ping between, and a close of the server's`() throws {
        let server = try NIOServer()
        let conversation = Conversation("ws://127.0.0.1:\(server.port)/greet")
        #expect(conversation.failure == nil)
        let expected: [Seen] = [
            .ping(Array("ping!".utf8)), .text("abc€"), .close(4001, Array("bye".utf8)),
        ]
        #expect(conversation.seen == expected)
    }
}

/// The client with Python's `websockets`, plain and with TLS.
@Suite(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
struct PythonWebSocketTests {
    private struct Server {
        let port: Int
        let program: BackgroundProgram

        init(_ certificate: [String] = []) throws {
            let script = packageRoot.appendingPathComponent(
                "Tests/TransportTests/websocket_server.py")
            program = try BackgroundProgram(
                try #require(Python.path), [script.path] + certificate)
            let words = program.firstLine().split(separator: " ")
            port = try #require(words.first.flatMap { Int($0) }, "the server did not start")
        }
    }

    @Test func `messages of all lengths come back, and our close is answered`() throws {
        let server = try Server()
        let conversation = Conversation(
            "ws://127.0.0.1:\(server.port)/echo", say: words, closing: 1000)
        #expect(conversation.failure == nil)
        #expect(conversation.seen == words + [.close(1000, [])])
    }

    @Test(arguments: [1000, 1001, 1011, 3000, 4999])
    func `a close of the server's comes with code and reason`(_ code: UInt16) throws {
        let server = try Server()
        let conversation = Conversation("ws://127.0.0.1:\(server.port)/close/\(code)")
        #expect(conversation.failure == nil)
        #expect(conversation.seen == [.close(code, Array("as you wish".utf8))])
    }

    @Test func `fragments and bytes that trickle in are messages`() throws {
        let server = try Server()
        let fragments = Conversation("ws://127.0.0.1:\(server.port)/fragments")
        #expect(fragments.seen == [.text("aßc€"), .close(1000, [])])
        let slow = Conversation("ws://127.0.0.1:\(server.port)/slow", closing: nil, seconds: 0.5)
        #expect(slow.seen == [.ping(Array("p".utf8)), .text("€€")])
    }

    @Test func `a message at the limit comes, one over it ends with 1009`() throws {
        let server = try Server()
        let url = "ws://127.0.0.1:\(server.port)/send"
        let fits = Conversation("\(url)/300000", limit: 300_000, closing: 1000)
        #expect(fits.seen.first == .binary([UInt8](repeating: 0x78, count: 300_000)))
        let over = Conversation("\(url)/300001", limit: 300_000)
        guard case .broken(let error) = over.failure else {
            Issue.record("\(String(describing: over.failure))")
            return
        }
        #expect(error.code == 1009 && over.seen.isEmpty)
    }

    @Test func `a cut without a close frame is no orderly end`() throws {
        let server = try Server()
        let conversation = Conversation("ws://127.0.0.1:\(server.port)/cut")
        switch conversation.failure {
        case .ended, .transport: break
        default: Issue.record("\(String(describing: conversation.failure))")
        }
        #expect(!conversation.seen.contains { if case .close = $0 { true } else { false } })
    }

    @Test(arguments: [400, 401, 403, 404, 429, 503, 301, 302, 307])
    func `a refusal has its status, its words and the wait`(_ status: Int) throws {
        let server = try Server()
        let conversation = Conversation("ws://127.0.0.1:\(server.port)/status/\(status)")
        guard case .refused(let refusal) = conversation.failure else {
            Issue.record("\(String(describing: conversation.failure))")
            return
        }
        #expect(refusal.status == status)
        #expect(refusal.reason.contains("because of \(status)  and more"))
        #expect(refusal.retryAfter == (status == 429 ? 17 : nil))
    }

    @Test func `TLS carries the same, and messages right behind the handshake`() throws {
        let authority = try Authority()
        let server = try Server(authority.certificate("good", names: "IP:127.0.0.1,DNS:localhost"))
        let url = "wss://127.0.0.1:\(server.port)"
        let conversation = Conversation(
            "\(url)/echo", authorities: authority.path, say: words, closing: 1000)
        #expect(conversation.failure == nil)
        #expect(conversation.readsAhead)
        #expect(conversation.seen == words + [.close(1000, [])])
        let early = Conversation("\(url)/early", authorities: authority.path)
        #expect(early.failure == nil && early.seen.count == 2001)
        #expect(early.seen.first == .text("message 0 " + String(repeating: "€", count: 30)))
    }

    @Test(arguments: ["another authority", "another name", "expired"])
    func `a certificate that is not good is refused`(_ fault: String) throws {
        let authority = try Authority()
        let other = try Authority()
        let isExpired = fault == "expired"
        let files = try authority.certificate(
            "bad", names: fault == "another name" ? "DNS:elsewhere.test" : "IP:127.0.0.1",
            days: isExpired ? -1 : 1)
        let server = try Server(files)
        let conversation = Conversation(
            "wss://127.0.0.1:\(server.port)/echo",
            authorities: fault == "another authority" ? other.path : authority.path)
        guard case .transport(let error) = conversation.failure else {
            Issue.record("\(String(describing: conversation.failure))")
            return
        }
        #expect(error.kind == .tls)
    }
}

/// A certificate authority for one test, made by openssl.
private struct Authority {
    private let place: TemporaryDirectory
    var path: String { place.path("ca.pem") }

    init() throws {
        place = try TemporaryDirectory()
        try run(
            ["req", "-x509", "-subj", "/CN=test", "-days", "2", "-out", path] + newKey("ca.key"))
    }

    /// Makes a certificate.
    ///
    /// - Returns: its file and its key's.
    func certificate(_ name: String, names: String, days: Int = 1) throws -> [String] {
        let file = { (ending: String) in self.place.path("\(name).\(ending)") }
        try run(
            ["req", "-new", "-subj", "/CN=\(name)", "-out", file("req")] + newKey("\(name).key"))
        try Data("subjectAltName=\(names)\n".utf8).write(to: URL(fileURLWithPath: file("ext")))
        try run([
            "x509", "-req", "-in", file("req"), "-CA", path, "-CAkey", place.path("ca.key"),
            "-days", "\(days)", "-extfile", file("ext"), "-out", file("pem"),
        ])
        return [file("pem"), file("key")]
    }

    private func newKey(_ name: String) -> [String] {
        [
            "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            place.path(name),
        ]
    }

    private func run(_ words: [String]) throws {
        let outcome = try Program.run("openssl", words)
        try #require(outcome.status == 0, "\(outcome.errors)")
    }
}
