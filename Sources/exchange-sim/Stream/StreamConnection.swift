import NIOCore
import NIOWebSocket

/// One client of the streams.
final class StreamConnection: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame

    private let hub: StreamHub
    private(set) var id = 0
    private var subscriptions: [StreamName]
    /// Writes below the frame encoder: what goes out is framed already.
    private var wire: ChannelHandlerContext?
    private var outbox = ByteBuffer()
    private var queued = 0
    /// The newest bestBidAsk of each symbol that waits for a slow reader.
    private var held: [Int: ByteBuffer] = [:]

    init(_ hub: StreamHub, _ streams: [StreamName]) {
        self.hub = hub
        subscriptions = streams
    }

    // MARK: - Life

    func handlerAdded(context: ChannelHandlerContext) {
        wire = try? context.pipeline.syncOperations.context(
            handlerType: WebSocketFrameEncoder.self)
        id = hub.add(self)
        for name in subscriptions {
            if let (feed, kind) = hub.feed(name) { feed.add(self, to: kind) }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        hub.remove(id)
        for name in subscriptions {
            if let (feed, kind) = hub.feed(name) { feed.remove(self, from: kind) }
        }
        wire = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    // MARK: - From the client

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .ping: send(.pong, frame.unmaskedData)
        case .connectionClose:
            send(.connectionClose, frame.unmaskedData)
            context.close(promise: nil)
        default: break
        }
    }

    private func send(_ opcode: WebSocketOpcode, _ payload: ByteBuffer) {
        outbox.writeImmutableBuffer(WireFrame.frame(opcode, payload.readableBytesView))
        flush()
    }

    // MARK: - To the client

    /// Takes messages of one stream, to be sent at the next flush.
    func take(_ run: MessageRun, of kind: StreamKind, feed: Int) {
        guard let wire else { return }
        if kind == .bestBidAsk, !wire.channel.isWritable {
            // The venue culls: only the newest of a symbol waits.
            if let last = run.marks.last {
                held[feed] = run.bytes.getSlice(at: last.start, length: last.end - last.start)
            }
            return
        }
        outbox.writeImmutableBuffer(run.bytes)
    }

    /// Sends what was taken.
    func flush() {
        guard let wire, outbox.readableBytes > 0 else { return }
        let bytes = outbox
        outbox = ByteBuffer()
        queued += bytes.readableBytes
        guard queued <= hub.options.queueLimit else { return wire.close(promise: nil) }
        let sent = wire.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(self, eventLoop: wire.eventLoop)
        let count = bytes.readableBytes
        sent.futureResult.whenComplete { _ in bound.value.queued -= count }
        wire.writeAndFlush(NIOAny(bytes), promise: sent)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, !held.isEmpty {
            for bytes in held.values { outbox.writeImmutableBuffer(bytes) }
            held.removeAll()
            flush()
        }
        context.fireChannelWritabilityChanged()
    }
}
