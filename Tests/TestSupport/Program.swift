public import Foundation
import Posix

/// A built program of this package, run as a user would run it.
public struct Program {
    /// How a run ended.
    public struct Outcome {
        /// The exit status; 128 + n after signal n.
        public let status: Int32
        /// What it wrote to standard output.
        public let output: [UInt8]
        /// What it wrote to standard error.
        public let errors: String

        /// Standard output as text.
        public var text: String { String(decoding: output, as: UTF8.self) }
    }

    /// Where the programs lie: `TOOLS_DIR`, else beside the tests.
    public static var directory: URL {
        if let path = ProcessInfo.processInfo.environment["TOOLS_DIR"] {
            return URL(fileURLWithPath: path)
        }
        // swift test runs .build/<triple>/debug/<package>PackageTests.xctest
        return URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    }

    /// Runs one program to its end.
    ///
    /// - Parameters:
    ///   - environment: added to this process's own.
    public static func run(
        _ name: String, _ arguments: [String], input: [UInt8] = [],
        environment: [String: String] = [:]
    ) throws -> Outcome {
        try pipeline([[name] + arguments], input: input, environment: environment).last
            ?? Outcome(status: 127, output: [], errors: "no program")
    }

    /// Runs programs joined by pipes; gives the outcome of each, and the last one's output.
    public static func pipeline(
        _ commands: [[String]], input: [UInt8] = [], environment: [String: String] = [:]
    ) throws -> [Outcome] {
        let scratch = try TemporaryDirectory()
        let inputPath = scratch.path("input")
        try Data(input).write(to: URL(fileURLWithPath: inputPath))
        var previous = try Spawn.open(inputPath, O_RDONLY)
        var pids: [pid_t] = []
        for (index, command) in commands.enumerated() {
            let isLast = index == commands.count - 1
            let pipe = isLast ? nil : try Spawn.makePipe()
            let output = try pipe?.write ?? Spawn.open(scratch.path("output"), O_WRONLY | O_CREAT)
            let errors = try Spawn.open(scratch.path("errors\(index)"), O_WRONLY | O_CREAT)
            let own = [previous, output, errors]
            defer { for descriptor in own { close(descriptor) } }
            pids.append(
                try Spawn.start(
                    [executable(command[0]).path] + command.dropFirst(), changing: environment,
                    input: .descriptor(previous), output: .descriptor(output),
                    errors: .descriptor(errors)))
            if let pipe { previous = pipe.read }
        }
        let statuses = pids.map { Spawn.finish($0) }
        return try statuses.enumerated().map { index, status in
            let isLast = index == commands.count - 1
            return Outcome(
                status: status,
                output: isLast
                    ? Array(try Data(contentsOf: URL(fileURLWithPath: scratch.path("output"))))
                    : [],
                errors: try String(
                    contentsOf: URL(fileURLWithPath: scratch.path("errors\(index)")),
                    encoding: .utf8))
        }
    }

    /// A program of this package, or one of the system such as `jq`.
    static func executable(_ name: String) -> URL {
        let own = directory.appendingPathComponent(name)
        if FileManager.default.isExecutableFile(atPath: own.path) { return own }
        if name.contains("/") { return URL(fileURLWithPath: name) }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        for directory in path.split(separator: ":") {
            let candidate = "\(directory)/\(name)"
            if FileManager.default.isExecutableFile(atPath: candidate) {
                return URL(fileURLWithPath: candidate)
            }
        }
        return URL(fileURLWithPath: "/nonexistent/\(name)")
    }

    /// True when the system has a program.
    public static func exists(_ name: String) -> Bool {
        FileManager.default.isExecutableFile(atPath: executable(name).path)
    }
}

/// A program that runs beside a test and is ended with it, and all that it started.
public final class BackgroundProgram {
    /// Its process.
    public let pid: pid_t
    private let output: Int32

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - input: file or FIFO that is its standard input; nil for nothing to read.
    ///   - output: file that gets its standard output; nil for a pipe, see ``firstLine()``.
    public init(
        _ name: String, _ arguments: [String], environment: [String: String] = [:],
        input: String? = nil, output file: String? = nil
    ) throws {
        let pipe = try Spawn.makePipe()
        let from = try input.map { try Spawn.open($0, O_RDONLY) }
        let to = try file.map { try Spawn.open($0, O_WRONLY | O_CREAT | O_TRUNC) }
        pid = try Spawn.start(
            [Program.executable(name).path] + arguments, changing: environment,
            input: from.map { .descriptor($0) } ?? .null,
            output: .descriptor(to ?? pipe.write), errors: .null)
        for descriptor in [pipe.write, from, to].compactMap({ $0 }) { close(descriptor) }
        output = pipe.read
    }

    /// Sends a signal to the program.
    public func signal(_ number: Int32) { kill(pid, number) }

    /// True once it has ended.
    public var hasEnded: Bool {
        // The third field of /proc/PID/stat, behind the name in parentheses: Z until it is waited for.
        let text = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        return text.split(separator: ")").last?.hasPrefix(" Z") == true
    }

    deinit {
        kill(-pid, SIGKILL)
        _ = Spawn.finish(pid)
        close(output)
    }

    /// The first line that it prints.
    public func firstLine() -> String {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while read(output, &byte, 1) == 1, byte != UInt8(ascii: "\n") { line.append(byte) }
        return String(decoding: line, as: UTF8.self)
    }
}

/// The simulated exchange, for one test.
public struct Simulator {
    /// Base URL of its REST API.
    public let url: String
    /// Base URL of its control port.
    public let control: String
    /// Base URL of its streams, `ws://`.
    public let streams: String
    /// Base URL of its streams with TLS, `wss://`; empty without.
    public let secureStreams: String
    /// The words of its first line, such as `ws=ws://127.0.0.1:4711`.
    public let words: [String]
    private let program: BackgroundProgram

    /// Starts it on free ports.
    public init(_ arguments: [String]) throws {
        program = try BackgroundProgram("exchange-sim", arguments)
        let words = program.firstLine().split(separator: " ").map(String.init)
        func value(_ name: String) -> String {
            words.first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }
                ?? ""
        }
        self.words = words
        url = value("rest")
        control = value("control")
        streams = value("ws")
        secureStreams = value("wss")
        guard !url.isEmpty else { throw CocoaError(.executableLoad) }
    }

    /// Sends a command to the control port.
    public func post(_ path: String) throws {
        _ = try Program.run("curl", ["-sf", "-X", "POST", control + path])
    }
}
