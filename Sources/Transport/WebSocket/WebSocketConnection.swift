import Posix

/// A connection with a WebSocket on it: the connection is curl's, handshake and frames are ours.
///
/// Nothing here waits: the owner polls ``descriptor`` and calls ``open()``, ``read()`` and
/// ``flush()``.
public struct WebSocketConnection: ~Copyable {
    /// How far it is.
    public enum Phase: Sendable {
        /// Address, TCP, TLS; there is no descriptor to poll yet, so ask every few milliseconds.
        case connecting
        /// The request is on its way, or its answer.
        case shaking
        /// Messages may come.
        case open
    }

    /// How far it is.
    public private(set) var phase = Phase.connecting
    /// What to poll for reading; −1 while connecting.
    public var descriptor: Int32 { connection.descriptor }
    /// True when bytes may be there that polling does not show, because they are decrypted, or wait
    /// in the buffer of TLS: ``read()`` comes first, then the next poll.
    public private(set) var hasMore = false
    /// True when one system call gets more than one record of TLS.
    var readsAhead: Bool { connection.readsAhead }
    /// Its frames.
    public var socket: WebSocket

    /// Bytes that one ``read()`` takes at least, if they are there: with the messages made of
    /// them they still fit a processor's cache.
    private static let batch = 192 << 10

    private var connection: CurlConnection
    private let shake = WebSocketHandshake()
    private let deadline: Int64
    private var answer = Bytes(capacity: 4096)
    /// Where the answer's header ends, once it is there.
    private var headerEnd: Int?

    /// Begins to connect.
    ///
    /// - Parameters:
    ///   - url: `ws://` or `wss://`, with path and query as they are to be sent.
    ///   - headers: of the opening request.
    ///   - authorities: a file of certificate authorities instead of the system's.
    ///   - timeout: seconds until the WebSocket has to be open.
    ///   - maximumMessage: bytes; a longer message ends the connection.
    public init(
        url text: String, headers: [(String, String)], authorities: String? = nil,
        timeout: Double = 10, maximumMessage: Int = 1 << 20
    ) throws(WebSocketFailure) {
        do throws(TransportError) {
            guard headers.allSatisfy({ !($0.0 + $0.1).contains(where: \.isNewline) }) else {
                throw TransportError(
                    kind: .badRequest, url: text, reason: "a header of the request has a line break"
                )
            }
            connection = try CurlConnection(
                url: text, authorities: authorities, timeout: timeout)
        } catch { throw .transport(error) }
        deadline = Clock.monotonicNanoseconds() + Int64(timeout * 1e9)
        socket = WebSocket(maximumMessage: maximumMessage)
        answer.append(
            utf8: shake.request(
                authority: connection.url.authority, target: connection.url.target,
                headers: headers))
    }

    // MARK: - Opening

    /// Goes on with opening, as far as that is possible without waiting.
    ///
    /// - Throws: why it will not open.
    public mutating func open() throws(WebSocketFailure) {
        if phase == .connecting { try connect() }
        if phase == .shaking { try readAnswer() }
        if phase != .open && Clock.monotonicNanoseconds() > deadline {
            try judgeWhatCame()
            throw failure(.timeout, "the WebSocket did not open in time")
        }
    }

    private mutating func connect() throws(WebSocketFailure) {
        do throws(TransportError) {
            guard try connection.connect() else { return }
        } catch { throw .transport(error) }
        // A new connection takes a request of this size whole.
        guard try send(answer.span) == answer.count else {
            throw failure(.broken, "the opening request could not be sent")
        }
        connection.readAhead()
        answer.removeAll()
        phase = .shaking
    }

    private mutating func readAnswer() throws(WebSocketFailure) {
        while phase == .shaking {
            let (before, reader) = (answer.count, connection.reader)
            var outcome = CurlConnection.Received.nothing
            answer.append(room: 4096) { room in
                outcome = reader.receive(into: room)
                if case .bytes(let count) = outcome { return count }
                return 0
            }
            switch outcome {
            case .nothing: return
            case .bytes: break
            case .ended:
                try judgeWhatCame()
                throw failure(.broken, "the server closed the connection while it was opening")
            case .failed(let reason):
                try judgeWhatCame()
                throw failure(.broken, reason)
            }
            if let end = Self.headerEnd(in: answer, from: max(0, before - 3)) { headerEnd = end }
            if let headerEnd {
                try judge(headerEnd, isWhole: false)
            } else if answer.count > WebSocketHandshake.maximumHeader {
                throw .refused(
                    WebSocketRefusal(status: 0, reason: "the answer's header does not end"))
            }
        }
    }

