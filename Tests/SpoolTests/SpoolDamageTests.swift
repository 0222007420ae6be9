import Foundation
import Journal
import Posix
import Spool
import TestSupport
import Testing

/// The spool: what damage, a cut and a power failure cost, and that nothing is thrown away.
struct SpoolDamageTests {
    private static let header = SyncedMark.headerLength
    private static let texts = ["one", "two and a half", "three", "four is the last"]
    /// Where each entry of `texts` begins, and where the file ends.
    private static let starts = texts.reduce(into: [header]) { starts, text in
        starts.append((starts.last ?? 0) + 16 + text.utf8.count)
    }

    private let place: TemporaryDirectory
    private var directory: String { place.path("spool") }
    private func segment(_ number: Int = 1) -> URL {
        let digits = String(number)
        let zeros = String(repeating: "0", count: 20 - digits.count)
        return URL(fileURLWithPath: "\(directory)/\(zeros)\(digits).spool")
    }

    init() throws { place = try TemporaryDirectory() }

    private static func append(_ spool: inout Spool, _ text: String) throws {
        let bytes = Array(text.utf8)
        try spool.append(bytes.span.bytes)
    }

    private static func entries(_ spool: inout Spool) throws -> [String] {
        var found: [String] = []
        try spool.replay().forEach { _, entry in
            found.append(entry.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
        }
        return found
    }

    /// The same by reading piece by piece.
    private static func pieces(_ spool: inout Spool) throws -> [String] {
        var found: [String] = []
        var position = spool.first
        var end = spool.next
        while position < end {
            position = try spool.read(from: position, atLeast: 10) { _, entry in
                found.append(entry.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
            }
            end = spool.next
        }
        return found
    }

    /// A spool of `texts`, synced after some of them.
    private func write(syncedAfter count: Int = texts.count) throws -> Data {
        do {
            var spool = try Spool(directory: directory)
            for (index, text) in Self.texts.enumerated() {
                try Self.append(&spool, text)
                if index + 1 == count { try spool.sync() }
            }
            try spool.flush()
        }
        return try Data(contentsOf: segment())
    }

    private func kept() throws -> [Data] {
        guard FileManager.default.fileExists(atPath: place.path("damaged")) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: place.path("damaged")).sorted()
            .map { try Data(contentsOf: URL(fileURLWithPath: place.path("damaged/\($0)"))) }
    }

    private func removeKept() { try? FileManager.default.removeItem(atPath: place.path("damaged")) }

    @Test func `a changed byte costs its entry alone, is reported, and is kept`() throws {
        let whole = try write()
        #expect(whole.count == Self.starts.last)
        for index in 0..<whole.count {
            var bytes = whole
            bytes[index] ^= 0x10
            try bytes.write(to: segment())
            removeKept()
            var spool = try Spool(directory: directory)
            let entry = Self.starts.lastIndex { $0 <= index }
            var expected = Self.texts
            if let entry { expected.remove(at: entry) }
            let found = try Self.entries(&spool)
            #expect(found == expected, "byte \(index)")
            let again = try Self.pieces(&spool)
            #expect(again == expected, "byte \(index)")
            let damages = spool.takeDamages()
            guard let entry else {
                // Of the two marks one may be wrong.
                #expect(damages.map(\.length) == (index < 8 ? [64] : []), "byte \(index)")
                continue
            }
            let damage = try #require(damages.first, "byte \(index)")
            #expect(damages.count == 1)
            #expect(damage.path == segment().path)
            #expect(damage.offset == Int64(Self.starts[entry]))
            #expect(damage.length == Int64(Self.starts[entry + 1] - Self.starts[entry]))
            #expect(!damage.isUnsyncedTail)
            #expect(spool.tornBytes == 0)
            let copy = try Data(contentsOf: URL(fileURLWithPath: try #require(damage.copy)))
            #expect(copy == bytes[Self.starts[entry]..<Self.starts[entry + 1]])
        }
    }

    @Test func `a file cut anywhere keeps its whole entries, and the cut one aside`() throws {
        let whole = try write(syncedAfter: 0)
        for length in 0...whole.count {
            try FileManager.default.removeItem(atPath: directory)
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true)
            removeKept()
            try whole.prefix(length).write(to: segment())
            do {
                var spool = try Spool(directory: directory)
                let count = max(0, Self.starts.filter { $0 <= length }.count - 1)
                let found = try Self.entries(&spool)
                #expect(found == Array(Self.texts.prefix(count)), "\(length)")
                let torn = length - (Self.starts.last { $0 <= length } ?? 0)
                #expect(spool.tornBytes == Int64(torn), "\(length)")
                let rest = spool.takeDamages()
                #expect(rest.allSatisfy { $0.isUnsyncedTail }, "\(length)")
                #expect(try kept().map(\.count) == (torn == 0 ? [] : [torn]), "\(length)")
                try Self.append(&spool, "after")
                try spool.sync()
                let more = try Self.entries(&spool)
                #expect(more == Array(Self.texts.prefix(count)) + ["after"], "\(length)")
            }
            // The next start finds nothing wrong any more.
            var spool = try Spool(directory: directory)
            #expect(spool.tornBytes == 0, "\(length)")
            let rest = spool.takeDamages()
            #expect(rest.isEmpty, "\(length)")
            let found = try Self.entries(&spool)
            #expect(found.last == "after", "\(length)")
        }
    }

    @Test func `what was never synced is a tail, whatever a power failure made of it`() throws {
        let whole = try write(syncedAfter: 2)
        // A page that was not written, before one that was.
        var bytes = whole
        for index in Self.starts[2]..<Self.starts[3] { bytes[index] = 0 }
        try bytes.write(to: segment())
        do {
            var spool = try Spool(directory: directory)
            let found = try Self.entries(&spool)
            #expect(found == ["one", "two and a half", "four is the last"])
            #expect(spool.tornBytes == Int64(Self.starts[3] - Self.starts[2]))
            let rest = spool.takeDamages()
            #expect(rest.isEmpty, "zeros are nothing to look at")
        }
        // The same bytes, synced: damage.
        bytes = whole
        for index in Self.starts[1]..<Self.starts[2] { bytes[index] = 0x55 }
        try bytes.write(to: segment())
        var spool = try Spool(directory: directory)
        let damages = spool.takeDamages()
        #expect(damages.map(\.isUnsyncedTail) == [false])
        #expect(spool.tornBytes == 0)
    }

    @Test func `damage that was seen before is told apart from new damage`() throws {
        var bytes = try write()
        bytes[Self.starts[1] + 20] ^= 1
        try bytes.write(to: segment())
        for isNew in [true, false] {
            var spool = try Spool(directory: directory)
            let damages = spool.takeDamages()
            #expect(damages.map(\.isNew) == [isNew])
        }
        #expect(try kept().count == 1)
    }

    @Test func `damage that comes while it runs is passed over and reported`() throws {
        var spool = try Spool(directory: directory)
        for text in Self.texts { try Self.append(&spool, text) }
        try spool.sync()
        var bytes = try Data(contentsOf: segment())
        bytes[Self.starts[2] + 17] ^= 1
        let file = try FileHandle(forWritingTo: segment())
        try file.seek(toOffset: UInt64(Self.starts[2] + 17))
        try file.write(contentsOf: bytes[(Self.starts[2] + 17)...(Self.starts[2] + 17)])
        try file.close()
        let found = try Self.pieces(&spool)
        #expect(found == ["one", "two and a half", "four is the last"])
        let damages = spool.takeDamages()
        #expect(damages.map(\.offset) == [Int64(Self.starts[2])])
        let again = try Self.pieces(&spool)
        #expect(again == found)
        let rest = spool.takeDamages()
        #expect(rest.isEmpty)
    }

    @Test func `a segment in the middle that is damaged whole does not hold up the others`() throws
    {
        do {
            var spool = try Spool(directory: directory, segmentBytes: 70)
            for text in Self.texts { try Self.append(&spool, text) }
            try spool.sync()
        }
        let length = try Data(contentsOf: segment(2)).count
        try Data(repeating: 0xA5, count: length).write(to: segment(2))
        var spool = try Spool(directory: directory, segmentBytes: 70)
        let found = try Self.entries(&spool)
        #expect(found == ["one", "three", "four is the last"])
        let damages = spool.takeDamages()
        #expect(damages.reduce(0) { $0 + $1.length } == Int64(length))
        #expect(try kept().reduce(0) { $0 + $1.count } == length)
    }

    @Test func `lengths that would need more than the file has are not believed`() throws {
        let whole = try write()
        for length: UInt32 in [0, 1 << 24, 1 << 30, .max] {
            var bytes = whole
            withUnsafeBytes(of: length) { bytes.replaceSubrange(68..<72, with: $0) }
            // With a right checksum, as if the writer had meant it.
            var words = (
                UInt64(0x3249_42E5) | UInt64(length) << 32,
                UInt64(bytes[72..<76].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }),
                UInt64(1), UInt64(64)
            )
            let checksum = withUnsafeBytes(of: &words) { CRC32C.of($0.bytes) }
            withUnsafeBytes(of: checksum) { bytes.replaceSubrange(76..<80, with: $0) }
            try bytes.write(to: segment())
            var spool = try Spool(directory: directory)
            let found = try Self.entries(&spool)
            #expect(found == Array(Self.texts.dropFirst()), "\(length)")
        }
    }

    @Test func `an entry of another segment, or copied into a record, is not taken for one`() throws
    {
        let whole = try write()
        // The first segment's bytes under the second one's name, and as the content of an entry.
        try whole.write(to: segment(2))
        let found: [String]
        do {
            var spool = try Spool(directory: directory)
            found = try Self.entries(&spool)
        }
        #expect(found == Self.texts)
        try FileManager.default.removeItem(atPath: directory)
        do {
            var spool = try Spool(directory: directory)
            let content = Array(whole)
            try spool.append(content.span.bytes)
            try Self.append(&spool, "behind")
            try spool.sync()
        }
        var bytes = try Data(contentsOf: segment())
        bytes[Self.header] ^= 1
        try bytes.write(to: segment())
        var spool = try Spool(directory: directory)
        let left = try Self.entries(&spool)
        #expect(left == ["behind"])
    }

    @Test func `a segment whose damage has no copy is moved aside instead of deleted`() throws {
        var bytes = try write()
        bytes[Self.starts[1] + 20] ^= 1
        try bytes.write(to: segment())
        // Nothing can be written there while the spool opens.
        try Data().write(to: URL(fileURLWithPath: place.path("damaged")))
        var spool = try Spool(directory: directory)
        let damages = spool.takeDamages()
        #expect(damages.map(\.isKept) == [false])
        try FileManager.default.removeItem(atPath: place.path("damaged"))
        try spool.release(before: spool.next)
        #expect(try kept() == [bytes])
    }

    @Test func `positions of a spool that was removed prove nothing about the next one`() throws {
        var ids: Set<UInt64> = []
        do {
            var spool = try Spool(directory: directory)
            try Self.append(&spool, "one")
            try spool.flush()
            ids.insert(spool.id)
        }
        do {
            var spool = try Spool(directory: directory)
            ids.insert(spool.id)
            #expect(ids.count == 1, "it has the same segments")
            try spool.release(before: spool.next)
        }
        do {
            let spool = try Spool(directory: directory)
            ids.insert(spool.id)
            #expect(ids.count == 2, "its numbers begin at 1 again")
        }
        try FileManager.default.removeItem(atPath: directory)
        let spool = try Spool(directory: directory)
        ids.insert(spool.id)
        #expect(ids.count == 3)
    }

    @Test func `a record has a position of its own, as one number that grows`() throws {
        let entry = Spool.Position(segment: 7, offset: 4000)
        let record = entry.advanced(by: 12)
        #expect(entry < record)
        #expect(entry.linear < record.linear)
        #expect(Spool.Position(linear: record.linear) == record)
        #expect(record.linear < Spool.Position(segment: 8, offset: 64).linear)
    }
}
