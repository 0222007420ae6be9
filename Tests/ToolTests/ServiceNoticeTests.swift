import Foundation
import Posix
import TestSupport
import Testing

/// A service manager's end of sd_notify(3): a socket that datagrams come to.
private final class NotifySocket {
    let name: String
    private let descriptor: Int32
    private let scratch: TemporaryDirectory
    private(set) var messages: [String] = []

    init(isAbstract: Bool) throws {
        scratch = try TemporaryDirectory()
        name = isAbstract ? "@" + scratch.path : scratch.path("notify")
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        if isAbstract { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(2 + bytes.count)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        #expect(status == 0, "bind: \(errno)")
    }

    deinit { close(descriptor) }

    /// All that came so far, one assignment a line.
    func lines() -> [String] {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            guard count > 0 else { break }
            messages += String(decoding: buffer[..<count], as: UTF8.self)
                .split(separator: "\n").map(String.init)
        }
        return messages
    }
}

/// What stages tell the service manager that started them.
struct ServiceNoticeTests {
    private static func records(_ count: Int) throws -> [UInt8] {
        let lines = (1...count).map {
            """
            {"kind":"trade","symbol":"BTCUSDT","event_ts":1704067200015,"ingest_ts":1795632735260,\
            "trade_id":\($0),"price":65003.83000000,"qty":0.27059000,"is_buyer_maker":false,\
            "source":"rest","is_best_match":true,"price_exponent":-8,"qty_exponent":-8,\
            "event_time_us":1704067200015973,"ingest_time_ns":"1795632735260202299","venue":1,\
            "flags":0}
            """
        }
        let packed = try Program.run(
            "recq", ["pack"], input: Array(lines.joined(separator: "\n").utf8))
        #expect(packed.status == 0, "\(packed.errors)")
        return packed.output
    }

