import TestSupport
import Testing

/// Streams that nobody would send, by the thousand, the same ones in every run.
struct WebSocketFuzzTests {
    private static let limit = 2000

    /// A valid stream: fragmented messages with control frames between, mostly short.
    private static func valid(_ random: inout SeededRandom) -> [UInt8] {
        var stream: [UInt8] = []
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let isText = Bool.random(using: &random)
            var rest = payload(isText: isText, &random)[...]
            var opcode: UInt8 = isText ? 1 : 2
            while Int.random(in: 0..<3, using: &random) == 0 {
                let part = rest.prefix(Int.random(in: 0...rest.count, using: &random))
                stream += frame(opcode, Array(part), final: false)
                rest = rest.dropFirst(part.count)
                opcode = 0
                if Bool.random(using: &random) {
                    stream += frame(Bool.random(using: &random) ? 9 : 10, Array(part.prefix(125)))
                }
            }
            stream += frame(opcode, Array(rest))
        }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: stream += closing(1000, Array("é".utf8))
        case 1: stream += closing(UInt16.random(in: 990...5010, using: &random))
        default: break
        }
        return stream
    }

    private static func payload(isText: Bool, _ random: inout SeededRandom) -> [UInt8] {
        let most = Int.random(in: 0..<8, using: &random) == 0 ? 600 : 20
        let count = Int.random(in: 0...most, using: &random)
        if !isText { return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) } }
        let alphabet: [Character] = ["a", "b", "é", "€", "𝄞", " ", "\u{7FF}", "\u{10FFFF}"]
        return Array(
            String((0..<count).map { _ in alphabet.randomElement(using: &random) ?? "a" }).utf8)
    }

    /// One to three bytes changed, added, taken away or repeated.
    private static func mutated(_ stream: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var stream = stream
        for _ in 0..<Int.random(in: 1...3, using: &random) where !stream.isEmpty {
            let place = Int.random(in: 0..<stream.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: stream[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
            case 1: stream[place] = UInt8.random(in: 0...255, using: &random)
            case 2: stream.insert(UInt8.random(in: 0...255, using: &random), at: place)
            case 3: stream.remove(at: place)
            case 4: stream.removeSubrange(place...)
            default: stream.insert(contentsOf: stream[place...].prefix(30), at: place)
            }
        }
        return stream
    }

    private static func cut(_ stream: [UInt8], _ random: inout SeededRandom) -> [ArraySlice<UInt8>]
    {
        let most = [1, 3, 40, 5000].randomElement(using: &random) ?? 1
        var pieces: [ArraySlice<UInt8>] = []
        var rest = stream[...]
        while !rest.isEmpty {
            pieces.append(rest.prefix(Int.random(in: 1...most, using: &random)))
            rest = rest.dropFirst(pieces[pieces.count - 1].count)
        }
        return pieces
    }

    /// Feeds it, and compares with the reference: events, answers and the memory that it took.
    private func check(_ stream: [UInt8], _ random: inout SeededRandom, _ name: String) {
        let expected = ReferenceDecoder(limit: Self.limit).events(of: stream)
        let fed = feed(Self.cut(stream, &random), limit: Self.limit)
        #expect(fed.seen == expected, "\(name)")
        #expect(fed.reserved < 1 << 20, "\(name)")
        let pings = expected.filter { if case .ping = $0 { true } else { false } }.count
        let isOver = expected.last.map {
            if case .close = $0 { true } else if case .failed = $0 { true } else { false }
        }
        #expect(fed.sent.count == pings + (isOver == true ? 1 : 0), "\(name)")
    }

    @Test func `valid streams come to what the reference says`() {
        for seed in UInt64(0)..<1500 {
            var random = SeededRandom(seed)
            check(Self.valid(&random), &random, "valid, seed \(seed)")
        }
    }

    @Test func `mutated streams come to what the reference says`() {
        for seed in UInt64(0)..<4000 {
            var random = SeededRandom(seed)
            let stream = Self.mutated(Self.valid(&random), &random)
            check(stream, &random, "mutated, seed \(seed)")
        }
    }

    @Test func `random bytes come to what the reference says`() {
        for seed in UInt64(0)..<4000 {
            var random = SeededRandom(seed)
            var stream = (0..<Int.random(in: 1...60, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            // Purely random ones fail with their first two bytes: give them a likely start.
            if seed % 4 != 0 {
                stream[0] = [0x01, 0x81, 0x82, 0x88, 0x89, 0x02].randomElement(using: &random) ?? 1
                if stream.count > 1 { stream[1] &= 0x7F }
            }
            check(stream, &random, "random, seed \(seed)")
        }
    }

    @Test func `a peer that never ends a message takes no more memory than the limit`() {
        // Pings and empty fragments between two fragments, a megabyte of them.
        let chunk = (0..<500).flatMap { _ in
            frame(9, [UInt8](repeating: 1, count: 100)) + frame(0, final: false)
        }
        var pieces = [frame(2, [1, 2, 3], final: false)[...]]
        pieces += (0..<20).map { _ in chunk[...] } + [frame(0)[...]]
        let fed = feed(pieces, limit: Self.limit)
        #expect(fed.seen.count == 10_001)
        // What it began with, and two megabytes for answers that nobody took away.
        #expect(fed.reserved < 3 << 20)
        #expect(fed.seen.last == .binary([1, 2, 3]))
    }

    @Test func `what comes after the end is not kept`() {
        let rubbish = [UInt8](repeating: 0x82, count: 100_000)
        for end in [closing(1000), frame(3)] {
            let fed = feed([end[...]] + (0..<100).map { _ in rubbish[...] })
            #expect(fed.seen.count == 1 && fed.sent.count == 1)
            #expect(fed.reserved < 1 << 20)
        }
    }
}
