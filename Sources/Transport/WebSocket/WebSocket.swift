import Posix

/// The client's side of a WebSocket after its handshake, as a value: bytes in, events and bytes out.
/// It has no socket, so that a test can feed it what it likes.
///
/// ```swift
/// try socket.receive(room: 256 << 10) { room in try connection.read(into: room) }
/// while let event = try socket.next() { … }     // lent from where the bytes were received
/// ```
///
/// Source: RFC 6455. No extension is offered, so that reserved bits are errors.
public struct WebSocket: ~Copyable {
    /// What came, lent from the receive buffer until the next call.
    public struct Event: ~Escapable {
        /// What it is.
        public let kind: Kind
        /// Of a message its content, of a ping or pong its payload, of a close the reason.
        public let payload: RawSpan
        /// Of a close: the peer's code, 1005 when it gave none.
        public let closeCode: UInt16

        @_lifetime(copy payload)
        init(_ kind: Kind, _ payload: RawSpan, closeCode: UInt16 = 0) {
            self.kind = kind
            self.payload = payload
            self.closeCode = closeCode
        }
    }

    /// Kinds of events. A ping wants ``WebSocket/pong()``; when to send it is
    /// the caller's, since some servers count.
    public enum Kind: Sendable {
        case text
        case binary
        case ping
        case pong
        case close
    }

    /// A longer message is refused with code 1009, before there is memory for it.
    public let maximumMessage: Int
    /// True once the peer's close frame came: nothing else will.
    public private(set) var hasPeerClosed = false
    /// True once a close frame of ours is in the output, or was.
    public private(set) var hasClosed = false

    private var input = Bytes(capacity: 256 << 10)
    private var output = Bytes(capacity: 4096)
    /// Where the next frame begins.
    private var position = 0
    /// The fragments so far of the message under way, moved together.
    private var message: Range<Int>?
    private var messageIsText = false
    private var text = UTF8Check()
    /// Bytes of the current frame that `text` has seen.
    private var textSeen = 0
    /// Bytes that the current frame still lacks.
    private var lacking = 0
    private var hasFailed = false
    /// Payload of the last ping.
    private var lastPing: [UInt8] = []

    /// Bytes of memory that it holds.
    var reserved: Int { input.capacity + output.capacity }

    /// An open WebSocket.
    public init(maximumMessage: Int = 1 << 20) { self.maximumMessage = maximumMessage }

    // MARK: - Receiving

    /// Takes bytes in.
    ///
    /// - Parameters:
    ///   - room: bytes to make free at least.
    ///   - body: fills the free space and returns how many bytes it wrote.
    /// - Returns: what `body` returned.
    @discardableResult
    public mutating func receive<Failure: Error>(
        room: Int, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) -> Int {
        if hasPeerClosed || hasFailed {
            // What comes now is ignored.
            input.removeAll()
            (position, lacking, message) = (0, 0, nil)
        } else {
            compact()
        }
        return try input.append(room: max(room, min(lacking, maximumMessage)), body)
    }

    /// Makes what is done free again.
    private mutating func compact() {
        if let message, position > message.upperBound {
            // Headers of fragments, and control frames between them: a peer can send any number.
            let rest = position..<input.count
            input.move(rest, to: message.upperBound)
            input.truncate(to: message.upperBound + rest.count)
            position = message.upperBound
        }
        let done = message?.lowerBound ?? position
        guard done > 0 else { return }
        input.removeFirst(done)
        position -= done
        if let message {
            self.message = (message.lowerBound - done)..<(message.upperBound - done)
        }
    }

    /// Takes a copy of some bytes in.
    public mutating func receive(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { source in
            _ = receive(room: source.count) { room in
                room.copyMemory(from: source)
                return source.count
            }
        }
    }

