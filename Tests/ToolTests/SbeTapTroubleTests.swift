import Foundation
import TestSupport
import Testing

/// sbe-tap and what goes wrong beside the connections: refusals, messages, readers.
struct SbeTapTroubleTests {
    // MARK: - Refusals

    @Test(arguments: [(401, 77), (403, 77), (400, 78), (404, 78)] as [(Int, Int32)])
    func `a refusal that stays one ends the program`(status: Int, code: Int32) throws {
        let simulator = try Simulator(["--newest", "10", "--refuse-handshakes", "\(status)"])
        let tap = try LiveTap(simulator, ["--streams", "trade"])
        #expect(tap.end() == code, "\(tap.log)")
        #expect(tap.log.contains("HTTP \(status)") && !tap.log.contains("test-key-4711"))
    }

    @Test(arguments: [429, 418, 503])
    func `a refusal that passes is waited out`(status: Int) throws {
        let simulator = try Simulator(["--newest", "10"])
        try simulator.post("/stream/refuse?status=\(status)&count=2")
        let tap = try LiveTap(simulator, ["--streams", "trade"])
        #expect(tap.says("\"connected\"", 20), "\(tap.log)")
        #expect(tap.log.components(separatedBy: "cannot connect").count >= 3)
        #expect(tap.stop() == 0)
    }

