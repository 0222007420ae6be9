import Glibc
import NIOCore
import NIOPosix
import NIOWebSocket
import Posix
import ServerTLS

/// One client of the streams.
final class StreamConnection: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame

    /// Its number, from 1.
    private(set) var id = 0
    /// What it listens to.
    private(set) var subscriptions: Subscriptions
    /// True while nothing goes out although the connection is open.
    private(set) var isStalled = false
    /// SBE messages that went out.
    private(set) var messagesSent = 0
    /// Messages of bestBidAsk that were left out for a slow reader.
    private(set) var culled = 0
    private let hub: StreamHub
    /// Writes below the frame encoder: what goes out is framed already.
    private var wire: ChannelHandlerContext?
    private var isClosing = false
    /// Frames for the next flush.
    private var outbox = ByteBuffer()
    private var spoiler = MessageSpoiler()
    private var keepalive = Keepalive()
    private var window: SlidingWindow
    private var flood: Flood?
    /// True while the next stretch of the flood is due already.
    private var isFlooding = false
    private let timers: Timers
    private var partial: [UInt8]?
    private var queued = 0
    /// The newest bestBidAsk of each symbol that waits for a slow reader.
    private var held: [Int: ByteBuffer] = [:]

    /// How it wants its messages.
    var shape: MessageShape { subscriptions.shape }

    /// Seconds for the client to answer a close frame.
    private static let closeTimeout = 2.0

    init(_ hub: StreamHub, _ streams: [StreamName], _ shape: MessageShape) {
        self.hub = hub
        subscriptions = Subscriptions(streams, shape, hub.options)
        timers = Timers(hub.loop)
        window = SlidingWindow(limit: hub.options.messageLimit, seconds: 1)
    }

    // MARK: - Life

    func handlerAdded(context: ChannelHandlerContext) {
        wire = try? context.pipeline.syncOperations.context(
            handlerType: WebSocketFrameEncoder.self)
        id = hub.add(self)
        for name in subscriptions.names { listen(to: name) }
        schedulePing()
        timers.after(hub.options.lifetime) { self.close(1001, "Connection lifetime reached") }
        if hub.options.flood > 0 {
            flood = Flood(hub)
            timers.after(0) { self.continueFlood() }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        hub.remove(self)
        for name in subscriptions.names { stopListening(to: name) }
        wire = nil
        timers.cancel()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Frames that RFC 6455 forbids, or a socket that broke.
        if error is NIOWebSocketError { close(1002, "Protocol error") }
        context.close(promise: nil)
    }

    /// Adds a stream; one that the venue does not have stays silent.
    private func listen(to name: StreamName) {
        if let (source, kind) = hub.source(name, isJSON: shape.isJSON) {
            source.add(self, to: kind)
        }
    }

    /// Takes a stream off.
    private func stopListening(to name: StreamName) {
        if let (source, kind) = hub.source(name, isJSON: shape.isJSON) {
            source.remove(self, from: kind)
        }
    }

    /// Says goodbye, and hangs up when the client has answered or had its time.
    func close(_ code: UInt16, _ reason: String) {
        guard let wire, !isClosing, !isStalled else { return }
        outbox.writeImmutableBuffer(WireFrame.close(code, reason))
        flush()
        isClosing = true
        hub.counts.closes["\(code)", default: 0] += 1
        timers.after(Self.closeTimeout) { wire.close(promise: nil) }
    }

    // MARK: - From the client

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        if frame.opcode == .connectionClose {
            if !isClosing {
                hub.counts.closesByClient += 1
                send(.connectionClose, Array(frame.unmaskedData.readableBytesView))
            }
            return context.close(promise: nil)
        }
        guard !isStalled, !isClosing else { return }
        hub.counts.clientMessages += 1
        guard window.admits(at: Clock.monotonicNanoseconds()) else {
            return close(1008, "Too many requests")
        }
        let payload = Array(frame.unmaskedData.readableBytesView)
        switch frame.opcode {
        case .ping:
            hub.counts.clientPings += 1
            send(.pong, payload)
        case .pong:
            let isAnswer = keepalive.pong(payload)
            hub.counts.pongs += isAnswer ? 1 : 0
            hub.counts.strayPongs += isAnswer ? 0 : 1
        default: message(payload, isFirst: frame.opcode != .continuation, isLast: frame.fin)
        }
    }

    private func message(_ payload: [UInt8], isFirst: Bool, isLast: Bool) {
        partial = isFirst ? payload : (partial ?? []) + payload
        guard isLast, let text = partial else { return }
        partial = nil
        let answer = subscriptions.answer(text)
        for name in answer.added { listen(to: name) }
        for name in answer.removed { stopListening(to: name) }
        if let reply = answer.reply {
            send(.text, Array(reply.utf8))
        } else {
            hub.counts.ignored += 1
        }
    }

    // MARK: - To the client

    /// Sends a control or text frame at once.
    private func send(_ opcode: WebSocketOpcode, _ payload: [UInt8]) {
        guard !isStalled else { return }
        outbox.writeImmutableBuffer(WireFrame.frame(opcode, payload))
        flush()
    }

    private func putPing() { outbox.writeImmutableBuffer(ping()) }

    /// A new ping's frame; the connection closes when its pong does not come in time.
    private func ping() -> ByteBuffer {
        let payload = keepalive.ping(at: Clock.realtimeNanoseconds() / 1000)
        hub.counts.pings += 1
        timers.after(hub.options.pongTimeout) { [self] in
            if keepalive.isWaiting(for: payload) { close(1008, "Pong timeout") }
        }
        return WireFrame.frame(.ping, payload)
    }

    private func schedulePing() {
        timers.after(hub.options.pingInterval) { [self] in
            if !isStalled, !isClosing {
                putPing()
                flush()
            }
            schedulePing()
        }
    }

    /// Takes messages of one stream, to be sent at the next flush.
    func take(_ run: MessageRun, of kind: StreamKind, source: Int) {
        guard let wire, !isStalled, !isClosing else { return }
        if kind == .bestBidAsk, !wire.channel.isWritable, let last = run.marks.last {
            // The venue culls: only the newest of a symbol waits.
            culled += run.marks.count - (held[source] == nil ? 1 : 0)
            held[source] = run.bytes.getSlice(at: last.start, length: last.end - last.start)
            return
        }
        guard hub.faults.isQuiet, !spoiler.holdsMessage else {
            messagesSent += spoiler.append(
                run, kind, of: id, isJSON: shape.isJSON, &hub.faults, ping: ping, to: &outbox)
            return
        }
        outbox.writeImmutableBuffer(run.bytes)
        messagesSent += run.marks.count
    }

    /// Sends what is in the outbox.
    func flush() {
        guard let wire, outbox.readableBytes > 0, !isClosing else { return }
        let bytes = outbox
        let count = bytes.readableBytes
        outbox = ByteBuffer()
        queued += count
        guard queued <= hub.options.queueLimit else {
            hub.counts.cutsOfSlowReaders += 1
            return wire.close(promise: nil)
        }
        let sent = wire.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(self, eventLoop: wire.eventLoop)
        sent.futureResult.whenComplete { _ in bound.value.queued -= count }
        hub.counts.bytes += count
        wire.writeAndFlush(NIOAny(bytes), promise: sent)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            messagesSent += held.count
            for bytes in held.values { outbox.writeImmutableBuffer(bytes) }
            held.removeAll()
            flush()
            continueFlood()
        }
        context.fireChannelWritabilityChanged()
    }

    // MARK: - Flood

    /// Sends the next stretch of a flood; the loop's other work comes between two of them.
    func continueFlood() {
        guard let wire, flood != nil, !isStalled, !isClosing, !isFlooding, wire.channel.isWritable
        else { return }
        let count = flood?.fill(&outbox, subscriptions.names, shape) ?? 0
        messagesSent += count
        flush()
        if flood?.isOver == true {
            flood = nil
            return hub.options.floodCloses ? close(1000, "") : ()
        }
        // Without a stream there is nothing to send yet: look again a little later.
        isFlooding = true
        timers.after(count > 0 ? 0 : 0.01) { [self] in
            isFlooding = false
            continueFlood()
        }
    }

    // MARK: - On command

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
