import NIOCore
import NIOWebSocket

/// Spoils the messages of one connection as a fault plan says.
struct MessageSpoiler {
    /// A message that a fault holds back.
    private var delayed: (kind: StreamKind, frame: ByteBuffer)?

    /// True while a message is held back: the next one has to come here, too.
    var holdsMessage: Bool { delayed != nil }

    /// Appends a run message by message, with the faults of the plan.
    ///
    /// - Parameters:
    ///   - connection: its number.
    ///   - ping: makes the frame of a ping that has to be answered.
    /// - Returns: messages that were appended.
    mutating func append(
        _ run: MessageRun, _ kind: StreamKind, of connection: Int, isJSON: Bool,
        _ plan: inout MessageFaultPlan, ping: () -> ByteBuffer, to outbox: inout ByteBuffer
    ) -> Int {
        var count = 0
        for mark in run.marks {
            guard
                let frame = run.bytes.getSlice(at: mark.start, length: mark.end - mark.start),
                let message = run.bytes.getBytes(at: mark.message, length: mark.end - mark.message)
            else { continue }
            let fault = plan.next(kind, connection)
            if fault == .reorder, delayed == nil {
                delayed = (kind, frame)
                continue
            }
            let frames = Self.frames(
                of: message, framed: frame, isJSON: isJSON, fault, &plan, ping: ping)
            for frame in frames.bytes { outbox.writeImmutableBuffer(frame) }
            count += frames.messages
            if let (other, late) = delayed, other != kind {
                outbox.writeImmutableBuffer(late)
                count += 1
                delayed = nil
            }
        }
        return count
    }

    /// What goes out in the place of a message.
    private static func frames(
        of message: [UInt8], framed frame: ByteBuffer, isJSON: Bool, _ fault: MessageFault?,
        _ plan: inout MessageFaultPlan, ping: () -> ByteBuffer
    ) -> (bytes: [ByteBuffer], messages: Int) {
        guard let fault else { return ([frame], 1) }
        switch fault {
        case .drop: return ([], 0)
        case .reorder: return ([frame], 1)
        case .duplicate: return ([frame, frame], 2)
        case .fragment: return (fragments(message, isJSON ? .text : .binary, ping: ping), 1)
        case .truncate, .overlong, .garbage, .template, .schema:
            let spoiled =
                isJSON
                ? WireFrame.frame(.text, spoiledText(message, fault, &plan))
                : WireFrame.frame(.binary, spoiledMessage(message, fault, &plan))
            return ([spoiled], 1)
        }
    }

    /// An SBE message as a fault makes it.
    private static func spoiledMessage(
        _ message: [UInt8], _ fault: MessageFault, _ plan: inout MessageFaultPlan
    ) -> [UInt8] {
        var message = message
        switch fault {
        case .truncate: message.removeLast(message.count / 3)
        case .overlong: message += Array("more".utf8)
        case .garbage: for index in message.indices { message[index] = UInt8(plan.random() & 255) }
        // 10099 is no template of the stream schema.
        case .template: (message[2], message[3]) = (UInt8(10099 & 255), UInt8(10099 >> 8))
        case .schema: (message[4], message[5]) = (77, 0)
        case .drop, .duplicate, .reorder, .fragment: break
        }
        return message
    }

    /// A JSON text as a fault makes it.
    private static func spoiledText(
        _ text: [UInt8], _ fault: MessageFault, _ plan: inout MessageFaultPlan
    ) -> [UInt8] {
        switch fault {
        case .truncate: Array(text.dropLast(text.count / 3))
        case .overlong: text + Array("more".utf8)
        // A text frame is UTF-8, or the client has to hang up.
        case .garbage: text.map { _ in UInt8(0x20 + plan.random() % 95) }
        case .template: Array("{\"stream\":\"btcusdt@newStream\",\"data\":{\"e\":\"new\"}}".utf8)
        case .schema: Array("{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\"}}".utf8)
        case .drop, .duplicate, .reorder, .fragment: text
        }
    }

    /// Three frames; a ping may come between them (RFC 6455, 5.4) and does.
    private static func fragments(
        _ message: [UInt8], _ opcode: WebSocketOpcode, ping: () -> ByteBuffer
    ) -> [ByteBuffer] {
        let cuts = [0, message.count / 3, message.count / 2, message.count]
        var frames: [ByteBuffer] = []
        for part in 0..<3 {
            let bytes = message[cuts[part]..<cuts[part + 1]]
            var frame = ByteBuffer()
            WireFrame.header(
                part == 0 ? opcode : .continuation, length: bytes.count, isLast: part == 2,
                to: &frame)
            frame.writeBytes(bytes)
            frames.append(frame)
            if part == 1 { frames.append(ping()) }
        }
        return frames
    }
}