    @Test func `a certificate that nobody vouches for ends with 78, a wrong stream with 64`() throws
    {
        let certificates = try TemporaryDirectory()
        let simulator = try Simulator(["--newest", "10", "--tls-dir", certificates.path("tls")])
        let tap = try LiveTap(simulator, ["--ws-url", simulator.secureStreams])
        #expect(tap.end() == 78, "\(tap.log)")
        #expect(try LiveTap(simulator, ["--streams", "trades"]).end() == 64)
        #expect(
            try LiveTap(simulator, ["--symbols", String(repeating: "X", count: 33)]).end() == 64)
    }

    @Test func `a stream without data is named`() throws {
        let simulator = try Simulator(["--start", "now", "--rate", "100"])
        let tap = try LiveTap(
            simulator,
            ["--symbols", "BTCUSDT,BTCUSD", "--streams", "trade", "--first-data-timeout", "500ms"])
        #expect(tap.says("BTCUSD@trade"), "\(tap.log)")
        #expect(tap.stop() == 0)
        #expect(!tap.log.contains("BTCUSDT@trade"))
    }

    // MARK: - Messages that are not understood

    @Test(arguments: [
        ("truncate", "truncated"), ("template", "template"), ("schema", "schema"),
        ("garbage", "schema"),
    ])
    func `a message that is not understood is kept aside with its bytes`(
        fault: String, reason: String
    ) throws {
        let simulator = try Simulator(["--newest", "10"])
        let tap = try LiveTap(simulator, ["--streams", "trade"])
        #expect(tap.says("\"connected\""))
        try simulator.post("/market?newest=20")
        #expect(waitUntil { tap.output.count > 1000 }, "\(tap.output.count) bytes: \(tap.log)")
        try simulator.post("/stream/next?fault=\(fault)&count=1")
        try simulator.post("/market?newest=60")
        #expect(waitUntil { tap.output.count >= 80 * 110 }, "\(tap.output.count) bytes: \(tap.log)")
        #expect(tap.stop() == 0, "\(tap.log)")
        LiveRecords.expectCovered(try LiveRecords.lines(tap.output))
        let text = try String(contentsOfFile: tap.place.path("quarantine"), encoding: .utf8)
        let lines = text.split(separator: "\n")
        #expect(lines.count == 1)
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        let line = try #require(object)
        if fault != "garbage" {
            #expect((line["reason"] as? String)?.hasPrefix(reason) == true, "\(line)")
        }
        let frame = try #require(Data(base64Encoded: line["frame"] as? String ?? ""))
        let raw = try LiveRecords.lines(Array(frame))
        #expect(raw.count == 1 && raw[0].kind == "raw")
    }

    // MARK: - Capture and replay

    @Test func `a capture that is replayed gives what live decoding gave`() throws {
        let simulator = try Simulator(["--newest", "10", "--symbol", "BTCUSDT,ETHUSDT"])
        let streams = [
            "--symbols", "BTCUSDT,ETHUSDT", "--streams", "trade,bestBidAsk,depth,depth20",
        ]
        let capture = try LiveTap(simulator, streams + ["--raw"])
        let live = try LiveTap(simulator, streams + ["--no-snapshots"])
        #expect(capture.says("\"connected\"") && live.says("\"connected\""))
        try simulator.post("/market?newest=300")
        #expect(live.settles(above: 100_000) && capture.settles(above: 80_000))
        #expect(capture.stop() == 0 && live.stop() == 0)
        for line in try LiveRecords.lines(capture.output) { #expect(line.kind == "raw") }
        for speed in ["max", "50"] {
            let replay = try Program.run(
                "sbe-tap",
                ["--replay", "-", "--speed", speed, "--quarantine", live.place.path("q2")],
                input: capture.output)
            #expect(replay.status == 0, "\(replay.errors)")
            #expect(
                LiveRecords.withoutIngestTime(replay.output)
                    == LiveRecords.withoutIngestTime(live.output))
        }
    }

    // MARK: - Slow readers

    @Test func `a slow reader that blocks loses nothing`() throws {
        let gate = try Gate()
        let simulator = try Simulator(["--newest", "10", "--flood", "20000", "--no-flood-close"])
        let tap = try LiveTap(
            simulator, ["--streams", "trade", "--buffer-bytes", "64k"],
            throttle: gate.reader)
        #expect(tap.says("the reader is slow", 30), "\(tap.log)")
        try gate.open()
        #expect(tap.settles(above: 39_000 * 110))
        #expect(tap.stop() == 0, "\(tap.log)")
        let lines = try LiveRecords.lines(tap.output)
        LiveRecords.expectCovered(lines)
        #expect(!lines.contains { $0.kind == "gap" })
    }

    @Test func `a slow reader that spills loses nothing, and leaves no file`() throws {
        let gate = try Gate()
        let simulator = try Simulator(["--newest", "10", "--flood", "20000", "--no-flood-close"])
        let spill = try TemporaryDirectory()
        let tap = try LiveTap(
            simulator,
            ["--streams", "trade", "--buffer-bytes", "64k", "--overflow", "spill:\(spill.path)"],
            throttle: gate.reader)
        #expect(tap.says("the reader is slow", 30), "\(tap.log)")
        try gate.open()
        #expect(tap.settles(above: 39_000 * 110))
        #expect(tap.stop() == 0, "\(tap.log)")
        let lines = try LiveRecords.lines(tap.output)
        LiveRecords.expectCovered(lines)
        #expect(!lines.contains { $0.kind == "gap" })
        #expect(try FileManager.default.contentsOfDirectory(atPath: spill.path) == [])
    }

    @Test func `a slow reader that drops is told what it missed`() throws {
        let gate = try Gate()
        let simulator = try Simulator(["--newest", "10", "--flood", "20000", "--no-flood-close"])
        let tap = try LiveTap(
            simulator, ["--streams", "trade", "--buffer-bytes", "64k", "--overflow", "drop"],
            throttle: gate.reader)
        #expect(tap.says("the reader is slow", 30), "\(tap.log)")
        try gate.open()
        #expect(tap.settles(above: 1_000_000))
        #expect(tap.stop() == 0, "\(tap.log)")
        let lines = try LiveRecords.lines(tap.output)
        LiveRecords.expectCovered(lines)
        let gaps = lines.filter { $0.kind == "gap" }
        #expect(!gaps.isEmpty)
        #expect(gaps.allSatisfy { $0.values["reason"] as? String == "overflow" })
    }

    @Test func `a reader that goes ends the tap as SIGPIPE ends cat`() throws {
        let simulator = try Simulator(["--start", "now", "--rate", "500"])
        let tap = try LiveTap(simulator, ["--streams", "trade"], throttle: "head -c 2000")
        #expect(tap.end() == 141, "\(tap.log)")
    }

    @Test func `it ends after a number of records, or a time`() throws {
        let simulator = try Simulator(["--start", "now", "--rate", "500"])
        let tap = try LiveTap(simulator, ["--streams", "trade", "--limit", "123"])
        #expect(tap.end() == 0, "\(tap.log)")
        #expect(try LiveRecords.lines(tap.output).count == 123)
        let other = try LiveTap(simulator, ["--streams", "trade", "--duration", "300ms"])
        #expect(other.end() == 0)
    }
}