    /// - Parameter isWhole: no more will come.
    private mutating func judge(_ end: Int, isWhole: Bool) throws(WebSocketFailure) {
        let header = answer.span(0..<end).withUnsafeBytes { Array($0) }
        let rest = answer.span((end + 4)..<answer.count).withUnsafeBytes { Array($0) }
        do throws(WebSocketRefusal) { try shake.judge(header) } catch {
            guard error.status > 0 else { throw .refused(error) }
            // The reason is in the body; a short one is worth waiting for.
            let length = HTTPHead(header)?["content-length"].flatMap { Int($0) } ?? 0
            if !isWhole && rest.count < min(length, 1024) { return }
            var error = error
            let words = Self.words(rest.prefix(300))
            if !words.isEmpty { error.reason += ": \(words)" }
            throw .refused(error)
        }
        socket.receive(rest.span.bytes)
        answer.removeAll()
        hasMore = true
        phase = .open
    }

    /// A refusal that came is worth more than the news that no more of it will come.
    private mutating func judgeWhatCame() throws(WebSocketFailure) {
        if let headerEnd { try judge(headerEnd, isWhole: true) }
    }

    /// A body's text, fit for one line of a log.
    private static func words(_ bytes: ArraySlice<UInt8>) -> String {
        let text = String(decoding: bytes, as: UTF8.self).unicodeScalars.map {
            $0.properties.generalCategory == .control ? " " : String($0)
        }
        return text.joined()
    }

    private static func headerEnd(in bytes: borrowing Bytes, from start: Int) -> Int? {
        let span = bytes.span
        var index = start
        while index + 4 <= span.byteCount {
            // "\r\n\r\n" as the machine loads it.
            if span.unsafeLoadUnaligned(fromByteOffset: index, as: UInt32.self) == 0x0A0D_0A0D {
                return index
            }
            index += 1
        }
        return nil
    }

    // MARK: - Bytes

    /// Reads what is there into the WebSocket, up to about 200 KB: see ``hasMore``.
    ///
    /// - Returns: bytes; 0 when nothing was there.
    /// - Throws: `.ended` when the other side is gone.
    public mutating func read() throws(WebSocketFailure) -> Int {
        var total = 0
        hasMore = false
        while total < Self.batch {
            let reader = connection.reader
            var outcome = CurlConnection.Received.nothing
            var asked = 0
            socket.receive(room: 64 << 10) { room in
                asked = room.count
                outcome = reader.receive(into: room)
                if case .bytes(let count) = outcome { return count }
                return 0
            }
            switch outcome {
            case .nothing: return total
            case .ended:
                if total > 0 { return total }
                throw .ended
            case .failed(let reason):
                if total > 0 { return total }
                throw failure(.broken, reason)
            case .bytes(let count):
                total += count
                // A plain socket that gave less than it could is empty.
                if !reader.isTLS && count < asked || reader.isDrained { return total }
            }
        }
        hasMore = true
        return total
    }

    /// Sends what the WebSocket has to send.
    ///
    /// - Returns: false when the connection takes no more now: poll for writing.
    public mutating func flush() throws(WebSocketFailure) -> Bool {
        while socket.outgoing.byteCount > 0 {
            let count = try send(socket.outgoing)
            if count == 0 { return false }
            socket.sent(count)
        }
        return true
    }

    private func send(_ bytes: RawSpan) throws(WebSocketFailure) -> Int {
        do throws(TransportError) { return try connection.send(bytes) } catch {
            throw .transport(error)
        }
    }

    private func failure(_ kind: TransportError.Kind, _ reason: String) -> WebSocketFailure {
        .transport(connection.error(kind, reason))
    }
}
