import Foundation
@testable import Posix
import TestSupport
import Testing

/// The floor that everything stands on.
struct PosixTests {
    /// RFC 3720, appendix B.4, and the customary check value.
    @Test(
        arguments: [
            (Array("123456789".utf8), 0xE306_9283), ([], 0),
            ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
            ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43), (Array(0..<32), 0x46DD_794E),
            (Array((0..<32).reversed()), 0x113F_DB5C),
        ] as [([UInt8], UInt32)])
    func `CRC-32C has the published values`(bytes: [UInt8], value: UInt32) {
        #expect(CRC32C.of(bytes.span.bytes) == value)
        var inPieces = CRC32C()
        for piece in bytes { inPieces.update([piece].span.bytes) }
        #expect(inPieces.value == value)
    }

    @Test func `CRC-32C by instruction and by tables is the same`() {
        var random = SeededRandom(2)
        // Long runs are done in three parts at a time.
        for length in Array(0..<200) + [4079, 4080, 4081, 4095, 4096, 8159, 8160, 70_001] {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            var byTables = CRC32C()
            byTables.updateByTables(bytes.span.bytes)
            #expect(CRC32C.of(bytes.span.bytes) == byTables.value, "\(length) bytes")
        }
    }

    @Test func `bytes grow, shrink and keep their content`() {
        var bytes = Bytes(capacity: 1)
        var model: [UInt8] = []
        var random = SeededRandom(1)
        for _ in 0..<2000 {
            switch Int.random(in: 0..<6, using: &random) {
            case 0:
                bytes.append(7 as UInt8)
                model.append(7)
            case 1:
                bytes.append(utf8: "héllo")
                model += Array("héllo".utf8)
            case 2:
                bytes.append(bits: UInt32(0x0403_0201))
                model += [1, 2, 3, 4]
            case 3:
                let count = Int.random(in: 0...min(3, model.count), using: &random)
                bytes.removeFirst(count)
                model.removeFirst(count)
            case 4:
                let count = model.count - Int.random(in: 0...min(2, model.count), using: &random)
                bytes.truncate(to: count)
                model.removeLast(model.count - count)
            default:
                let found = bytes.firstIndex(of: 7, from: 0)
                #expect(found == model.firstIndex(of: 7))
            }
            let array = bytes.array
            #expect(array == model)
        }
    }

    @Test func `a file is replaced whole, and linked only where nothing is`() throws {
        let place = try TemporaryDirectory()
        let path = place.path("file")
        try Files.replace(path, with: [1, 2, 3])
        try Files.replace(path, with: [4])
        #expect(try Files.read(path, limit: 10) == [4])
        #expect(try Files.list(place.path) == ["file"])
        #expect(try Files.link(path, to: place.path("second")))
        #expect(try !Files.link(path, to: place.path("second")))
        #expect(throws: SystemError("read", path, code: EFBIG)) {
            _ = try Files.read(path, limit: 0)
        }
        try Files.makeDirectories(place.path("a/b/c"))
        try Files.makeDirectories(place.path("a/b/c"))
        #expect(try Files.status(place.path("a/b/c")) != nil)
        #expect(try Files.status(place.path("nothing")) == nil)
    }

    @Test func `errors say what was attempted, on what, and why`() {
        let error = #expect(throws: SystemError.self) {
            _ = try Descriptor.open("/nonexistent/x", O_RDONLY)
        }
        #expect(error?.description == "cannot open /nonexistent/x: No such file or directory")
    }

    @Test func `a lock is held by one descriptor at a time`() throws {
        let place = try TemporaryDirectory()
        var first = try Descriptor.open(place.path("lock"), O_RDWR | O_CREAT)
        var second = try Descriptor.open(place.path("lock"), O_RDWR | O_CREAT)
        #expect(try first.lock())
        #expect(try !second.lock())
        try first.close()
        #expect(try second.lock())
    }

    @Test func `a lock ends with its descriptor, though a process that starts has a copy of it`()
        throws
    {
        let place = try TemporaryDirectory()
        var copies: [Int32] = []
        defer { for copy in copies { close(copy) } }
        for isClosed in [true, false] {
            var holder = try Descriptor.open(place.path("lock"), O_RDWR | O_CREAT)
            #expect(try holder.lock())
            copies.append(dup(holder.raw))
            if isClosed { try holder.close() } else { _ = consume holder }
        }
        var last = try Descriptor.open(place.path("lock"), O_RDWR | O_CREAT)
        #expect(try last.lock())
    }
}
