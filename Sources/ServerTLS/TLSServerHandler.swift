internal import COpenSSL
package import NIOCore

/// Why a TLS connection ended.
package struct TLSFailure: Error, CustomStringConvertible {
    package let description: String
}

/// The server's side of TLS for one connection, by the system's OpenSSL.
///
/// OpenSSL reads from and writes to memory; this handler carries the bytes between there and the
/// channel. Everything runs on the channel's event loop.
package final class TLSServerHandler: ChannelDuplexHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    private enum State {
        case handshake
        case established
        /// Told the peer that nothing more comes, or failed.
        case closed
    }

    /// A record's largest content (RFC 8446, 5.1).
    private static let longestRecord = 16384

    private var state = State.handshake
    /// Owned; owns both memory buffers. Freed in `deinit`.
    private let session: OpaquePointer
    /// What came from the peer and waits for OpenSSL.
    private let input: OpaquePointer
    /// What OpenSSL has for the peer.
    private let output: OpaquePointer
    /// Writes that came before the handshake was done.
    private var early: [(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)] = []

    package init(context: TLSContext) {
        guard let session = SSL_new(context.context), let input = BIO_new(BIO_s_mem()),
            let output = BIO_new(BIO_s_mem())
        else { preconditionFailure("out of memory for a TLS session") }
        (self.session, self.input, self.output) = (session, input, output)
        SSL_set_bio(session, input, output)
        SSL_set_accept_state(session)
    }

    deinit {
        SSL_free(session)
    }

    // MARK: - From the peer

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard state != .closed else { return }
        unwrapInboundIn(data).withUnsafeReadableBytes { bytes in
            // A memory buffer takes all, or memory is exhausted.
            _ = BIO_write(input, bytes.baseAddress, Int32(clamping: bytes.count))
        }
        if state == .handshake { shakeHands(context) }
        if state == .established { decrypt(context) }
    }

    private func shakeHands(_ context: ChannelHandlerContext) {
        ERR_clear_error()
        let result = SSL_do_handshake(session)
        if result == 1 {
            state = .established
            send(context, promise: nil)
            let waiting = early
            early = []
            for (bytes, promise) in waiting { encrypt(context, bytes, promise) }
            context.flush()
        } else if SSL_get_error(session, result) == SSL_ERROR_WANT_READ {
            if send(context, promise: nil) { context.flush() }
        } else {
            fail(context, "TLS handshake failed: \(TLSContext.reason())")
        }
    }

    private func decrypt(_ context: ChannelHandlerContext) {
        while state == .established {
            var plain = context.channel.allocator.buffer(capacity: Self.longestRecord)
            ERR_clear_error()
            var result: Int32 = 0
            plain.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.longestRecord) { room in
                result = SSL_read(session, room.baseAddress, Int32(clamping: room.count))
                return max(0, Int(result))
            }
            if result > 0 {
                context.fireChannelRead(wrapInboundOut(plain))
                continue
            }
            switch SSL_get_error(session, result) {
            case SSL_ERROR_WANT_READ:
                // A key update or a session ticket may have to go out.
                if send(context, promise: nil) { context.flush() }
                return
            case SSL_ERROR_ZERO_RETURN:
                return close(context: context, mode: .all, promise: nil)
            default:
                return fail(context, "TLS failed: \(TLSContext.reason())")
            }
        }
    }

    private func fail(_ context: ChannelHandlerContext, _ text: String) {
        state = .closed
        // The alert that tells the peer why.
        if send(context, promise: nil) { context.flush() }
        failEarlyWrites(TLSFailure(description: text))
        context.fireErrorCaught(TLSFailure(description: text))
        context.close(promise: nil)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        state = .closed
        failEarlyWrites(ChannelError.ioOnClosedChannel)
        context.fireChannelInactive()
    }

    private func failEarlyWrites(_ error: any Error) {
        let waiting = early
        early = []
        for (_, promise) in waiting { promise?.fail(error) }
    }

    // MARK: - To the peer

    package func write(
        context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
    ) {
        let bytes = unwrapOutboundIn(data)
        switch state {
        case .handshake: early.append((bytes, promise))
        case .established: encrypt(context, bytes, promise)
        case .closed: promise?.fail(ChannelError.ioOnClosedChannel)
        }
    }

    private func encrypt(
        _ context: ChannelHandlerContext, _ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>?
    ) {
        guard bytes.readableBytes > 0 else {
            context.write(wrapOutboundOut(bytes), promise: promise)
            return
        }
        ERR_clear_error()
        let isWritten = bytes.withUnsafeReadableBytes { bytes in
            var written = 0
            return SSL_write_ex(session, bytes.baseAddress, bytes.count, &written) == 1
        }
        guard isWritten else {
            promise?.fail(TLSFailure(description: "cannot encrypt: \(TLSContext.reason())"))
            return
        }
        send(context, promise: promise)
    }

    /// Hands on what OpenSSL has for the peer; not flushed.
    ///
    /// - Returns: whether there was anything.
    @discardableResult
    private func send(_ context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) -> Bool {
        let waiting = BIO_ctrl_pending(output)
        guard waiting > 0 else {
            promise?.succeed()
            return false
        }
        var bytes = context.channel.allocator.buffer(capacity: waiting)
        bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: waiting) { room in
            max(0, Int(BIO_read(output, room.baseAddress, Int32(clamping: waiting))))
        }
        context.write(wrapOutboundOut(bytes), promise: promise)
        return true
    }

    package func flush(context: ChannelHandlerContext) {
        // What waits for the handshake is flushed at its end.
        if state != .handshake { context.flush() }
    }

    package func close(
        context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?
    ) {
        if state == .established, mode != .input {
            SSL_shutdown(session)
            if send(context, promise: nil) { context.flush() }
        }
        if mode != .input { state = .closed }
        context.close(mode: mode, promise: promise)
    }
}
