import Foundation
import Posix
import TestSupport
import Testing

@testable import Binance

/// The file in which the programs of a host agree about the venue's limits.
struct SharedWeightTests {
    private static let minute: Int64 = 60_000
    private static let now: Int64 = 1_700_000_000_000

    private func take(
        _ shared: SharedWeight, _ weight: Int, limit: Int = 100,
        at time: Int64 = SharedWeightTests.now, isLive: Bool = false
    ) -> SharedWeight.Decision? {
        shared.take(
            weight, limit: limit, window: Self.minute, venueTime: time, isLive: isLive)
    }

    @Test func `two programs use one window`() throws {
        let place = try TemporaryDirectory()
        let one = try #require(SharedWeight(directory: place.path, baseURL: "https://a.example"))
        let two = try #require(SharedWeight(directory: place.path, baseURL: "https://a.example/"))
        let other = try #require(SharedWeight(directory: place.path, baseURL: "https://b.example"))
        #expect(take(one, 60) == .passes)
        #expect(take(two, 40) == .passes)
        let left = Self.minute - Self.now % Self.minute
        #expect(take(one, 1) == .waits(left))
        #expect(take(other, 100) == .passes)
        #expect(take(two, 1, at: Self.now + left) == .passes)
        // The venue's own count is the truth, and a clock a little behind opens no window again.
        two.note(used: 95, window: Self.minute, venueTime: Self.now + left)
        #expect(take(one, 10, at: Self.now + left - 1) != .passes)
    }

    @Test func `a ban that one was told of keeps the other away`() throws {
        let place = try TemporaryDirectory()
        let one = try #require(SharedWeight(directory: place.path, baseURL: "https://a.example"))
        one.note(barredFor: 600)
        let two = try #require(SharedWeight(directory: place.path, baseURL: "https://a.example"))
        guard case .barred(let milliseconds) = take(two, 1) else {
            Issue.record("not barred")
            return
        }
        #expect((590_000...600_000).contains(milliseconds))
    }

    @Test func `a request that a ban made fail is not sent once the ban is over`() throws {
        let place = try TemporaryDirectory()
        var options = VenueClient.Options()
        options.baseURL = "http://127.0.0.1:1"
        options.sharedDirectory = place.path
        let shared = try #require(
            SharedWeight(directory: place.path, baseURL: options.baseURL))
        shared.note(barredFor: 3600)
        var client = try VenueClient(options)
        client.submit(VenueClient.Request(.depth, rows: 5000, base: options.baseURL, [:]))
        do throws(VenueFailure) {
            _ = try client.wait(timeout: 0, unless: -1)
            Issue.record("a ban of an hour was waited for")
        } catch { #expect(error.cause == .gaveUp) }
        let (outstanding, used) = (client.outstanding, client.weight.used)
        #expect(outstanding == 0 && used == 0)
    }

    @Test func `a ban is over when the system was started anew`() throws {
        let place = try TemporaryDirectory()
        let shared = try #require(SharedWeight(directory: place.path, baseURL: "https://a.example"))
        shared.note(barredFor: 600)
        let barred = try #require(shared.look()).barredUntil
        // Counted from the start of the system: whoever sets the clock of the day changes nothing.
        let left = barred - Clock.bootNanoseconds() / 1_000_000
        #expect((590_000...600_000).contains(left))
        var words = try Data(contentsOf: URL(fileURLWithPath: shared.path)).withUnsafeBytes {
            Array($0.bindMemory(to: Int64.self))
        }
        words[6] ^= 1
        words[7] = Int64(
            bitPattern: words.prefix(7).reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
                ($0 ^ UInt64(bitPattern: $1)) &* 0x100_0000_01b3
            })
        try words.withUnsafeBytes { Data($0) }.write(to: URL(fileURLWithPath: shared.path))
        #expect(take(shared, 1) == .passes)
    }

    @Test func `room is left for a live stage, and only while there is one`() throws {
        let place = try TemporaryDirectory()
        let backfill = try #require(
            SharedWeight(directory: place.path, baseURL: "https://a.example"))
        #expect(take(backfill, 95) == .passes)
        let next = Self.now + Self.minute
        #expect(take(backfill, 5, at: next, isLive: true) == .passes)
        #expect(take(backfill, 80, at: next) == .passes)
        #expect(take(backfill, 10, at: next) != .passes)
        #expect(take(backfill, 10, at: next, isLive: true) == .passes)
    }

    @Test func `what cannot be believed is as nothing`() throws {
        let place = try TemporaryDirectory()
        let shared = try #require(SharedWeight(directory: place.path, baseURL: "https://a.example"))
        #expect(take(shared, 60) == .passes)
        let whole = try Data(contentsOf: URL(fileURLWithPath: shared.path))
        var random = SeededRandom(5)
        for round in 0..<400 {
            var bytes = whole
            if round % 3 == 0 {
                bytes = bytes.prefix(Int.random(in: 0..<bytes.count, using: &random))
            } else {
                let byte = Int.random(in: 0..<bytes.count, using: &random)
                bytes[byte] ^= UInt8.random(in: 1...255, using: &random)
            }
            try bytes.write(to: URL(fileURLWithPath: shared.path))
            #expect(take(shared, 100) == .passes)
        }
    }

    @Test func `a file that is none, or that a process hangs on, is done without`() throws {
        let place = try TemporaryDirectory()
        let shared = try #require(SharedWeight(directory: place.path, baseURL: "https://a.example"))
        #expect(mkfifo(shared.path, 0o600) == 0)
        #expect(take(shared, 60) == nil)
        unlink(shared.path)
        #expect(symlink("/etc/hostname", shared.path) == 0)
        #expect(take(shared, 60) == nil)
        unlink(shared.path)
        #expect(take(shared, 60) == .passes)
        let file = open(shared.path, O_RDWR)
        #expect(flock(file, LOCK_EX) == 0)
        #expect(take(shared, 60) == nil)
        close(file)
        #expect(take(shared, 40) == .passes)
        let absent = try #require(
            SharedWeight(directory: place.path("none"), baseURL: "https://a.example"))
        #expect(take(absent, 1) == nil)
    }

    @Test func `hosts are told apart in names that are names`() {
        #expect(SharedWeight.host(of: "https://API.example.com/x") == "api.example.com")
        #expect(SharedWeight.host(of: "http://127.0.0.1:8080") == "127.0.0.1_8080")
        #expect(SharedWeight.host(of: "http://u:p@h/../../etc") == "h")
        #expect(SharedWeight.host(of: "http://../../etc/passwd") == "..")
        #expect(SharedWeight.host(of: "no URL") == nil)
    }
}
