import Foundation
import Posix
import TestSupport
import Testing

@testable import Records

/// Frames over descriptors: whatever the pieces in which they come, and whatever comes instead.
struct FrameReaderTests {
    private static func read(_ bytes: [UInt8], pieces: Int) throws -> [Int64] {
        var ends: [Int32] = [-1, -1]
        try #require(Glibc.pipe(&ends) == 0)
        var reader = FrameReader(Descriptor(adopting: ends[0], name: "the pipe"), batch: 256)
        let end = FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
        var ids: [Int64] = []
        var rest = bytes[...]
        while true {
            if rest.isEmpty {
                try end.close()
            } else {
                try end.write(contentsOf: Data(rest.prefix(pieces)))
                rest = rest.dropFirst(pieces)
            }
            if try reader.fill() == .end { return ids }
            while let frame = try reader.next() { ids.append(frame.firstID) }
        }
    }

    @Test(arguments: [1, 2, 5, 6, 7, 13, 109, 110, 111, 1000])
    func `frames survive being cut anywhere`(pieces: Int) throws {
        let frames = (1...9).flatMap { Sample.trade(id: Int64($0)) }
        #expect(try Self.read(frames, pieces: pieces) == Array(1...9))
    }

    @Test func `a frame longer than the buffer makes it grow`() throws {
        let long = Sample.raw(id: 5, length: 500_000)
        #expect(try Self.read(long + Sample.trade(id: 6), pieces: 60_000) == [5, 6])
    }

    @Test func `the end inside a frame is an error that tells where, at every byte`() throws {
        let frame = Sample.trade(id: 1)
        for length in 1..<frame.count {
            #expect(throws: FrameError.self, "\(length)") {
                try Self.read(frame + frame.prefix(length), pieces: 4096)
            }
        }
        #expect(throws: FrameError.truncated(offset: 110, have: 40, need: 110)) {
            try Self.read(frame + frame.prefix(40), pieces: 4096)
        }
    }

    struct Broken: Sendable {
        let offset: Int
        let bytes: [UInt8]
        let error: FrameError
    }

    @Test(arguments: [
        Broken(offset: 4, bytes: [0x5B, 0xE0], error: .notAFrame(offset: 0, encodingType: 0x5BE0)),
        Broken(
            offset: 0, bytes: [0xFF, 0xFF, 0xFF, 0xFF], error: .badLength(offset: 0, length: .max)),
        Broken(offset: 0, bytes: [0, 0x10, 0, 1], error: .badLength(offset: 0, length: 1_048_577)),
        Broken(offset: 0, bytes: [0, 0, 0, 77], error: .badLength(offset: 0, length: 77)),
        Broken(offset: 0, bytes: [0, 0, 0, 85], error: .badLength(offset: 0, length: 85)),
        Broken(offset: 10, bytes: [0x61, 0x22], error: .oldSchema(offset: 0)),
        Broken(offset: 10, bytes: [1, 0], error: .foreignSchema(offset: 0, schemaID: 1)),
        Broken(offset: 6, bytes: [71, 0], error: .badBlock(offset: 0, blockLength: 71)),
        Broken(offset: 6, bytes: [97, 0], error: .badBlock(offset: 0, blockLength: 97)),
    ])
    func `headers that lie are refused before anything is allocated`(broken: Broken) throws {
        var frame = Sample.trade(id: 1)
        frame.replaceSubrange(
            broken.offset..<(broken.offset + broken.bytes.count), with: broken.bytes)
        #expect(throws: broken.error) { try Self.read(frame, pieces: 4096) }
    }

    @Test func `altered frames are refused or read, and never more than there is`() throws {
        var random = SeededRandom(1)
        let frames = (1...4).flatMap { Sample.trade(id: Int64($0)) } + Sample.raw(id: 9, length: 40)
        for _ in 0..<2000 {
            var altered = frames
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                altered[Int.random(in: 0..<altered.count, using: &random)] = random.nextByte()
            }
            _ = try? Self.read(altered, pieces: 128)
        }
    }
}

extension SeededRandom {
    mutating func nextByte() -> UInt8 { UInt8(truncatingIfNeeded: next()) }
}
