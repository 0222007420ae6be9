import Foundation
import Identity
import Ledger
import ObjectWriting
import Posix
import TestSupport
import Testing

@testable import s3_put

/// The notes of staged objects: what a run leaves for the next one.
struct NoteFileTests {
    private static func object(_ number: Int, in directory: String) -> StagedObject {
        let sequence = SequenceID(template: 1, symbol: SymbolName(words: (UInt64(number), 0, 0, 0)))
        var booking = Booking(sequence: sequence)
        let first = Int64(number) * 100
        booking.records = 50
        booking.held = [first...(first + 49)]
        booking.times = first...(first + 7)
        var object = StagedObject(
            key: "kind=trade/object-\(number)", contentType: "text/plain",
            stagedPath: "\(directory)/77-\(number)", booking: booking)
        object.bytes = 10
        object.sha256 = String(repeating: "a", count: 64)
        return object
    }

    private static func written(_ count: Int, in directory: String) throws -> [StagedObject] {
        var objects = (1...count).map { object($0, in: directory) }
        let file = try NoteFile.write(objects)
        for index in objects.indices { objects[index].noteFile = file }
        return objects
    }

    private static func keys(_ path: String) throws -> [String]? {
        try NoteFile.read(path)?.map(\.key)
    }

    @Test func `objects of a batch are read back from one file as they were`() throws {
        let place = try TemporaryDirectory()
        let directory = place.path("staging")
        try Files.makeDirectories(directory)
        let objects = try Self.written(3, in: directory)
        #expect(try Files.list(directory) == ["77-1.manifest"])
        let read = try #require(try NoteFile.read("\(directory)/77-1.manifest"))
        #expect(read.map(\.key) == objects.map(\.key))
        #expect(read.map(\.stagedPath) == objects.map(\.stagedPath))
        #expect(read.map(\.booking) == objects.map(\.booking))
        #expect(read.map(\.bytes) == [10, 10, 10])
        #expect(try NoteFile.left(in: directory).map(\.key) == objects.map(\.key))
    }

    @Test func `a file goes with the last of its objects, and says meanwhile which are booked`()
        throws
    {
        let place = try TemporaryDirectory()
        let directory = place.path("staging")
        try Files.makeDirectories(directory)
        let objects = try Self.written(3, in: directory)
        let path = "\(directory)/77-1.manifest"
        try NoteFile.finish([objects[1]])
        #expect(try Self.keys(path) == [objects[0].key, objects[2].key])
        // The next run finishes another one, and this run's object of the same name again.
        let left = try #require(try NoteFile.read(path))
        try NoteFile.finish([left[0]])
        #expect(try Self.keys(path) == [objects[2].key])
        try NoteFile.finish([left[1]])
        #expect(!Files.exists(path))
    }

    @Test func `a file that a power failure cut or changed says nothing, and its end may be cut`()
        throws
    {
        let place = try TemporaryDirectory()
        let directory = place.path("staging")
        try Files.makeDirectories(directory)
        let objects = try Self.written(4, in: directory)
        let path = "\(directory)/77-1.manifest"
        let whole = try Files.read(path, limit: 1 << 20)
        var random = SeededRandom(5)
        for _ in 0..<200 {
            var bytes = whole
            if Bool.random(using: &random) {
                bytes.removeLast(Int.random(in: 1..<whole.count, using: &random))
            } else {
                let start = Int.random(in: 0..<whole.count, using: &random)
                for index in start..<min(start + 512, whole.count) { bytes[index] = 0 }
            }
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            let read = try Self.keys(path)
            #expect(read == nil, "\(bytes.count) of \(whole.count): \(read ?? [])")
        }
        let done = Array("done 77-1\ndone 77-2\n".utf8)
        for count in 0...done.count {
            try Data(whole + done.prefix(count)).write(to: URL(fileURLWithPath: path))
            let left = count < 10 ? 0 : count < 20 ? 1 : 2
            #expect(try Self.keys(path) == objects.dropFirst(left).map(\.key))
        }
    }

    @Test func `the note of one object, as earlier versions wrote it, is read`() throws {
        let place = try TemporaryDirectory()
        let directory = place.path("staging")
        try Files.makeDirectories(directory)
        let object = Self.object(9, in: directory)
        let path = object.stagedPath + NoteFile.suffix
        try Files.replace(path, with: Array(StagingNote.text(of: object).utf8))
        #expect(try Self.keys(path) == [object.key])
        try NoteFile.finish(try #require(try NoteFile.read(path)))
        #expect(!Files.exists(path))
    }

    @Test func `a staged file that has other bytes than its note says is not whole`() throws {
        let place = try TemporaryDirectory()
        let directory = place.path("staging")
        try Files.makeDirectories(directory)
        var object = Self.object(1, in: directory)
        let content = Array("0123456789".utf8)
        object.sha256 = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"
        for (bytes, isWhole) in [
            (content, true), (content.dropLast() + [], false),
            ([UInt8](repeating: 0, count: 10), false),
            (content + [0], false),
        ] {
            try Data(bytes).write(to: URL(fileURLWithPath: object.stagedPath))
            #expect(try object.isWhole() == isWhole, "\(bytes)")
        }
    }
}
