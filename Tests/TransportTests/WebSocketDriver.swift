import Foundation
import TestSupport

@testable import Transport

/// A whole conversation of the client's.
struct Conversation {
    var seen: [Seen] = []
    var failure: WebSocketFailure?
    var readsAhead = false

    /// Connects, says something, answers pings and takes what comes, until either side ends it.
    ///
    /// - Parameters:
    ///   - say: text and binary messages, sent one after the other's echo.
    ///   - closing: the code to close with when all is said and echoed; nil leaves it to the server.
    ///   - seconds: of the conversation at most.
    init(
        _ url: String, headers: [(String, String)] = [], authorities: String? = nil,
        timeout: Double = 20, limit: Int = 1 << 20, say: [Seen] = [], closing: UInt16? = nil,
        seconds: Double = 30
    ) {
        do throws(WebSocketFailure) {
            var connection = try WebSocketConnection(
                url: url, headers: headers, authorities: authorities, timeout: timeout,
                maximumMessage: limit)
            while connection.phase != .open {
                try connection.open()
                if connection.phase != .open { Self.wait(connection.descriptor, 5) }
            }
            readsAhead = connection.readsAhead
            try talk(&connection, say, closing, seconds)
        } catch { failure = error }
    }

    private mutating func talk(
        _ connection: inout WebSocketConnection, _ say: [Seen], _ closing: UInt16?,
        _ seconds: Double
    ) throws(WebSocketFailure) {
        let end = Date().addingTimeInterval(seconds)
        var said = 0
        var echoes = 0
        while Date() < end {
            do throws(WebSocketError) {
                while let event = try nextSeen(&connection.socket) {
                    seen.append(event)
                    if case .ping = event { connection.socket.pong() } else { echoes += 1 }
                }
            } catch {
                try? flush(&connection)
                throw .broken(error)
            }
            if said == echoes {
                if said < say.count {
                    switch say[said] {
                    case .text(let bytes): connection.socket.send(text: bytes.span.bytes)
                    case .binary(let bytes): connection.socket.send(binary: bytes.span.bytes)
                    default: break
                    }
                } else if let closing {
                    connection.socket.close(code: closing)
                }
                said += 1
            }
            try flush(&connection)
            if connection.socket.hasPeerClosed { return }
            if !connection.hasMore { Self.wait(connection.descriptor, 100) }
            _ = try connection.read()
        }
    }

    private func flush(_ connection: inout WebSocketConnection) throws(WebSocketFailure) {
        while try !connection.flush() {
            // An echoing server may want to be read before it reads on.
            Self.wait(connection.descriptor, 10)
            _ = try connection.read()
        }
    }

    private static func wait(_ descriptor: Int32, _ milliseconds: Int32) {
        var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&watched, 1, milliseconds)
    }
}

/// A server on loopback that takes one opening request and answers with bytes of the test's choice.
final class ScriptedServer: Sendable {
    let port: UInt16

    /// - Parameter script: gets the descriptor, the request, and the right accept value.
    init(_ script: @escaping @Sendable (Int32, String, String) -> Void) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                precondition(bind(listener, $0, length) == 0 && listen(listener, 1) == 0)
                getsockname(listener, $0, &length)
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
        Thread.detachNewThread {
            let connection = accept(listener, nil, nil)
            close(listener)
            var request: [UInt8] = []
            var byte: UInt8 = 0
            while !request.suffix(4).elementsEqual([13, 10, 13, 10]),
                recv(connection, &byte, 1, 0) == 1
            {
                request.append(byte)
            }
            let text = String(decoding: request, as: UTF8.self)
            let key = text.components(separatedBy: "Sec-WebSocket-Key: ").last?
                .components(separatedBy: "\r\n").first
            script(connection, text, WebSocketHandshake.accept(key ?? ""))
            close(connection)
        }
    }

    var url: String { "ws://127.0.0.1:\(port)/path?query=1" }

    /// Sends bytes, then waits until the client is gone.
    static func send(_ bytes: [UInt8], _ connection: Int32, piece: Int = .max, waits: Bool = true) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(piece))
            guard Glibc.send(connection, part, part.count, Int32(MSG_NOSIGNAL)) == part.count else {
                return
            }
            rest = rest.dropFirst(part.count)
            if piece != .max { usleep(200) }
        }
        var byte: UInt8 = 0
        while waits, recv(connection, &byte, 1, 0) > 0 {}
    }

    static func agreement(_ accept: String) -> String {
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: \(accept)\r\n\r\n"
    }
}
