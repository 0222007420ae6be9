import Foundation
import TestSupport
import Testing

/// kinesis-put as built: outages, restarts, full spools and kills.
struct OutageTests {
    private static let symbols = ["BTCUSDT", "ETHUSDT", "BNBUSDT"]

    @Test func `an outage loses nothing, and the order holds when it ends`() throws {
        let sink = try Sink()
        // Many records a call: no entry fails here, so that their order holds.
        let program = try sink.start([
            "--circuit-cooldown", "0.1", "--memory", "1MiB", "--order", "relaxed",
        ])
        program.write(try Trades.frames(1...20))
        // Stored is not enough: a call whose reply is lost is sent again, as it should be.
        #expect(waitUntil { sink.server.answeredCount == 60 }, "\(sink.server.answeredCount)")
        sink.server.setDown(true)
        // More than the memory may hold.
        for first in stride(from: 21, through: 6000, by: 1000) as StrideThrough<Int64> {
            program.write(try Trades.frames(first...min(6000, first + 999)))
        }
        #expect(waitUntil { program.errors.contains("sending again") }, "\(program.errors)")
        sink.server.setDown(false)
        program.closeInput()
        #expect(program.wait() == 0, "\(program.errors)")
        try Trades.check(sink.server.accepted, ids: 1...6000)
    }

    @Test func `a reply that an outage takes away repeats its call, and nothing more`() throws {
        let sink = try Sink()
        // Stored at once, answered late: the connection is cut before the reply.
        sink.server.script { $0.operation == "PutRecords" ? .slow(0.3) : nil }
        let program = try sink.start([
            "--circuit-cooldown", "0.1", "--no-aggregate", "--order", "relaxed",
        ])
        program.write(try Trades.frames(1...20))
        #expect(waitUntil { sink.server.acceptedCount > 0 }, "\(sink.server.acceptedCount)")
        sink.server.script { _ in nil }
        sink.server.setDown(true)
        #expect(waitUntil { program.errors.contains("sending again") }, "\(program.errors)")
        sink.server.setDown(false)
        program.closeInput()
        #expect(program.wait() == 0, "\(program.errors)")
        try Trades.check(sink.server.accepted, ids: 1...20, repeats: true)
        #expect(sink.server.acceptedCount > 60)
    }

    @Test func `a stop in an outage keeps everything for the next run`() throws {
        let sink = try Sink()
        sink.server.setDown(true)
        let program = try sink.start(["--drain-timeout", "0.2"])
        program.write(try Trades.frames(1...100))
        #expect(waitUntil { program.errors.contains("sending again") }, "\(program.errors)")
        program.signalled(SIGTERM)
        #expect(program.wait() == 75, "\(program.errors)")
        #expect(program.errors.contains("300 records stay"), "\(program.errors)")
        sink.server.setDown(false)
        let next = try sink.put(try Trades.frames(51...150))
        #expect(next.status == 0, "\(next.errors)")
        #expect(next.errors.contains("450 records confirmed"), "\(next.errors)")
        try Trades.check(sink.server.accepted, ids: 1...150)
    }

    @Test func `a stop with the service there delivers what was read and ends well`() throws {
        let sink = try Sink()
        let program = try sink.start()
        program.write(try Trades.frames(1...100))
        #expect(waitUntil { sink.server.acceptedCount > 0 }, "\(sink.server.acceptedCount)")
        program.signalled(SIGTERM)
        #expect(program.wait() == 0, "\(program.errors)")
        let count = Int64(sink.server.acceptedCount / 3)
        #expect(count > 0)
    }

    @Test func `giving up after the input's end keeps everything`() throws {
        let sink = try Sink()
        sink.server.setDown(true)
        let outcome = try sink.put(
            try Trades.frames(1...10), ["--give-up-after", "0.3", "--circuit-cooldown", "0.1"])
        #expect(outcome.status == 75, "\(outcome.errors)")
        #expect(outcome.errors.contains("30 records stay"), "\(outcome.errors)")
    }

    @Test func `a full spool stops the reading, and nothing is lost`() throws {
        let sink = try Sink()
        sink.server.setDown(true)
        let program = try sink.start([
            "--spool-max", "1MiB", "--memory", "1MiB", "--circuit-cooldown", "0.1", "--order",
            "relaxed",
        ])
        // Beyond the spool and the pipe, 4 MiB: it takes no more at some point.
        let bytes = try Trades.frames(1...14_000)
        var sent = 0
        let isFull = waitUntil {
            let part = Array(bytes[sent..<min(bytes.count, sent + 65536)])
            let count = part.isEmpty ? 0 : program.writeSome(part)
            sent += count
            return count == 0 && program.errors.contains("the spool is full")
        }
        #expect(isFull, "\(program.errors)")
        #expect(sent < bytes.count)
        sink.server.setDown(false)
        program.write(Array(bytes[sent...]))
        program.closeInput()
        #expect(program.wait() == 0, "\(program.errors)")
        try Trades.check(sink.server.accepted, ids: 1...14_000)
    }

