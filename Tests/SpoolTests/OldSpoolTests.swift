import Foundation
import Journal
import Posix
import Spool
import TestSupport
import Testing

/// Spools of the first format: drained, and never written to.
struct OldSpoolTests {
    private let place: TemporaryDirectory
    private var directory: String { place.path("spool") }

    init() throws {
        place = try TemporaryDirectory()
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
    }

    /// Frames, since what finds the next entry behind damage looks for one.
    private static func frames(_ text: String) -> [UInt8] {
        let length = UInt8(6 + text.utf8.count)
        return [0, 0, 0, length, 0xEB, 0x50] + Array(text.utf8)
    }

    private static func segment(_ texts: [String]) -> (bytes: Data, starts: [Int]) {
        var bytes = Data("BISPOOL1".utf8)
        var starts = [8]
        for text in texts {
            let content = frames(text)
            withUnsafeBytes(of: UInt32(content.count)) { bytes.append(contentsOf: $0) }
            withUnsafeBytes(of: CRC32C.of(content.span.bytes)) { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: content)
            starts.append(bytes.count)
        }
        return (bytes, starts)
    }

    private func write(_ bytes: Data, _ number: Int = 1) throws {
        try bytes.write(
            to: URL(fileURLWithPath: "\(directory)/0000000000000000000\(number).spool"))
    }

    private static func entries(_ spool: inout Spool) throws -> [String] {
        var found: [String] = []
        try spool.replay().forEach { _, entry in
            found.append(
                entry.extracting(droppingFirst: 6).withUnsafeBytes {
                    String(decoding: $0, as: UTF8.self)
                })
        }
        return found
    }

    @Test func `its entries come back, new ones follow in a new segment`() throws {
        try write(Self.segment(["one", "two"]).bytes, 1)
        try write(Self.segment(["three", "four"]).bytes, 2)
        do {
            var spool = try Spool(directory: directory)
            let more = Self.frames("five")
            let position = try spool.append(more.span.bytes)
            #expect(position.segment == 3)
            try spool.sync()
            let found = try Self.entries(&spool)
            #expect(found == ["one", "two", "three", "four", "five"])
            try spool.release(before: Spool.Position(segment: 2, offset: 8))
        }
        var spool = try Spool(directory: directory)
        let found = try Self.entries(&spool)
        #expect(found == ["three", "four", "five"])
        #expect(spool.tornBytes == 0)
        let rest = spool.takeDamages()
        #expect(rest.isEmpty)
    }

    @Test func `a wrong length, magic or byte costs one entry`() throws {
        let texts = ["one", "two", "three"]
        let (whole, starts) = Self.segment(texts)
        for index in 0..<whole.count {
            try? FileManager.default.removeItem(atPath: place.path("damaged"))
            var bytes = whole
            bytes[index] ^= 0x10
            try write(bytes)
            var spool = try Spool(directory: directory)
            let found = try Self.entries(&spool)
            var expected = texts
            if let entry = starts.lastIndex(where: { $0 <= index }) { expected.remove(at: entry) }
            #expect(found == expected, "byte \(index)")
            let rest = spool.takeDamages()
            #expect(rest.count == 1, "byte \(index)")
        }
    }

    @Test func `a cut end is a tail, damage with whole entries behind it is not`() throws {
        let (whole, starts) = Self.segment(["one", "two"])
        try write(whole.dropLast(2))
        do {
            let spool = try Spool(directory: directory)
            #expect(spool.tornBytes == Int64(starts[2] - starts[1] - 2))
        }
        var bytes = whole
        bytes[12] ^= 1
        try write(bytes)
        var spool = try Spool(directory: directory)
        #expect(spool.tornBytes == 0)
        let rest = spool.takeDamages()
        #expect(rest.map(\.isUnsyncedTail) == [false])
    }
}
