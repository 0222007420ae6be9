import Foundation
import TestSupport
import Testing

/// A fan-out between FIFOs of its own.
final class FanOutRun {
    let place: TemporaryDirectory
    let names: [String]
    private let feed: FileHandle
    /// What is written goes in the order of the calls, whoever reads.
    private let feeding = DispatchQueue(label: "feed")
    private var program: BackgroundProgram?
    private let more: [String]
    private let state: String

    init(_ names: [String], _ more: [String] = [], disk: SmallDisk? = nil) throws {
        place = try TemporaryDirectory()
        state = (disk?.path ?? place.path) + "/state"
        self.names = names
        self.more = more
        for name in names + ["in"] { mkfifo(place.path(name), 0o600) }
        feed = FileHandle(fileDescriptor: open(place.path("in"), O_RDWR), closeOnDealloc: true)
        try start()
    }

    func start() throws {
        let outputs = names.map { "\($0)=\(place.path($0))" }
        let command =
            "STATS_DIR=\(place.path("stats")) exec \(Program.directory.path)/fan-out --state-dir \(state) "
            + (more + outputs).joined(separator: " ")
            + " < \(place.path("in")) 2>> \(place.path("log"))"
        program = try BackgroundProgram("/bin/sh", ["-c", command])
    }

    /// Writes without waiting: the FIFO holds what fan-out does not take.
    func write(_ records: [UInt8]) {
        let handle = feed
        feeding.async { handle.write(Data(records)) }
    }

    func stop(_ signal: Int32) -> Int32 {
        guard let program else { return -1 }
        kill(program.pid, signal)
        var status: Int32 = 0
        // Ended here and not by deinit, which would kill it.
        let pid = program.pid
        let isOver = waitUntil(60) { waitpid(pid, &status, WNOHANG) == pid }
        self.program = nil
        return isOver ? status : -1
    }

    /// Opens the outputs as systemd does: a reader sees no end while fan-out is away.
    func holdOutputs() -> [Int32] {
        names.map { open(place.path($0), O_RDWR | O_CLOEXEC) }
    }

    /// What reads an output, into a file.
    func reader(_ name: String) throws -> BackgroundProgram {
        try BackgroundProgram(
            "/bin/sh", ["-c", "exec cat < \(place.path(name)) >> \(place.path(name)).out"])
    }

    func output(_ name: String) -> [UInt8] {
        (try? Data(contentsOf: URL(fileURLWithPath: place.path(name) + ".out"))).map(Array.init)
            ?? []
    }
    var log: String { (try? String(contentsOfFile: place.path("log"), encoding: .utf8)) ?? "" }

    /// Runs fan-out as a person types it in bash.
    ///
    /// - Parameter line: what follows its name, process substitutions and redirections included.
    static func typed(_ line: String, in place: TemporaryDirectory) throws -> Program.Outcome {
        let fanOut = "timeout 60 \(Program.directory.path)/fan-out --state-dir state"
        return try Program.run("/bin/bash", ["-c", "cd \(place.path); \(fanOut) \(line)"])
    }

    /// Trades of the simulator, as frames.
    static func trades(_ ids: ClosedRange<Int>) throws -> [UInt8] {
        let simulator = try Simulator(["--newest", "60000"])
        let pull = try Program.run(
            "rest-pull",
            [
                "trades", "--from", "\(ids.lowerBound)", "--to", "\(ids.upperBound)", "--base-url",
                simulator.url,
            ])
        try #require(pull.status == 0, "\(pull.errors)")
        return pull.output
    }
}