    @Test func `memory stays bounded in an outage`() throws {
        let sink = try Sink()
        sink.server.setDown(true)
        let program = try sink.start([
            "--memory", "2MiB", "--circuit-cooldown", "0.1", "--drain-timeout", "0",
        ])
        program.write(try Trades.frames(1...10_000))
        let before = program.residentKiB
        for first in stride(from: 10_001, through: 100_001, by: 10_000) as StrideThrough<Int64> {
            program.write(try Trades.frames(first...first + 9999))
        }
        // 30 MB more went by.
        #expect(program.residentKiB < before + 12_000, "\(before) to \(program.residentKiB) KiB")
        program.signalled(SIGTERM)
        #expect(program.wait() == 75, "\(program.errors)")
    }

    @Test(arguments: [1, 2, 3] as [UInt64], [[], ["--aggregate"]])
    func `kills lose nothing, and repeat only what was under way`(
        _ seed: UInt64, _ options: [String]
    ) throws {
        var random = SeededRandom(seed)
        let sink = try Sink()
        sink.server.script { call in
            call.operation == "PutRecords" && call.number % 7 == 3
                ? .entries([0: "ProvisionedThroughputExceededException"]) : nil
        }
        let chunk: Int64 = 40
        var written: Int64 = 0
        for _ in 0..<6 {
            let program = try sink.start(options)
            // The source goes on where the books end: here it repeats everything, and the books
            // refuse what they have.
            if written > 0 { program.write(try Trades.frames(1...written)) }
            written += chunk
            program.write(try Trades.frames(written - chunk + 1...written))
            let goal = sink.server.acceptedCount + Int.random(in: 1...20, using: &random)
            _ = waitUntil(2) { sink.server.acceptedCount >= goal }
            usleep(UInt32.random(in: 0..<3000, using: &random))
            program.signalled(SIGKILL)
            #expect(program.wait() == 137)
        }
        let last = try sink.put(try Trades.frames(1...written), options)
        #expect(last.status == 0, "\(last.errors)")
        guard options.isEmpty else {
            #expect(last.errors.contains("\"waiting\":0"))
            return
        }
        try Trades.check(sink.server.accepted, ids: 1...written, repeats: true)
        // Three lanes, one call each, of the three keys one record each at most: under way at a
        // kill were three records.
        let repeats = sink.server.acceptedCount - Int(written) * 3
        #expect(repeats <= 6 * 3, "\(repeats) records came twice")
    }

    @Test func `two runs cannot share a state`() throws {
        let sink = try Sink()
        let program = try sink.start()
        program.write(try Trades.frames(1...1))
        #expect(waitUntil { sink.server.acceptedCount == 3 }, "\(sink.server.acceptedCount)")
        let second = try sink.put([], ["--instance", "second"])
        #expect(second.status == 75, "\(second.errors)")
        #expect(second.errors.contains("in use"), "\(second.errors)")
        program.closeInput()
        #expect(program.wait() == 0)
    }

    @Test func `records of a stream that is no longer configured are still delivered to it`() throws
    {
        let sink = try Sink(streams: ["old-trades": 1, "new-trades": 1])
        sink.server.setDown(true)
        let program = try sink.start([
            "--drain-timeout", "0", "--streams", "trade=old-trades",
        ])
        program.write(try Trades.frames(1...5))
        #expect(waitUntil { program.errors.contains("sending again") }, "\(program.errors)")
        program.signalled(SIGTERM)
        #expect(program.wait() == 75)
        sink.server.setDown(false)
        let next = try sink.put(
            try Trades.frames(6...9), ["--streams", "trade=new-trades"])
        #expect(next.status == 0, "\(next.errors)")
        let old = sink.server.accepted.filter { $0.stream == "old-trades" }
        let new = sink.server.accepted.filter { $0.stream == "new-trades" }
        try Trades.check(old, ids: 1...5)
        try Trades.check(new, ids: 6...9)
    }

    @Test func `without credentials nothing is read`() throws {
        let sink = try Sink()
        let outcome = try sink.put(
            try Trades.frames(1...5),
            environment: [
                "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
                "AWS_EC2_METADATA_DISABLED": "true", "HOME": sink.place.path,
                "AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
            ])
        #expect(outcome.status == 78, "\(outcome.errors)")
    }
}