    /// The next event; nil when more bytes are needed, or nothing will come any more.
    ///
    /// - Throws: ``WebSocketError`` when the peer broke the protocol; the close frame that tells it
    ///   is in the output then.
    @_lifetime(&self)
    public mutating func next() throws(WebSocketError) -> Event? {
        if let payload = usualPayload() {
            position = payload.upperBound
            (lacking, textSeen) = (0, 0)
            return Event(.binary, input.span(payload))
        }
        while !hasPeerClosed && !hasFailed {
            guard let frame = try frame() else { return nil }
            position = frame.payload.upperBound
            lacking = 0
            if frame.opcode.isControl { return try control(frame) }
            if frame.isFinal && message == nil {
                textSeen = 0
                return Event(
                    frame.opcode == .text ? .text : .binary, input.span(frame.payload))
            }
            if let whole = assemble(frame) {
                return Event(messageIsText ? .text : .binary, input.span(whole))
            }
        }
        return nil
    }

    /// The payload of a binary message in one frame of up to 64 KiB that is there whole, which nearly
    /// all are: its header is judged in a few compares. Nil for any other.
    @inline(__always)
    private func usualPayload() -> Range<Int>? {
        guard message == nil, input.count - position >= 4, !hasPeerClosed, !hasFailed else {
            return nil
        }
        let header = input.withUnsafeBytes(position..<(position + 4)) { bytes in
            UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))
        }
        // The last fragment, without reserved bits, of a binary message; not masked, as its length is
        // below 127.
        guard header >> 24 == 0x82 else { return nil }
        var (start, length) = (position + 2, Int(header >> 16 & 0xFF))
        if length > 125 {
            guard length == 126 else { return nil }
            (start, length) = (start + 2, Int(header & 0xFFFF))
            guard length > 125 else { return nil }
        }
        guard length <= maximumMessage, length <= input.count - start else { return nil }
        return start..<(start + length)
    }

    /// The frame at the position, once it is there whole.
    private mutating func frame() throws(WebSocketError) -> WebSocketFrame? {
        let frame: WebSocketFrame?
        do throws(WebSocketError) {
            frame = try WebSocketFrame(in: input.span, at: position)
            if let frame { try check(frame) }
        } catch { throw fail(error) }
        guard let frame else { return nil }
        let isText = frame.opcode == .text || frame.opcode == .continuation && messageIsText
        let end = min(frame.payload.upperBound, input.count)
        if isText {
            // As far as it is there: bad text ends the connection before it is all sent.
            var text = frame.opcode == .text && textSeen == 0 ? UTF8Check() : self.text
            let from = frame.payload.lowerBound + textSeen
            let isWhole = end == frame.payload.upperBound && frame.isFinal
            let isGood = text.take(input.span(from..<end)) && (!isWhole || text.isComplete)
            guard isGood else { throw fail(WebSocketError(1007, "text that is not UTF-8")) }
            self.text = text
            textSeen = end - frame.payload.lowerBound
        }
        lacking = frame.payload.upperBound - input.count
        return lacking <= 0 ? frame : nil
    }

    /// Checks a frame's header against the message under way, before its payload is there.
    private func check(_ frame: WebSocketFrame) throws(WebSocketError) {
        if frame.opcode.isControl { return }
        if frame.opcode == .continuation {
            guard message != nil else {
                throw WebSocketError(1002, "a continuation without a message")
            }
        } else if message != nil {
            throw WebSocketError(1002, "a new message inside another one")
        }
        let length = (message?.count ?? 0) + frame.payload.count
        guard length <= maximumMessage else {
            throw WebSocketError(
                1009, "a message of \(length) bytes or more; the limit is \(maximumMessage)")
        }
    }

    /// Adds a fragment.
    ///
    /// - Returns: where the message is, once it is whole.
    private mutating func assemble(_ frame: WebSocketFrame) -> Range<Int>? {
        textSeen = 0
        let whole: Range<Int>
        if let message {
            // Over the header of this fragment, right behind the one before.
            input.move(frame.payload, to: message.upperBound)
            whole = message.lowerBound..<(message.upperBound + frame.payload.count)
        } else {
            messageIsText = frame.opcode == .text
            whole = frame.payload
        }
        message = frame.isFinal ? nil : whole
        return frame.isFinal ? whole : nil
    }

    @_lifetime(&self)
    private mutating func control(_ frame: WebSocketFrame) throws(WebSocketError) -> Event {
        switch frame.opcode {
        case .ping:
            lastPing = input.span(frame.payload).withUnsafeBytes { Array($0) }
            return Event(.ping, input.span(frame.payload))
        case .pong: return Event(.pong, input.span(frame.payload))
        default: break
        }
        hasPeerClosed = true
        guard !frame.payload.isEmpty else {
            close(code: nil)
            return Event(.close, input.span(frame.payload), closeCode: 1005)
        }
        guard frame.payload.count >= 2 else {
            throw fail(WebSocketError(1002, "a close code of one byte"))
        }
        let start = frame.payload.lowerBound
        let code = UInt16(
            bigEndian: input.span.unsafeLoadUnaligned(fromByteOffset: start, as: UInt16.self))
        guard Self.mayBeSent(code) else {
            throw fail(WebSocketError(1002, "close code \(code), which may not be sent"))
        }
        let reason = (start + 2)..<frame.payload.upperBound
        var check = UTF8Check()
        guard check.take(input.span(reason)), check.isComplete else {
            throw fail(WebSocketError(1007, "a close reason that is not UTF-8"))
        }
        close(code: code)
        return Event(.close, input.span(reason), closeCode: code)
    }

    /// RFC 6455, section 7.4, with the codes that IANA registered since (1012 to 1014).
    private static func mayBeSent(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }

    /// Notes that the peer broke the protocol, and tells it.
    private mutating func fail(_ error: WebSocketError) -> WebSocketError {
        hasFailed = true
        close(code: error.code)
        return error
    }

    // MARK: - Sending

    /// Bytes to send, oldest first.
    public var outgoing: RawSpan {
        @_lifetime(borrow self)
        get { output.span }
    }

    /// Forgets bytes of ``outgoing`` that were sent.
    public mutating func sent(_ count: Int) { output.removeFirst(count) }

    /// Sends a text message, which must be UTF-8.
    public mutating func send(text: RawSpan) { append(.text, text) }

    /// Sends a text message.
    public mutating func send(text: String) { append(.text, Array(text.utf8).span.bytes) }

    /// Sends a binary message.
    public mutating func send(binary: RawSpan) { append(.binary, binary) }

    /// Answers the last ping; one answer may stand for several (RFC 6455, section 5.5.3).
    public mutating func pong() {
        let payload = lastPing
        append(.pong, payload.span.bytes)
    }

    /// Begins or answers the closing handshake; what is called after it is not sent.
    ///
    /// - Parameter code: nil or 1005 sends none.
    public mutating func close(code: UInt16?, reason: StaticString = "") {
        guard !hasClosed else { return }
        var payload = Bytes(capacity: 128)
        if let code, code != 1005 {
            payload.append(bits: code.bigEndian)
            payload.append(reason)
        }
        append(.close, payload.span)
        hasClosed = true
    }

    private mutating func append(_ opcode: WebSocketFrame.Opcode, _ payload: RawSpan) {
        guard !hasClosed else { return }
        // RFC 6455, section 5.3: a new, unpredictable mask for each frame.
        var generator = SystemRandomNumberGenerator()
        let mask = UInt32.random(in: 0 ... .max, using: &generator)
        WebSocketFrame.append(opcode, payload, mask: mask, to: &output)
    }
}

/// How a peer broke RFC 6455.
public struct WebSocketError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The close code that says so: 1002 protocol, 1007 bad text, 1009 too long.
    public let code: UInt16
    /// What the peer sent.
    public let reason: String

    init(_ code: UInt16, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    /// Both.
    public var description: String { "the peer sent \(reason) (close code \(code))" }
}
