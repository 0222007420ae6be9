import TestSupport
@testable import Transport

/// What a WebSocket says about the bytes that it was fed.
enum Seen: Equatable, Sendable {
    case text([UInt8])
    case binary([UInt8])
    case ping([UInt8])
    case pong([UInt8])
    case close(UInt16, [UInt8])
    /// The code of the error; nothing comes after it.
    case failed(UInt16)

    static func text(_ text: String) -> Seen { .text(Array(text.utf8)) }
}

/// How a stream is cut before it is fed.
enum Cut: Sendable, CaseIterable {
    case whole
    case bytes
    case random1
    case random2

    func pieces(of stream: [UInt8]) -> [ArraySlice<UInt8>] {
        var random = SeededRandom(self == .random1 ? 1 : 2)
        var pieces: [ArraySlice<UInt8>] = []
        var start = 0
        while start < stream.count {
            let length =
                switch self {
                case .whole: stream.count
                case .bytes: 1
                case .random1: Int.random(in: 1...7, using: &random)
                case .random2: Int.random(in: 1...300, using: &random)
                }
            let end = min(stream.count, start + length)
            pieces.append(stream[start..<end])
            start = end
        }
        return pieces
    }
}

/// A frame of a server's, right or wrong.
func frame(
    _ opcode: UInt8, _ payload: [UInt8] = [], final: Bool = true, reserved: UInt8 = 0,
    lengthBytes: Int? = nil, claiming: UInt64? = nil, isMasked: Bool = false
) -> [UInt8] {
    let length = claiming ?? UInt64(payload.count)
    let wide = lengthBytes ?? (length < 126 ? 0 : length < 65536 ? 2 : 8)
    let mask: UInt8 = isMasked ? 0x80 : 0
    var bytes = [(final ? 0x80 : 0) | reserved << 4 | opcode]
    switch wide {
    case 0: bytes.append(mask | UInt8(length))
    case 2: bytes += [mask | 126, UInt8(length >> 8), UInt8(length & 255)]
    default: bytes += [mask | 127] + (0..<8).map { UInt8(length >> (56 - 8 * $0) & 255) }
    }
    return bytes + (isMasked ? [0, 0, 0, 0] : []) + payload
}

func text(_ text: String, final: Bool = true) -> [UInt8] {
    frame(1, Array(text.utf8), final: final)
}

func closing(_ code: UInt16, _ reason: [UInt8] = []) -> [UInt8] {
    frame(8, [UInt8(code >> 8), UInt8(code & 255)] + reason)
}

/// What came of a stream.
struct Fed {
    var seen: [Seen] = []
    /// Bytes that had been fed when it failed.
    var failedAt: Int?
    /// The client's answers: a pong for each ping, its close frame.
    var sent: [Seen] = []
    /// Most bytes of memory that the WebSocket held.
    var reserved = 0
}

/// Feeds a WebSocket.
func feed(_ pieces: [ArraySlice<UInt8>], limit: Int = 1 << 20) -> Fed {
    var socket = WebSocket(maximumMessage: limit)
    var fed = Fed()
    var count = 0
    for piece in pieces {
        piece.withUnsafeBytes { source in
            _ = socket.receive(room: source.count) { room in
                room.copyMemory(from: source)
                return source.count
            }
        }
        count += piece.count
        do throws(WebSocketError) {
            while let seen = try nextSeen(&socket) {
                fed.seen.append(seen)
                if case .ping = seen { socket.pong() }
            }
        } catch {
            fed.seen.append(.failed(error.code))
            fed.failedAt = count
        }
        fed.reserved = max(fed.reserved, socket.reserved)
    }
    fed.sent = clientFrames(socket.outgoing.withUnsafeBytes { Array($0) })
    return fed
}

/// A copy of the next event.
func nextSeen(_ socket: inout WebSocket) throws(WebSocketError) -> Seen? {
    guard let event = try socket.next() else { return nil }
    let payload = event.payload.withUnsafeBytes { Array($0) }
    return switch event.kind {
    case .text: .text(payload)
    case .binary: .binary(payload)
    case .ping: .ping(payload)
    case .pong: .pong(payload)
    case .close: .close(event.closeCode, payload)
    }
}

/// The client's frames as a server reads them; a frame that is not masked gives an empty list.
func clientFrames(_ bytes: [UInt8]) -> [Seen] {
    var frames: [Seen] = []
    var rest = bytes[...]
    while let first = rest.popFirst(), let second = rest.popFirst() {
        guard second & 0x80 != 0, first & 0xF0 == 0x80 else { return [] }
        var length = Int(second & 0x7F)
        let wide = length == 126 ? 2 : length == 127 ? 8 : 0
        if wide > 0 { length = rest.prefix(wide).reduce(0) { $0 << 8 | Int($1) } }
        rest = rest.dropFirst(wide)
        let mask = Array(rest.prefix(4))
        let payload = rest.dropFirst(4).prefix(length).enumerated().map { $1 ^ mask[$0 % 4] }
        guard payload.count == length else { return [] }
        rest = rest.dropFirst(4 + length)
        switch first & 15 {
        case 1: frames.append(.text(payload))
        case 2: frames.append(.binary(payload))
        case 8:
            let code = payload.count < 2 ? 1005 : UInt16(payload[0]) << 8 | UInt16(payload[1])
            frames.append(.close(code, Array(payload.dropFirst(2))))
        case 9: frames.append(.ping(payload))
        case 10: frames.append(.pong(payload))
        default: return []
        }
    }
    return frames
}