    @Test(arguments: [false, true])
    func `a stage says when it reads, what it does, that it stops, and how it ended`(
        isAbstract: Bool
    ) throws {
        let manager = try NotifySocket(isAbstract: isAbstract)
        let records = try Self.records(100)
        let stage = try LiveProgram(
            "dedup", [],
            environment: ["NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "400000"])
        #expect(waitUntil { manager.lines().contains("READY=1") }, "\(stage.errors)")
        stage.write(records)
        // From the loop that reads, though nothing comes any more.
        let said = waitUntil {
            manager.lines().contains {
                $0.hasPrefix("STATUS=running: ")
                    && $0.hasSuffix(" records/s, 100 in, 100 out, 0 waiting")
            }
        }
        #expect(said, "\(manager.messages)")
        #expect(
            waitUntil { manager.lines().filter { $0 == "WATCHDOG=1" }.count > 3 },
            "\(manager.lines())")
        stage.closeInput()
        #expect(stage.wait() == 0)
        #expect(manager.lines().contains("STOPPING=1"))
        #expect(manager.lines().last == "STATUS=done", "\(manager.messages)")
        #expect(manager.messages.filter { $0 == "READY=1" }.count == 1)
    }

    /// Also where the new configuration is wrong: the manager would wait for the end of the reload.
    @Test(arguments: [("info", "read again"), ("loudest", "is unchanged")])
    func `a reload has a beginning and an end for the manager`(
        _ level: String, _ words: String
    ) throws {
        let manager = try NotifySocket(isAbstract: false)
        let place = try TemporaryDirectory()
        let file = place.path("config.yaml")
        try Data("logging:\n  level: warning\n".utf8).write(to: URL(fileURLWithPath: file))
        let stage = try LiveProgram(
            "dedup", ["--config", file],
            environment: ["NOTIFY_SOCKET": manager.name, "STATS_DIR": place.path("stats")])
        #expect(waitUntil { manager.lines().contains("READY=1") }, "\(stage.errors)")
        let before = Clock.monotonicNanoseconds() / 1000
        try Data("logging:\n  level: \(level)\n".utf8).write(to: URL(fileURLWithPath: file))
        kill(stage.pid, SIGHUP)
        func readies() -> Int { manager.lines().filter { $0 == "READY=1" }.count }
        #expect(waitUntil { readies() == 2 }, "\(manager.messages) \(stage.errors)")
        let lines = manager.messages
        let start = try #require(lines.firstIndex(of: "RELOADING=1"), "\(lines)")
        let end = try #require(lines.lastIndex(of: "READY=1"))
        #expect(start < end)
        let prefix = "MONOTONIC_USEC="
        let time = lines.first { $0.hasPrefix(prefix) }.flatMap {
            Int64($0.dropFirst(prefix.count))
        }
        // No earlier than the signal: the manager takes one that is older for another reload's.
        #expect((before...Clock.monotonicNanoseconds() / 1000).contains(time ?? 0), "\(lines)")
        #expect(waitUntil { stage.errors.contains(words) || level == "info" }, "\(stage.errors)")
        stage.closeInput()
        #expect(stage.wait() == 0)
        #expect(manager.lines().last == "STATUS=done", "\(manager.messages)")
    }

    /// A watchdog must not kill what waits for a slow reader; but one that is stopped falls silent.
    @Test func `a stage that waits for the reader of a FIFO is well, and a stopped one is silent`()
        throws
    {
        let manager = try NotifySocket(isAbstract: false)
        let place = try TemporaryDirectory()
        let records = try Self.records(20_000)
        try Data(records).write(to: URL(fileURLWithPath: place.path("in")))
        mkfifo(place.path("out"), 0o600)
        // Open and never read, as by a unit whose process hangs.
        let reader = open(place.path("out"), O_RDWR | O_NONBLOCK)
        defer { close(reader) }
        let stage = try BackgroundProgram(
            "dedup", [],
            environment: [
                "NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "400000",
                "STATS_DIR": place.path("stats"),
            ],
            input: place.path("in"), output: place.path("out"))
        var bytes: Int32 = 0
        let isFull = waitUntil {
            _ = ioctl(reader, UInt(FIONREAD), &bytes)
            return bytes > 900_000
        }
        #expect(isFull, "\(bytes)")
        func signs() -> Int { manager.lines().filter { $0 == "WATCHDOG=1" }.count }
        let before = signs()
        #expect(waitUntil { signs() > before + 4 }, "\(signs())")
        kill(stage.pid, SIGSTOP)
        #expect(waitUntil { isStopped(stage.pid) })
        let stopped = signs()
        // In the time in which another one, which has nothing to do, gives five signs.
        let other = try NotifySocket(isAbstract: false)
        let idle = try LiveProgram(
            "dedup", [], environment: ["NOTIFY_SOCKET": other.name, "WATCHDOG_USEC": "400000"])
        #expect(
            waitUntil { other.lines().filter { $0 == "WATCHDOG=1" }.count >= 5 }, "\(other.lines())"
        )
        withExtendedLifetime(idle) {}
        #expect(signs() == stopped)
        kill(stage.pid, SIGCONT)
        #expect(waitUntil { signs() > stopped }, "\(signs())")
    }

    private func isStopped(_ pid: pid_t) -> Bool {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        return text.split(separator: ")").last?.hasPrefix(" T") == true
    }

    @Test func `an error is the last thing that the unit's status shows`() throws {
        let manager = try NotifySocket(isAbstract: false)
        let outcome = try Program.run(
            "dedup", [], input: Array("these are not records".utf8),
            environment: ["NOTIFY_SOCKET": manager.name])
        #expect(outcome.status == 65)
        #expect(
            manager.lines().last?.hasPrefix("STATUS=ended with 65: ") == true, "\(manager.messages)"
        )
    }

    /// Of a kind that is not known here, not there, or too long for its system call.
    @Test(arguments: [
        "", "vsock:2:1234", "relative", "/nonexistent/notify",
        "/" + String(repeating: "x", count: 200),
    ])
    func `a manager that cannot be told changes nothing`(name: String) throws {
        let outcome = try Program.run(
            "dedup", [], input: try Self.records(3), environment: ["NOTIFY_SOCKET": name])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(!outcome.output.isEmpty)
    }
}
