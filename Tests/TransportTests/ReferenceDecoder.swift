/// RFC 6455 written down a second time, as plainly as possible and from nothing but the RFC: a whole
/// stream in an array, a message in an array of its own. The client is compared with it.
struct ReferenceDecoder {
    let limit: Int

    func events(of stream: [UInt8]) -> [Seen] {
        var seen: [Seen] = []
        var at = 0
        var open: (isText: Bool, payload: [UInt8])?
        while at + 2 <= stream.count {
            let opcode = stream[at] & 0x0F
            let isFinal = stream[at] >= 0x80
            let isControl = opcode >= 8
            // Section 5.2, in the order in which the bytes come.
            if stream[at] & 0x70 != 0 || ![0, 1, 2, 8, 9, 10].contains(opcode) {
                return seen + [.failed(1002)]
            }
            if stream[at + 1] & 0x80 != 0 { return seen + [.failed(1002)] }
            if isControl && (!isFinal || stream[at + 1] > 125) { return seen + [.failed(1002)] }
            let short = Int(stream[at + 1])
            let wide = short == 126 ? 2 : short == 127 ? 8 : 0
            guard at + 2 + wide <= stream.count else { return seen }
            let long = stream[(at + 2)..<(at + 2 + wide)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            if wide == 2 && long < 126 { return seen + [.failed(1002)] }
            if wide == 8 && (long < 65536 || long >= 1 << 62) { return seen + [.failed(1002)] }
            let length = wide == 0 ? short : Int(long)
            let start = at + 2 + wide
            if !isControl {
                // Section 5.4.
                if (opcode == 0) != (open != nil) { return seen + [.failed(1002)] }
                if (open?.payload.count ?? 0) + length > limit { return seen + [.failed(1009)] }
            }
            let there = Array(stream[start..<min(stream.count, start + length)])
            let isWhole = there.count == length
            if !isControl {
                let message = (open?.payload ?? []) + there
                let isText = open?.isText ?? (opcode == 1)
                // Section 8.1; what is not there yet may still make it right.
                if isText && !(isWhole && isFinal ? Self.isText(message) : Self.mayBecome(message))
                {
                    return seen + [.failed(1007)]
                }
                guard isWhole else { return seen }
                if isFinal { seen.append(isText ? .text(message) : .binary(message)) }
                open = isFinal ? nil : (isText, message)
            } else {
                guard isWhole else { return seen }
                if opcode == 9 { seen.append(.ping(there)) }
                if opcode == 10 { seen.append(.pong(there)) }
                if opcode == 8 { return seen + [Self.close(there)] }
            }
            at = start + length
        }
        return seen
    }

    /// Sections 5.5.1 and 7.4.
    private static func close(_ payload: [UInt8]) -> Seen {
        if payload.isEmpty { return .close(1005, []) }
        if payload.count == 1 { return .failed(1002) }
        let code = UInt16(payload[0]) * 256 + UInt16(payload[1])
        let isKnown = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]
            .contains(code)
        guard isKnown || code >= 3000 && code < 5000 else { return .failed(1002) }
        let reason = Array(payload[2...])
        return isText(reason) ? .close(code, reason) : .failed(1007)
    }

    private static func isText(_ bytes: [UInt8]) -> Bool {
        String(validating: bytes, as: UTF8.self) != nil
    }

    /// True when some bytes behind would make it text: up to three of the few that can matter.
    private static func mayBecome(_ bytes: [UInt8]) -> Bool {
        if isText(bytes) { return true }
        let last = Array(bytes.suffix(3))
        for length in 1...3 where last.count >= length {
            guard isText(bytes.dropLast(length)) else { continue }
            for first: UInt8 in [0x80, 0x90, 0xA0] {
                for more in 0...2 {
                    let end = [first] + [UInt8](repeating: 0x80, count: more)
                    if isText(last.suffix(length) + end) { return true }
                }
            }
        }
        return false
    }

    private static func isText(_ bytes: ArraySlice<UInt8>) -> Bool { isText(Array(bytes)) }
}
