import Foundation
import TestSupport
import Testing

/// sbe-tap when servers, readers and disks fail in ways that must not end it.
@Suite(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
struct SbeTapEndurance {
    @Test func `a server that closes without reading our answer is connected to again`() throws {
        let venue = try ScriptedVenue("goodbye_with_unread_pong")
        let tap = try LiveTap(streams: venue.streams, ["--streams", "trade"])
        #expect(tap.says("\"connected\"", times: 4), "\(tap.log)")
        #expect(waitUntil { tap.output.count >= 8 * 110 }, "\(tap.output.count) bytes: \(tap.log)")
        #expect(tap.stop() == 0, "\(tap.log)")
        #expect(LiveRecords.trades(try LiveRecords.lines(tap.output)) == Array(1...8))
        withExtendedLifetime(venue) {}
    }

    @Test(arguments: [401, 403, 404])
    func `a refusal after good service is waited out`(status: Int) throws {
        let venue = try ScriptedVenue("refusal_after_service", ["\(status)"])
        let tap = try LiveTap(streams: venue.streams, ["--streams", "trade"])
        #expect(tap.says("cannot connect"), "\(tap.log)")
        #expect(tap.log.contains("HTTP \(status)"))
        #expect(tap.stop() == 0, "\(tap.log)")
        #expect(try LiveRecords.lines(tap.output).count == 100)
        withExtendedLifetime(venue) {}
    }

    @Test func `a rotation waits until the old connection was read to its end`() throws {
        let gate = try Gate()
        let simulator = try Simulator(["--start", "now", "--rate", "6000"])
        let tap = try LiveTap(
            simulator,
            [
                "--streams", "trade", "--buffer-bytes", "64k", "--max-connection-age", "2s",
                "--rotation-overlap", "200ms",
            ], throttle: gate.reader)
        #expect(tap.says("the network is not read"), "\(tap.log)")
        let mark = tap.log.components(separatedBy: "\"connected\"").count - 1
        #expect(tap.says("\"connected\"", times: mark + 1), "\(tap.log)")
        let replaced = tap.log.components(separatedBy: "connection replaced").count - 1
        // Longer than both may run beside each other.
        #expect(!tap.says("connection replaced", times: replaced + 1, 1), "\(tap.log)")
        try gate.open()
        #expect(tap.says("connection replaced", times: replaced + 1), "\(tap.log)")
        let size = tap.output.count
        #expect(
            waitUntil { tap.output.count > size + 500_000 }, "\(tap.output.count) bytes: \(tap.log)"
        )
        #expect(tap.stop() == 0, "\(tap.log)")
        let lines = try LiveRecords.lines(tap.output)
        LiveRecords.expectCovered(lines)
        #expect(!lines.contains { $0.kind == "gap" })
    }

    /// A tap that has written trades and was stopped.
    private func stoppedTap(_ simulator: Simulator) throws -> LiveTap {
        let tap = try LiveTap(simulator, ["--streams", "trade"])
        #expect(tap.says("\"connected\""))
        try simulator.post("/market?newest=30")
        #expect(tap.settles(above: 3000))
        #expect(tap.stop() == 0)
        return tap
    }

    @Test func `a spill that a process of the same number left is passed on`() throws {
        let simulator = try Simulator(["--newest", "10"])
        let first = try stoppedTap(simulator)
        let left = LiveRecords.whole(first.output)
        let spill = try TemporaryDirectory()
        // As in a container, where each start has the same process number.
        let tap = try LiveTap(
            streams: simulator.streams, rest: simulator.url,
            ["--streams", "trade", "--overflow", "spill:\(spill.path)"],
            first: "cp \(first.place.path("out")) \(spill.path)/sbe-tap-$BASHPID.spill;")
        #expect(tap.says("\"connected\""), "\(tap.log)")
        #expect(tap.stop() == 0, "\(tap.log)")
        #expect(Array(tap.output.prefix(left.count)) == left)
        #expect(try FileManager.default.contentsOfDirectory(atPath: spill.path) == [])
    }

    @Test func `taps that start at once with one spill directory pass leftovers on once`() throws {
        let simulator = try Simulator(["--newest", "10"])
        let first = try stoppedTap(simulator)
        let left = LiveRecords.whole(first.output)
        let spill = try TemporaryDirectory()
        try Data(left).write(to: URL(fileURLWithPath: spill.path("old.spill")))
        let taps = try (0..<6).map { _ in
            try LiveTap(
                simulator,
                ["--streams", "trade", "--overflow", "spill:\(spill.path)", "--limit", "1000000"])
        }
        for tap in taps { #expect(tap.says("\"connected\""), "\(tap.log)") }
        for tap in taps { #expect(tap.stop() == 0, "\(tap.log)") }
        #expect(taps.reduce(0) { $0 + $1.output.count } == left.count)
        #expect(try FileManager.default.contentsOfDirectory(atPath: spill.path) == [])
    }

    @Test func `a disk that is full while records go through a file loses nothing`() throws {
        let gate = try Gate()
        let simulator = try Simulator(["--newest", "10", "--flood", "40000", "--no-flood-close"])
        let spill = try TemporaryDirectory()
        let tap = try LiveTap(
            streams: simulator.streams, rest: simulator.url,
            ["--streams", "trade", "--buffer-bytes", "64k", "--overflow", "spill:\(spill.path)"],
            throttle: gate.reader,
            // No file may have more than 2 MiB; a write beyond fails as on a full disk.
            first: "trap '' XFSZ; ulimit -f 2048;")
        #expect(tap.says("the network is not read", 40), "\(tap.log)")
        try gate.open()
        #expect(tap.settles(above: 78_000 * 110), "\(tap.log)")
        #expect(tap.stop() == 0, "\(tap.log)")
        let lines = try LiveRecords.lines(tap.output)
        LiveRecords.expectCovered(lines)
        #expect(!lines.contains { $0.kind == "gap" })
        #expect(try FileManager.default.contentsOfDirectory(atPath: spill.path) == [])
    }

    @Test func `a snapshot that TLS prevented is asked for again`() throws {
        let certificates = try TemporaryDirectory()
        let simulator = try Simulator([
            "--start", "now", "--rate", "50", "--tls-dir", certificates.path("tls"),
        ])
        // Nobody vouches for the certificate of this server.
        let tap = try LiveTap(
            streams: simulator.streams,
            rest: simulator.secureStreams.replacingOccurrences(of: "wss:", with: "https:"),
            ["--streams", "depth"])
        #expect(tap.says("no snapshot of a book", times: 3), "\(tap.log)")
        #expect(tap.stop() == 0, "\(tap.log)")
    }

    private static let hasNamespaces =
        (try? Program.run("unshare", ["-rmn", "true"]).status) == 0

    @Test(.enabled(if: hasNamespaces, "there are no namespaces for this user"))
    func `stopping does not wait for a name server that does not answer`() throws {
        let place = try TemporaryDirectory()
        try Data("nameserver 127.0.0.1\noptions timeout:30\n".utf8).write(
            to: URL(fileURLWithPath: place.path("resolv.conf")))
        let space = ["-rmn", "bash", "-c"]
        let bind = "mount --bind \(place.path("resolv.conf")) /etc/resolv.conf || exit 99; "
        let python = try #require(Python.path)
        // A name server that takes questions and gives no answers, in a network of its own.
        let server = """
            import fcntl, socket, struct
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 0x49))
            s.bind(("127.0.0.1", 53))
            print("ready", flush=True)
            s.recv(4096)
            print("asked", flush=True)
            s.recv(1 << 16)
            """
        try Data(server.utf8).write(to: URL(fileURLWithPath: place.path("server.py")))
        let tool = Program.directory.appendingPathComponent("sbe-tap").path
        let outcome = try Program.run(
            "unshare",
            space + [
                bind + """
                    exec 3< <(\(python) \(place.path("server.py"))); read -u 3 word
                    BINANCE_API_KEY=k \(tool) --symbols BTCUSDT --ws-url wss://nowhere.example \
                    --stats-dir \(place.path("stats")) --duration 3600 > /dev/null & tap=$!
                    read -u 3 word
                    began=$(date +%s%3N); kill -TERM $tap; wait $tap; status=$?
                    echo $status $(( $(date +%s%3N) - began < 5000 ))
                    """
            ])
        #expect(outcome.text == "0 1\n", "\(outcome.text) \(outcome.errors)")
    }

    @Test func `a quarantine that cannot be written does not end the feed`() throws {
        let venue = try ScriptedVenue("unknown_template")
        let tap = try LiveTap(
            streams: venue.streams, ["--streams", "trade", "--quarantine", "/dev/full"])
        #expect(waitUntil { tap.output.count >= 4 * 110 }, "\(tap.log)")
        #expect(tap.stop() == 0, "\(tap.log)")
        #expect(tap.log.components(separatedBy: "cannot be quarantined").count == 2, "\(tap.log)")
        #expect(LiveRecords.trades(try LiveRecords.lines(tap.output)) == Array(1...4))
        withExtendedLifetime(venue) {}
    }

    @Test func `a capture leaves messages out when its reader is too slow, if it may`() throws {
        let gate = try Gate()
        let simulator = try Simulator(["--newest", "10", "--flood", "20000", "--no-flood-close"])
        let tap = try LiveTap(
            simulator,
            ["--streams", "trade", "--raw", "--buffer-bytes", "64k", "--overflow", "drop"],
            throttle: gate.reader)
        #expect(tap.says("records are dropped"), "\(tap.log)")
        try gate.open()
        #expect(tap.settles(above: 1_000_000))
        #expect(tap.stop() == 0, "\(tap.log)")
        let ids = try LiveRecords.lines(tap.output).map(\.first)
        // Numbers are those of arrival: what was left out shows.
        #expect(ids.count < 20_000)
    }

    @Test func `a capture of connections of which one lags is replayed without a hole`() throws {
        let venue = try ScriptedVenue("lagging_copies")
        let capture = try LiveTap(
            streams: venue.streams, ["--streams", "depth", "--connections", "2", "--raw"])
        #expect(capture.says("\"connected\"", times: 2), "\(capture.log)")
        #expect(
            waitUntil { LiveRecords.count(capture.output) == 15 },
            "\(LiveRecords.count(capture.output))")
        #expect(capture.stop() == 0, "\(capture.log)")
        let replay = try Program.run(
            "sbe-tap", ["--replay", "-", "--quarantine", capture.place.path("q2")],
            input: capture.output)
        #expect(replay.status == 0, "\(replay.errors)")
        let lines = try LiveRecords.lines(replay.output)
        #expect(lines.map(\.kind) == Array(repeating: "depthDiff", count: 11))
        #expect(lines.map(\.first) == Array(1...11))
        withExtendedLifetime(venue) {}
    }

    @Test(arguments: [1, 7, 33])
    func `a replay gives as many records as were asked for`(limit: Int) throws {
        let simulator = try Simulator(["--newest", "10"])
        let capture = try LiveTap(simulator, ["--streams", "trade,depth", "--raw"])
        #expect(capture.says("\"connected\""))
        try simulator.post("/market?newest=100")
        #expect(capture.settles(above: 5_000))
        #expect(capture.stop() == 0)
        let replay = try Program.run(
            "sbe-tap",
            [
                "--replay", "-", "--limit", "\(limit)", "--quarantine", capture.place.path("q2"),
            ], input: capture.output)
        #expect(replay.status == 0, "\(replay.errors)")
        #expect(LiveRecords.count(replay.output) == limit)
    }

    @Test func `a hole that is given up does not exceed the limit`() throws {
        let venue = try ScriptedVenue("hole")
        let tap = try LiveTap(
            streams: venue.streams,
            ["--streams", "trade", "--connections", "2", "--limit", "3"])
        #expect(tap.end() == 0, "\(tap.log)")
        let lines = try LiveRecords.lines(tap.output)
        #expect(lines.map(\.kind) == ["trade", "gap", "trade"])
        #expect(LiveRecords.trades(lines) == [1, 4])
        withExtendedLifetime(venue) {}
    }

    @Test func `a replay whose reader has stopped ends on a signal`() throws {
        let gate = try Gate()
        let simulator = try Simulator(["--newest", "10", "--flood", "20000", "--no-flood-close"])
        let capture = try LiveTap(simulator, ["--streams", "trade", "--raw"])
        #expect(capture.settles(above: 2_000_000))
        #expect(capture.stop() == 0)
        let tap = try LiveTap(
            simulator,
            [
                "--replay", capture.place.path("out"), "--buffer-bytes", "64k", "--drain-timeout",
                "300ms",
            ], throttle: gate.reader)
        #expect(tap.says("the reader is slow"), "\(tap.log)")
        tap.signal()
        #expect(tap.says("did not read", 10), "\(tap.log)")
        try gate.open()
        #expect(tap.end() == 74, "\(tap.log)")
    }

    @Test func `ids that begin anew far below are warned of`() throws {
        let venue = try ScriptedVenue("ids_from_one_again")
        let tap = try LiveTap(streams: venue.streams, ["--streams", "trade"])
        #expect(tap.says("ids restarted below"), "\(tap.log)")
        #expect(tap.log.contains("BTCUSDT@trade") && tap.log.contains("1000039"))
        #expect(tap.stop() == 0, "\(tap.log)")
        withExtendedLifetime(venue) {}
    }
}
