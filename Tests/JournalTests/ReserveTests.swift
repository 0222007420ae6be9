import Foundation
import Glibc
import Journal
import Posix
import TestSupport
import Testing

/// Room kept for the writes without which a full disk stays full.
struct ReserveTests {
    @Test func `it is taken, given up when a write finds no room, and taken again`() throws {
        let place = try TemporaryDirectory()
        let path = place.path("deep/reserve")
        let reserve = try Reserve(path: path, bytes: 64 << 10)
        #expect(reserve.isHeld)
        #expect(try Files.status(path)?.st_size == 64 << 10)
        var attempts = 0
        let answer = try reserve.spending { () throws(SystemError) -> Int in
            attempts += 1
            if attempts == 1 { throw SystemError("write to", "x", code: ENOSPC) }
            return attempts
        }
        #expect(answer == 2)
        #expect(!reserve.isHeld)
        #expect(try Files.status(path)?.st_size == 0)
        reserve.retake()
        #expect(reserve.isHeld)
        #expect(try Files.status(path)?.st_size == 64 << 10)
    }

    @Test func `a write that fails for another reason, or twice, fails`() throws {
        let place = try TemporaryDirectory()
        let reserve = try Reserve(path: place.path("reserve"), bytes: 64 << 10)
        #expect(throws: SystemError("write to", "x", code: EIO)) {
            try reserve.spending { () throws(SystemError) in
                throw SystemError("write to", "x", code: EIO)
            }
        }
        #expect(reserve.isHeld)
        #expect(throws: SystemError("write to", "x", code: ENOSPC)) {
            try reserve.spending { () throws(SystemError) in
                throw SystemError("write to", "x", code: ENOSPC)
            }
        }
        #expect(!reserve.isHeld)
    }
}
