import Glibc
import NIOCore
import NIOPosix
import NIOWebSocket
import ServerTLS

/// What can be done to a connection on command.
enum ConnectionAction: String, CaseIterable {
    /// Hangs up without a close frame.
    case cut
    /// The same in the middle of a frame.
    case tear
    /// Ends TCP with a reset.
    case reset
    /// Sends nothing from now on, and answers nothing; what falls due meanwhile is lost.
    case stall
    /// Ends a stall.
    case resume
    /// Closes in form.
    case close
    /// Says `serverShutdown`; the connection lives on until something else ends it.
    case shutdown
    /// The same in the form of combined JSON streams.
    case shutdownWrapped
    /// Sends a ping now.
    case ping
    /// Sends a text frame that is no JSON.
    case text
}

extension StreamConnection {
    /// Performs an action on this connection.
    func perform(_ action: ConnectionAction, code: UInt16 = 1001, reason: String = "") {
        guard let wire else { return }
        // Below TLS, so that no goodbye of TLS goes out either.
        let tls = try? wire.pipeline.syncOperations.context(handlerType: TLSServerHandler.self)
        let bare = tls ?? wire
        hub.counts.actions[action.rawValue, default: 0] += 1
        switch action {
        case .cut: bare.close(promise: nil)
        case .tear:
            // The header promises 100 bytes; 50 come.
            WireFrame.header(.binary, length: 100, to: &outbox)
            outbox.writeRepeatingByte(0x12, count: 50)
            flush()
            bare.close(promise: nil)
        case .reset:
            let end = NIOLoopBound(bare, eventLoop: wire.eventLoop)
            let linger = linger(l_onoff: 1, l_linger: 0)
            let socket = wire.channel as? any SocketOptionProvider
            socket?.setSoLinger(linger).whenComplete { _ in end.value.close(promise: nil) }
        case .stall:
            isStalled = true
            outbox.clear()
        case .resume:
            isStalled = false
            continueFlood()
        case .close: close(code, reason)
        case .shutdown: send(.text, Array(Self.shutdownText(hub.microseconds()).utf8))
        case .shutdownWrapped:
            let text = Self.shutdownText(hub.microseconds())
            send(.text, Array("{\"stream\":\"!serverShutdown\",\"data\":\(text)}".utf8))
        case .ping:
            putPing()
            flush()
        case .text: send(.text, Array("not JSON at all".utf8))
        }
    }

    /// The time is in ms, as in the venue's example.
    private static func shutdownText(_ now: Int64) -> String {
        "{\"e\":\"serverShutdown\",\"E\":\(now / 1000)}"
    }
}
