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
        let rest = again.takeDamages()
        #expect(rest.isEmpty)
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
        var spool = try Spool(directory: place.path("spool"), maximumBytes: 200)
        _ = try Self.append(&spool, String(repeating: "a", count: 60))
        #expect(throws: SpoolError.full(directory: place.path("spool"), maximumBytes: 200)) {
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
