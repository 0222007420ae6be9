import Foundation
import TestSupport
import Testing

/// Stages as built between FIFOs that outlive them, from a source that never repeats.
struct HoldTests {
    /// dedup is stopped and killed by turns while trades pass once, in pieces cut anywhere.
    @Test(arguments: [SIGTERM, SIGKILL])
    func `a filter that is ended again and again loses nothing and cuts nothing`(signal: Int32)
        throws
    {
        let place = try TemporaryDirectory()
        let (from, to) = (place.path("in"), place.path("out"))
        let paths: [String] = [from, to]
        for path in paths { try #require(mkfifo(path, 0o600) == 0) }
        let held = paths.map { (path: String) -> Int32 in
            open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK)
        }
        defer { for descriptor in held { close(descriptor) } }
        let count = 20_000
        let input = try Records.trades(1...count)
        var random = SeededRandom(7)
        var dedup: BackgroundProgram? = try BackgroundProgram("dedup", [], input: from, output: to)
        var sent = 0
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var ends = 0
        var seen: Set<Int64> = []
        let isWhole = waitUntil(110) {
            if sent < input.count {
                let piece = input[sent...].prefix(Int.random(in: 1...30_000, using: &random))
                sent += max(
                    0, Array(piece).withUnsafeBytes { write(held[0], $0.baseAddress, $0.count) })
            }
            while true {
                let got = read(held[1], &buffer, buffer.count)
                if got <= 0 { break }
                output += buffer.prefix(got)
            }
            if Int.random(in: 1...8, using: &random) == 1, ends < 15 {
                ends += 1
                dedup?.signal(signal)
                // Two readers of one FIFO would take each other's bytes.
                #expect(waitUntil { dedup?.hasEnded != false })
                dedup = nil
                dedup = try? BackgroundProgram("dedup", [], input: from, output: to)
            }
            Self.takeFrames(&output, &seen)
            return seen.count == count
        }
        #expect(isWhole, "\(seen.count) of \(count) after \(ends) ends; \(sent) bytes sent")
        #expect(output.isEmpty, "\(output.count) bytes of a cut frame")
    }

    /// Takes whole frames from the front, and notes their ids.
    private static func takeFrames(_ bytes: inout [UInt8], _ seen: inout Set<Int64>) {
        var place = 0
        while place + 6 <= bytes.count {
            let length = bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
            guard bytes[place + 4] == 0xEB, bytes[place + 5] == 0x50 else {
                Issue.record("byte \(place) does not begin a frame")
                bytes.removeAll()
                return
            }
            guard place + length <= bytes.count else { break }
            // The first id is at byte 16 of the prefix, which follows both headers.
            let id = bytes[place + 30..<place + 38].reversed().reduce(Int64(0)) {
                $0 << 8 | Int64($1)
            }
            seen.insert(id)
            place += length
        }
        bytes.removeFirst(place)
    }

    @Test func `a filter that starts inside a frame says so and goes on`() throws {
        let place = try TemporaryDirectory()
        let from = place.path("in")
        try #require(mkfifo(from, 0o600) == 0)
        let held = open(from, O_RDWR | O_CLOEXEC | O_NONBLOCK)
        defer { close(held) }
        let input = Array(try Records.trades(1...50).dropFirst(40))
        #expect(input.withUnsafeBytes { write(held, $0.baseAddress, $0.count) } == input.count)
        let program = try BackgroundProgram(
            "bash",
            [
                "-c",
                "exec \(Program.directory.path)/dedup < \(from) > \(place.path)/out 2> \(place.path)/log",
            ])
        let length = try Records.trades(1...1).count
        let isDone = waitUntil {
            let size = try? FileManager.default.attributesOfItem(atPath: place.path("out"))[.size]
            return size as? Int == 49 * length
        }
        let log = (try? String(contentsOfFile: place.path("log"), encoding: .utf8)) ?? ""
        #expect(isDone, "\(log)")
        #expect(log.contains("looking for the next frame"), "\(log)")
        #expect(log.contains("\"bytes_skipped\":\(length - 40)"), "\(log)")
        withExtendedLifetime(program) {}
    }
}
