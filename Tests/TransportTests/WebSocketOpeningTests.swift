import Foundation
import TestSupport
import Testing

@testable import Transport

/// The opening handshake, against answers that servers give and that nobody should.
struct WebSocketOpeningTests {
    /// An answer; `KEY!` in it becomes the right value.
    struct Answer: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let text: String
        /// Status of the refusal, and a part of its words; nil when it opens.
        var refusal: (Int, String)?

        init(_ name: String, _ text: String, _ status: Int? = nil, _ words: String = "") {
            testDescription = name
            self.text = text
            refusal = status.map { ($0, words) }
        }

        /// A 101 with some lines.
        init(_ name: String, lines: [String], _ words: String? = nil) {
            self.init(
                name, "HTTP/1.1 101 X\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n",
                words == nil ? nil : 0, words ?? "")
        }
    }

    private static let lines = [
        "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: KEY!",
    ]

    static let answers = [
        Answer("plain", lines: lines),
        Answer(
            "other case, other order, lists",
            lines: [
                "SEC-WEBSOCKET-ACCEPT:   KEY!  ", "connection: keep-alive,\tUPGRADE",
                "upgrade: WebSocket",
            ]),
        Answer(
            "no reason phrase", "HTTP/1.1 101\r\n" + lines.joined(separator: "\r\n") + "\r\n\r\n"),
        Answer(
            "folded", lines: ["Upgrade:", "  websocket", "Connection: a,", "\tUpgrade", lines[2]]),
        Answer(
            "not ASCII",
            lines: lines + ["Server: Zürich €", "X: \u{2028}Sec-WebSocket-Protocol: x"]),
        Answer("a long header", lines: lines + ["X: " + String(repeating: "y", count: 15_000)]),
        Answer(
            "an endless header", lines: lines + ["X: " + String(repeating: "y", count: 40_000)],
            "does not end"),
        Answer("no upgrade", lines: Array(lines[1...]), "Upgrade"),
        Answer("another upgrade", lines: ["Upgrade: h2c"] + lines[1...], "Upgrade"),
        Answer(
            "a word that only contains it", lines: ["Upgrade: websockets"] + lines[1...], "Upgrade"),
        Answer("no connection", lines: [lines[0], lines[2]], "Connection"),
        Answer("no accept", lines: Array(lines[..<2]), "Accept"),
        Answer(
            "a wrong accept",
            lines: lines[..<2] + ["Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="], "Accept"),
        Answer("two accepts", lines: lines + [lines[2]], "Accept"),
        Answer(
            "an extension", lines: lines + ["Sec-WebSocket-Extensions: permessage-deflate"],
            "extension"),
        Answer("a subprotocol", lines: lines + ["Sec-WebSocket-Protocol: chat"], "subprotocol"),
        Answer(
            "hidden behind another line end",
            lines: ["X: a\u{2028}Upgrade: websocket"] + lines[1...], "Upgrade"),
        Answer(
            "HTTP/1.0", "HTTP/1.0 101 X\r\n" + lines.joined(separator: "\r\n") + "\r\n\r\n", 0,
            "HTTP/1.0"),
        Answer("HTTP/2", "HTTP/2 101\r\n\r\n", 0, "not HTTP/1.1"),
        Answer("a signed status", "HTTP/1.1 +101 X\r\n\r\n", 0, "not HTTP/1.1"),
        Answer("no HTTP", "SSH-2.0-OpenSSH_9\r\n\r\n", 0, "not HTTP/1.1"),
        Answer("zeros", String(repeating: "\0", count: 20_000), 0, "does not end"),
        Answer("200", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, "HTTP 200: hi"),
        Answer(
            "HTTP/1.0 403", "HTTP/1.0 403 No\r\nContent-Length: 3\r\n\r\nno!", 403, "HTTP 403: no!"),
        Answer(
            "a body with line ends", "HTTP/1.1 400 X\r\nContent-Length: 4\r\n\r\na\r\nb", 400,
            "HTTP 400: a  b"),
        Answer(
            "a body that lies about its length", "HTTP/1.1 400 X\r\nContent-Length: -4\r\n\r\nabc",
            400, "HTTP 400"),
    ]

    @Test(arguments: answers, [Int.max, 100, 1])
    func `an answer is judged the same whole and in pieces`(_ answer: Answer, _ piece: Int) {
        // A byte a time is for the short ones.
        guard piece > 1 || answer.text.utf8.count < 1000 else { return }
        let server = ScriptedServer { connection, request, accept in
            let reply = answer.text.replacingOccurrences(of: "KEY!", with: accept)
            let early = answer.refusal == nil ? text("early") + closing(1000) : []
            ScriptedServer.send(Array(reply.utf8) + early, connection, piece: piece)
        }
        let conversation = Conversation(server.url)
        if let (status, words) = answer.refusal {
            guard case .refused(let refusal) = conversation.failure else {
                Issue.record("\(String(describing: conversation.failure)) \(conversation.seen)")
                return
            }
            #expect(refusal.status == status)
            #expect(refusal.reason.contains(words), "\(refusal.reason)")
            #expect(!refusal.reason.contains { $0.isNewline })
        } else {
            #expect(conversation.failure == nil)
            #expect(conversation.seen == [.text("early"), .close(1000, [])])
        }
    }

    @Test func `the accept value is the RFC's`() {
        #expect(
            WebSocketHandshake.accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(Set((0..<100).map { _ in WebSocketHandshake().key }).count == 100)
    }

    @Test func `the request is what was asked for`() {
        let server = ScriptedServer { connection, request, accept in
            let body = Array(request.utf8)
            let head = "HTTP/1.1 418 X\r\nContent-Length: 0\r\nX: \(body.count)\r\n\r\n"
            let good =
                request.hasPrefix("GET /path?query=1 HTTP/1.1\r\nHost: 127.0.0.1:")
                && request.contains("\r\nX-MBX-APIKEY: secret\r\n")
                && request.contains("\r\nSec-WebSocket-Version: 13\r\n")
                && !request.contains("Extensions")
            ScriptedServer.send(
                Array((good ? head : head.replacingOccurrences(of: "418", with: "500")).utf8),
                connection)
        }
        let conversation = Conversation(server.url, headers: [("X-MBX-APIKEY", "secret")])
        guard case .refused(let refusal) = conversation.failure else {
            Issue.record("\(String(describing: conversation.failure))")
            return
        }
        #expect(refusal.status == 418)
    }

    @Test func `a server that says nothing is given up in time`() {
        let silent = ScriptedServer { connection, _, _ in ScriptedServer.send([], connection) }
        let half = ScriptedServer { connection, _, _ in
            ScriptedServer.send(Array("HTTP/1.1 101 X\r\nUpgr".utf8), connection)
        }
        for server in [silent, half] {
            guard case .transport(let error) = Conversation(server.url, timeout: 0.3).failure else {
                Issue.record("it opened")
                return
            }
            #expect(error.kind == .timeout)
        }
    }

    @Test func `a refusal counts though its body never comes`() {
        let stalled = ScriptedServer { connection, _, _ in
            ScriptedServer.send(
                Array("HTTP/1.1 403 X\r\nContent-Length: 9\r\n\r\nab".utf8), connection)
        }
        let cut = ScriptedServer { connection, _, _ in
            ScriptedServer.send(
                Array("HTTP/1.1 403 X\r\nContent-Length: 9\r\n\r\nab".utf8), connection,
                waits: false)
        }
        for server in [stalled, cut] {
            guard case .refused(let refusal) = Conversation(server.url, timeout: 0.5).failure else {
                Issue.record("no refusal")
                return
            }
            #expect(refusal.status == 403 && refusal.reason.contains("ab"), "\(refusal.status)")
        }
    }

    @Test func `a connection that ends while opening is no refusal`() {
        for text in ["", "HTTP/1.1 101 X\r\n"] {
            let server = ScriptedServer { connection, _, _ in
                ScriptedServer.send(Array(text.utf8), connection, waits: false)
            }
            guard case .transport(let error) = Conversation(server.url).failure else {
                Issue.record("it opened")
                return
            }
            #expect(error.kind == .broken)
        }
        guard case .transport(let error) = Conversation("ws://127.0.0.1:1/").failure else {
            Issue.record("it opened")
            return
        }
        #expect(error.kind == .connect)
    }

    @Test(arguments: [
        "http://127.0.0.1/", "127.0.0.1", "ws://", "ws:///path", "ws://user@host/", "ws://host/a b",
        "ws://host/\r\nX: y", "ws://ho\r\nst/", "ws://host/#part", "ws://höst/", "",
    ])
    func `a URL that is none is refused before anything is sent`(_ url: String) {
        guard case .transport(let error) = Conversation(url).failure else {
            Issue.record("it opened")
            return
        }
        #expect(error.kind == .badRequest)
    }

    @Test func `a header cannot bring a line of its own`() {
        guard
            case .transport(let error) = Conversation(
                "ws://127.0.0.1:1/", headers: [("X", "a\r\nY: b")]
            ).failure
        else {
            Issue.record("it opened")
            return
        }
        #expect(error.kind == .badRequest)
    }
}
