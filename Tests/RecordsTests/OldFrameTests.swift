import Identity
import Posix
import TestSupport
import Testing

@testable import Records

/// Captures that an earlier version wrote.
struct OldFrameTests {
    /// A frame as schema 8801 had it: the same without the last eight bytes of the symbol.
    static func old(_ frame: [UInt8]) -> [UInt8] {
        var old = Array(frame[..<70] + frame[78...])
        let length = UInt32(old.count)
        for index in 0..<4 {
            old[index] = UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * index))
        }
        let block = UInt16(old[6]) | UInt16(old[7]) << 8
        let shorter = block - 8
        old[6] = UInt8(truncatingIfNeeded: shorter)
        old[7] = UInt8(truncatingIfNeeded: shorter >> 8)
        (old[10], old[11]) = (0x61, 0x22)
        return old
    }

    private static func upgraded(
        _ bytes: [UInt8], isEnd: Bool = true
    ) throws(FrameError) -> (frames: [UInt8], taken: Int, count: Int) {
        var output = Bytes()
        let (taken, count) = try OldFrame.upgrade(
            bytes.span.bytes, at: 0, isEnd: isEnd, to: &output)
        return (output.array, taken, count)
    }

    @Test func `every kind of record is converted, unknown ones too`() throws {
        for frame in Sample.all {
            let result = try Self.upgraded(Self.old(frame))
            #expect(result.frames == frame)
            #expect(result.count == 1)
        }
    }

    @Test func `records of today's schema between them pass unchanged`() throws {
        let frames = Sample.all.enumerated().flatMap { $0 % 2 == 0 ? Self.old($1) : $1 }
        let result = try Self.upgraded(frames)
        #expect(result.frames == Sample.all.flatMap { $0 })
        #expect(result.taken == frames.count)
        #expect(result.count == Sample.all.count)
    }

    @Test func `a cut frame waits for its rest, and is an error at the end`() throws {
        let frames = Self.old(Sample.trade(id: 1)) + Self.old(Sample.raw(id: 2, length: 0))
        for length in 0..<frames.count {
            let cut = Array(frames[..<length])
            let result = try Self.upgraded(cut, isEnd: false)
            #expect(result.taken == (length < 102 ? 0 : 102), "\(length)")
            if length != 0 && length != 102 {
                #expect(throws: FrameError.self, "\(length)") { try Self.upgraded(cut) }
            }
        }
    }

    @Test func `a reader of records says what to do about an old one`() throws {
        for frame in Sample.all {
            let old = Self.old(frame)
            #expect(throws: FrameError.oldSchema(offset: 0)) {
                _ = try FrameView(old.span.bytes)
            }
        }
        #expect("\(FrameError.oldSchema(offset: 7))".contains("recq upgrade"))
    }

    @Test func `altered old frames are refused or converted, and never more than there is`() {
        var random = SeededRandom(6)
        let frames = Sample.all.flatMap { Self.old($0) }
        for _ in 0..<2000 {
            var altered = frames
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                altered[Int.random(in: 0..<altered.count, using: &random)] = random.nextByte()
            }
            _ = try? Self.upgraded(altered)
        }
    }
}
