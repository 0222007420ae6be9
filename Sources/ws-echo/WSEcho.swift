import ArgumentParser
import Glibc
import Posix
import Stage
import Transport

/// Lets any conformance suite's server judge the WebSocket client of this package.
@main
struct WSEcho: Tool {
    static let configuration = CommandConfiguration(
        commandName: "ws-echo",
        abstract: "Connect, send each text and binary message back, end when the server closes.",
        discussion: """
            EXAMPLES:
              ws-echo 'ws://127.0.0.1:9001/runCase?case=1&agent=bitcoin-ingestor'

            Prints how the connection ended. Exit status: 0 closed by the server, 69 not opened,
            76 the server broke the protocol or the connection broke.
            """,
        version: Version.text)

    @Argument(help: "A ws:// or wss:// URL.") var url: String
    @Option(help: "File of certificate authorities instead of the system's.") var ca: String?
    @Option(help: "A longer message is refused, in bytes.") var maximumMessage = 64 << 20

    func run() throws {
        var isOpen = false
        do throws(WebSocketFailure) {
            var connection = try WebSocketConnection(
                url: url, headers: [], authorities: ca, maximumMessage: maximumMessage)
            while connection.phase != .open {
                try connection.open()
                if connection.phase != .open { Self.wait(connection.descriptor, milliseconds: 5) }
            }
            isOpen = true
            try Self.echo(&connection)
        } catch {
            print(error)
            try? CurrentProcess.flushOutput()
            CurrentProcess.exit(
                (isOpen ? ExitStatus.protocolBroken : .unavailable).rawValue)
        }
    }

    private static func echo(
        _ connection: inout WebSocketConnection
    ) throws(WebSocketFailure) {
        while !connection.socket.hasPeerClosed {
            do throws(WebSocketError) { try answer(&connection.socket) } catch {
                // The close frame that says why is worth an attempt, no more.
                try? finish(&connection)
                throw .broken(error)
            }
            if connection.socket.hasPeerClosed { break }
            while try !connection.flush() {
                wait(connection.descriptor, milliseconds: 1000, writing: true)
            }
            if !connection.hasMore { wait(connection.descriptor, milliseconds: 1000) }
            _ = try connection.read()
        }
        try? finish(&connection)
    }

    /// Sends what is left, then leaves it to the server to close the connection first, as
    /// RFC 6455, section 7.1.1, wants; bytes left unread would make the system reset it.
    private static func finish(
        _ connection: inout WebSocketConnection
    ) throws(WebSocketFailure) {
        let end = Clock.monotonicNanoseconds() + 2_000_000_000
        while Clock.monotonicNanoseconds() < end {
            let isSent = try connection.flush()
            wait(connection.descriptor, milliseconds: 100, writing: !isSent)
            _ = try connection.read()
        }
    }

    private static func answer(_ socket: inout WebSocket) throws(WebSocketError) {
        while let (kind, payload) = try next(&socket) {
            switch kind {
            case .text: socket.send(text: payload.span.bytes)
            case .binary: socket.send(binary: payload.span.bytes)
            case .ping: socket.pong()
            case .pong, .close: break
            }
        }
    }

    /// A copy of the next event: an answer may not be written while the event is lent.
    private static func next(
        _ socket: inout WebSocket
    ) throws(WebSocketError) -> (WebSocket.Kind, [UInt8])? {
        guard let event = try socket.next() else { return nil }
        let payload = event.payload.withUnsafeBytes { Array($0) }
        if event.kind == .close {
            print("closed \(event.closeCode) \(String(decoding: payload, as: UTF8.self))")
        }
        return (event.kind, payload)
    }

    private static func wait(_ descriptor: Int32, milliseconds: Int32, writing: Bool = false) {
        var watched = pollfd(
            fd: descriptor, events: Int16(writing ? POLLOUT : POLLIN), revents: 0)
        _ = poll(&watched, 1, milliseconds)
    }
}
