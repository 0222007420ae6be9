import Foundation
import Spool
import TestSupport
import Testing

/// The spool: what comes back after a restart, and what a full disk leaves.
struct SpoolTests {
    private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private static func entries(_ spool: inout Spool) throws -> [String] {
        var found: [String] = []
        try spool.replay().forEach { _, entry in
            found.append(entry.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
        }
        return found
    }

    private static func append(_ spool: inout Spool, _ text: String) throws -> Spool.Position {
        let bytes = bytes(text)
        return try spool.append(bytes.span.bytes)
    }

    @Test func `entries come back in order, after a restart too`() throws {
        let place = try TemporaryDirectory()
        var found: [String] = []
        let texts = (0..<500).map { "entry \($0) " + String(repeating: "x", count: $0) }
        do {
            var spool = try Spool(directory: place.path("spool"), segmentBytes: 10_000)
            var last: Spool.Position?
            for text in texts {
                let position = try Self.append(&spool, text)
                if let last { #expect(last < position) }
                last = position
            }
            found = try Self.entries(&spool)
            #expect(found == texts)
            try spool.sync()
        }
        var again = try Spool(directory: place.path("spool"), segmentBytes: 10_000)
        let torn = again.tornBytes
        #expect(torn == 0)
        found = try Self.entries(&again)
        #expect(found == texts)
    }

    @Test func `entries are read on from a position, piece by piece`() throws {
        let place = try TemporaryDirectory()
        var spool = try Spool(directory: place.path("spool"), segmentBytes: 2000)
        let texts = (0..<200).map { "entry \($0) " + String(repeating: "y", count: $0 % 50) }
        for text in texts.prefix(150) { _ = try Self.append(&spool, text) }
        var found: [String] = []
        var position = spool.first
        var pieces = 0
        var end = spool.next
        while position < end {
            position = try spool.read(from: position, atLeast: 500) { _, entry in
                found.append(entry.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
            }
            pieces += 1
            // More comes while it is read.
            if pieces == 3 { for text in texts.suffix(50) { _ = try Self.append(&spool, text) } }
            end = spool.next
        }
        #expect(found == texts)
        #expect(pieces > 10)
    }

    @Test func `a damaged entry with whole ones behind it is no torn end`() throws {
        let place = try TemporaryDirectory()
        let directory = place.path("spool")
        do {
            var spool = try Spool(directory: directory)
            for text in ["one", "two", "three"] { _ = try Self.append(&spool, text) }
            try spool.sync()
        }
        let name = try #require(
            FileManager.default.contentsOfDirectory(atPath: directory).first {
                $0.hasSuffix(".spool")
            })
        let file = URL(fileURLWithPath: "\(directory)/\(name)")
        let whole = try Data(contentsOf: file)
        for (place, isDamage) in [(8 + 8, true), (8 + 11 + 8 + 1, true), (whole.count - 1, false)] {
            var bytes = whole
            bytes[place] ^= 1
            try bytes.write(to: file)
            guard isDamage else {
                let spool = try Spool(directory: directory)
                #expect(spool.tornBytes == 13)
                continue
            }
            let error = #expect(throws: SpoolError.self) { _ = try Spool(directory: directory) }
            #expect(error.map { "\($0)" }?.contains("is damaged at byte") == true)
        }
    }

    @Test func `a last segment that is cut anywhere keeps its whole entries`() throws {
        let place = try TemporaryDirectory()
        var found: [String] = []
        let directory = place.path("spool")
        let texts = ["one", "two and a half", "three"]
        var ends = [8]
        do {
            var spool = try Spool(directory: directory)
            for text in texts {
                _ = try Self.append(&spool, text)
                ends.append(ends[ends.count - 1] + 8 + text.utf8.count)
            }
            try spool.sync()
        }
        let segment = "\(directory)/00000000000000000001.spool"
        let bytes = try Data(contentsOf: URL(fileURLWithPath: segment))
        #expect(bytes.count == ends.last)
        for length in 0...bytes.count {
            try bytes.prefix(length).write(to: URL(fileURLWithPath: segment))
            var spool = try Spool(directory: directory)
            let whole = max(0, ends.filter { $0 <= length }.count - 1)
            found = try Self.entries(&spool)
            #expect(found == Array(texts.prefix(whole)), "\(length)")
            let torn = spool.tornBytes
            #expect(torn == Int64(length - (ends.last { $0 <= length } ?? 0)), "\(length)")
            _ = try Self.append(&spool, "after")
            try spool.sync()
            found = try Self.entries(&spool)
            #expect(found == Array(texts.prefix(whole)) + ["after"], "\(length)")
            for name in try FileManager.default.contentsOfDirectory(atPath: directory)
            where name.hasSuffix(".spool") {
                try FileManager.default.removeItem(atPath: "\(directory)/\(name)")
            }
        }
    }

    @Test func `damage before the last segment is an error, not a cut`() throws {
        let place = try TemporaryDirectory()
        let directory = place.path("spool")
        do {
            var spool = try Spool(directory: directory, segmentBytes: 20)
            for text in ["one", "two", "three", "four"] { _ = try Self.append(&spool, text) }
            try spool.sync()
        }
        let segment = "\(directory)/00000000000000000001.spool"
        let bytes = try Data(contentsOf: URL(fileURLWithPath: segment))
        for index in 0..<bytes.count {
            var bent = bytes
            bent[index] ^= 0x55
            try bent.write(to: URL(fileURLWithPath: segment))
            #expect(throws: SpoolError.self, "\(index)") { _ = try Spool(directory: directory) }
        }
    }

    @Test func `release deletes whole segments before a position, and positions only grow`() throws
    {
        let place = try TemporaryDirectory()
        var found: [String] = []
        let directory = place.path("spool")
        var spool = try Spool(directory: directory, segmentBytes: 100)
        var positions: [Spool.Position] = []
        for index in 0..<40 {
            positions.append(try Self.append(&spool, "entry \(index) of forty"))
        }
        try spool.release(before: positions[20])
        found = try Self.entries(&spool)
        #expect(found.last == "entry 39 of forty")
        found = try Self.entries(&spool)
        #expect(found.contains("entry 20 of forty"))
        found = try Self.entries(&spool)
        #expect(!found.contains("entry 2 of forty"))
        try spool.release(before: spool.next)
        let isEmpty = spool.isEmpty
        #expect(isEmpty)
        found = try Self.entries(&spool)
        #expect(found.isEmpty)
        let next = try Self.append(&spool, "more")
        #expect(next > positions[39])
        found = try Self.entries(&spool)
        #expect(found == ["more"])
    }

    @Test func `a full spool refuses and keeps what it has`() throws {
        let place = try TemporaryDirectory()
        var found: [String] = []
        var spool = try Spool(directory: place.path("spool"), maximumBytes: 100)
        _ = try Self.append(&spool, String(repeating: "a", count: 60))
        #expect(throws: SpoolError.full(directory: place.path("spool"), maximumBytes: 100)) {
            _ = try Self.append(&spool, String(repeating: "b", count: 60))
        }
        _ = try Self.append(&spool, "c")
        found = try Self.entries(&spool)
        #expect(found.count == 2)
    }

    @Test func `two owners are refused`() throws {
        let place = try TemporaryDirectory()
        let first = try Spool(directory: place.path("spool"))
        #expect(throws: SpoolError.locked(place.path("spool"))) {
            _ = try Spool(directory: place.path("spool"))
        }
        _ = first.bytes
    }
}
