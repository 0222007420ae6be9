import Encoding
import Foundation
import Identity
import Posix
import TestSupport
import Testing

@testable import Records

/// Whatever `recq json` writes, `recq pack` makes the same record of.
struct RoundTripTests {
    private static func line(_ frame: [UInt8]) throws -> [UInt8] {
        var line = Bytes()
        try FrameView(frame.span.bytes).appendJSON(to: &line)
        return line.array
    }

    private static func packed(_ line: [UInt8]) throws -> [UInt8] {
        var bytes = Bytes()
        try JSONRecord.appendFrame(of: line.span.bytes, to: &bytes)
        return bytes.array
    }

    /// What a filter that keeps numbers as doubles leaves of a line.
    private static func filtered(_ line: [UInt8]) throws -> [UInt8] {
        var text = ""
        var number = ""
        var isInString = false
        var isEscaped = false
        for scalar in String(decoding: line, as: UTF8.self).unicodeScalars {
            if !isInString, scalar.isASCII, "0123456789+-.eE".unicodeScalars.contains(scalar),
                !number.isEmpty || scalar != "e"
            {
                number.unicodeScalars.append(scalar)
                continue
            }
            if !number.isEmpty { text += "\(try #require(Double(number)))" }
            number = ""
            if isInString {
                (isInString, isEscaped) = (
                    isEscaped || scalar != "\"", !isEscaped && scalar == "\\"
                )
            } else {
                isInString = scalar == "\""
            }
            text.unicodeScalars.append(scalar)
        }
        return Array(text.utf8)
    }

    /// A frame of a kind with some bytes of its prefix, or behind it, altered.
    private static func altered(_ frame: [UInt8], _ changes: [(offset: Int, byte: UInt8)])
        -> [UInt8]
    {
        var frame = frame
        for change in changes { frame[Frame.blockOffset + change.offset] = change.byte }
        return frame
    }

    static let odd: [[UInt8]] = {
        let trade = Sample.trade(id: 7)
        let kline = Sample.kline(id: 1_704_067_200_000_000, volume: 5)
        return [
            // A source, a venue and flags that no word is known for.
            altered(trade, [(67, 200), (66, 9), (70, 0xFF), (71, 0xFF)]),
            altered(trade, [(64, 5)]), altered(trade, [(24, 9)]),
            altered(kline, [(64, 99), (65, 1)]), altered(kline, [(31, 0x7F)]),
            altered(Sample.gap(1...5), [(72, 77), (74, 200)]),
            altered(Sample.raw(id: 1, length: 3), [(64, 1)]),
            altered(Sample.bestBidAsk(id: 1), [(64, 1), (25, 1)]),
            altered(Sample.depth(.depthDiff, id: 3, levels: 2), [(64, 1)]),
            altered(Sample.depth(.depthSnapshot, id: 3, levels: 2), [(16, 1), (64, 20)]),
            // Symbols that are not text, have a NUL among them, or are empty.
            altered(trade, [(32, 0xFF)]), altered(trade, [(34, 0)]), altered(trade, [(63, 65)]),
            altered(trade, (32..<64).map { ($0, 0) }), altered(trade, (32..<64).map { ($0, 0xFF) }),
            altered(trade, [(33, 0x22), (34, 0x5C), (35, 0x0A)]),
        ]
    }()

    @Test func `also what has no word, and symbols that are not text`() throws {
        for frame in Sample.all + Self.odd {
            let line = try Self.line(frame)
            let text = String(decoding: line, as: UTF8.self)
            #expect(try Self.packed(line) == frame, "\(text)")
            #expect(try Self.packed(Self.filtered(line)) == frame, "filtered: \(text)")
        }
    }

    @Test(arguments: [1, 0x22, 0x7F, 0x41] as [UInt8])
    func `evidence of any length fits, however many escapes its bytes need`(byte: UInt8) throws {
        let frame = Sample.gap(evidence: [UInt8](repeating: byte, count: 300_000))
        #expect(try Self.packed(Self.line(frame)) == frame)
    }

    @Test func `at every exponent, up to the ends of what a record holds`() throws {
        let mantissas: [Int64] = [
            0, 1, -1, 123_456_789_012_345, 1_234_567_890_123_456, -9_007_199_254_740_993, .max,
            .min,
        ]
        for exponent in Int8.min ... .max {
            for mantissa in mantissas {
                let frame = Sample.trade(
                    id: .max, price: mantissa, quantity: -3, exponents: (exponent, exponent))
                let line = try Self.line(frame)
                let text = String(decoding: line, as: UTF8.self)
                #expect(try Self.packed(line) == frame, "\(text)")
            }
        }
        for volume in [Int128.max, .min, .max / 10, -1] {
            for exponent in [Int8.min, -127, -38, -8, 0, 38, 127] {
                var frame = Sample.kline(id: 60_000_000, volume: volume == .min ? .max : volume)
                if volume == .min {
                    let start = Frame.blockOffset + Frame.prefixLength + 40
                    for index in 0..<16 { frame[start + index] = index == 15 ? 0x80 : 0 }
                }
                frame[Frame.blockOffset + 68] = UInt8(bitPattern: exponent)
                frame[Frame.blockOffset + 69] = UInt8(bitPattern: exponent)
                let line = try Self.line(frame)
                let text = String(decoding: line, as: UTF8.self)
                #expect(try Self.packed(line) == frame, "\(text)")
            }
        }
    }

    @Test func `through a filter that keeps doubles, whatever the digits`() throws {
        var random = SeededRandom(21)
        for _ in 0..<4000 {
            // From 67 million on, every third decimal of eight places is none that a double keeps.
            let mantissa = Int64.random(
                in: 6_710_886_400_000_000...9_007_199_254_740_992, using: &random)
            let frame = Sample.trade(
                id: Int64(bitPattern: random.next()) >> Int64.random(in: 1...63, using: &random),
                price: mantissa, quantity: Int64(bitPattern: random.next()) >> 5)
            let line = try Self.filtered(Self.line(frame))
            #expect(try Self.packed(line) == frame, "\(String(decoding: line, as: UTF8.self))")
        }
    }

    @Test func `a number that was changed beside its exact form is refused`() throws {
        let line = String(
            decoding: try Self.line(Sample.trade(id: 1 << 60, price: 1_234_567_890_123_456)),
            as: UTF8.self)
        for (old, new, name) in [
            ("\"price\":12345678.90123456", "\"price\":12345678", "price"),
            ("\"trade_id\":\(1 << 60)", "\"trade_id\":5", "trade_id"),
        ] {
            #expect(line.contains(old), "\(line)")
            let changed = Array(line.replacingOccurrences(of: old, with: new).utf8)
            let failure = #expect(throws: FieldFailure.self) { try Self.packed(changed) }
            #expect(failure?.description.contains("\(name)_exact") == true, "\(failure as Any)")
        }
    }
}
