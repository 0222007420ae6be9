import Foundation
import TestSupport
import Testing

/// A state directory on a disk of a few MiB.
struct FullDiskTests {
    @Test(.enabled(if: SmallDisk.isPossible, "no tmpfs can be mounted"), arguments: ["relaxed"])
    func `a disk that was full gets free, and nothing comes twice`(_ order: String) throws {
        let sink = try Sink()
        let disk = try #require(try SmallDisk(mebibytes: 3))
        sink.server.setDown(true)
        let options = [
            "--state-dir", disk.path + "/state", "--circuit-cooldown", "0.2", "--order", order,
        ]
        let program = try sink.start(options)
        // More than the disk has room for.
        let bytes = try Trades.frames(1...14_000)
        var sent = 0
        let isFull = waitUntil {
            let part = Array(bytes[sent..<min(bytes.count, sent + 65536)])
            sent += part.isEmpty ? 0 : program.writeSome(part)
            return program.errors.contains("is full")
        }
        #expect(isFull, "\(program.errors)")
        sink.server.setDown(false)
        program.write(Array(bytes[sent...]))
        program.closeInput()
        #expect(program.wait() == 0, "\(program.errors)")
        try Trades.check(sink.server.accepted, ids: 1...14_000)
        // Restarts find nothing to send again.
        let next = try sink.put([], options)
        #expect(next.status == 0, "\(next.errors)")
        #expect(sink.server.acceptedCount == 3 * 14_000)
    }
}
