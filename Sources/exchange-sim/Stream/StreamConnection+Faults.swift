import NIOCore
import NIOWebSocket

/// Messages that a fault plan spoils, one at a time.
extension StreamConnection {
    /// Sends a run message by message, with the faults of the plan.
    func takeOneByOne(_ run: MessageRun, _ kind: StreamKind) {
        for mark in run.marks {
            guard
                let frame = run.bytes.getSlice(at: mark.start, length: mark.end - mark.start),
                let message = run.bytes.getBytes(at: mark.message, length: mark.end - mark.message)
            else { continue }
            let fault = hub.faults.next(kind, id)
            if fault == .reorder, delayed == nil {
                delayed = (kind, frame)
                continue
            }
            put(frame, message, kind, fault)
            if let (other, late) = delayed, other != kind {
                outbox.writeImmutableBuffer(late)
                messagesSent += 1
                delayed = nil
            }
        }
    }

    private func put(
        _ frame: ByteBuffer, _ message: [UInt8], _ kind: StreamKind, _ fault: MessageFault?
    ) {
        var message = message
        if case .json = kind, let fault, let text = spoiled(message, fault) {
            outbox.writeImmutableBuffer(WireFrame.frame(.text, text))
            messagesSent += 1
            return
        }
        switch fault {
        case .drop: return
        case nil, .reorder: outbox.writeImmutableBuffer(frame)
        case .duplicate:
            outbox.writeImmutableBuffer(frame)
            outbox.writeImmutableBuffer(frame)
            messagesSent += 1
        case .fragment: putFragments(message, shape.isJSON ? .text : .binary)
        case .truncate:
            message.removeLast(message.count / 3)
            putBinary(message)
        case .overlong: putBinary(message + Array("more".utf8))
        case .garbage:
            for index in message.indices { message[index] = UInt8(hub.faults.random() & 255) }
            putBinary(message)
        case .template:
            // 10099 is no template of the stream schema.
            (message[2], message[3]) = (UInt8(10099 & 255), UInt8(10099 >> 8))
            putBinary(message)
        case .schema:
            (message[4], message[5]) = (77, 0)
            putBinary(message)
        }
        messagesSent += 1
    }

    /// A JSON text as a fault makes it; nil where the fault is not one of the text.
    private func spoiled(_ text: [UInt8], _ fault: MessageFault) -> [UInt8]? {
        switch fault {
        case .drop, .reorder, .duplicate, .fragment: nil
        case .truncate: Array(text.dropLast(text.count / 3))
        case .overlong: text + Array("more".utf8)
        // A text frame is UTF-8, or the client has to hang up.
        case .garbage: text.map { _ in UInt8(0x20 + hub.faults.random() % 95) }
        case .template:
            Array("{\"stream\":\"btcusdt@newStream\",\"data\":{\"e\":\"new\"}}".utf8)
        case .schema: Array("{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\"}}".utf8)
        }
    }

    private func putBinary(_ message: [UInt8]) {
        outbox.writeImmutableBuffer(WireFrame.frame(.binary, message))
    }

    /// Three frames; a ping may come between them (RFC 6455, 5.4) and does.
    private func putFragments(_ message: [UInt8], _ opcode: WebSocketOpcode) {
        let cuts = [0, message.count / 3, message.count / 2, message.count]
        for part in 0..<3 {
            let bytes = message[cuts[part]..<cuts[part + 1]]
            WireFrame.header(
                part == 0 ? opcode : .continuation, length: bytes.count, isLast: part == 2,
                to: &outbox)
            outbox.writeBytes(bytes)
            if part == 1 { putPing() }
        }
    }
}
