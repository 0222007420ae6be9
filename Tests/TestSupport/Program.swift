public import Foundation

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
        let outputPath = scratch.path("output")
        _ = FileManager.default.createFile(atPath: outputPath, contents: nil)
        var previous: Any = try FileHandle(forReadingFrom: URL(fileURLWithPath: inputPath))
        var processes: [Process] = []
        var pipes: [Pipe] = []
        for (index, command) in commands.enumerated() {
            let process = Process()
            process.executableURL = executable(command[0])
            process.arguments = Array(command.dropFirst())
            process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
            process.standardInput = previous
            if index == commands.count - 1 {
                process.standardOutput = try FileHandle(
                    forWritingTo: URL(fileURLWithPath: outputPath))
            } else {
                let pipe = Pipe()
                pipes.append(pipe)
                process.standardOutput = pipe
                previous = pipe
            }
            let errorsPath = scratch.path("errors\(index)")
            _ = FileManager.default.createFile(atPath: errorsPath, contents: nil)
            process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errorsPath))
            processes.append(process)
        }
        for process in processes { try process.run() }
        // Ours are closed, so that each program sees the end of its neighbour.
        for pipe in pipes {
            try? pipe.fileHandleForReading.close()
            try? pipe.fileHandleForWriting.close()
        }
        for process in processes { process.waitUntilExit() }
        let output = try Data(contentsOf: URL(fileURLWithPath: outputPath))
        return try processes.enumerated().map { index, process in
            let bySignal = process.terminationReason == .uncaughtSignal
            return Outcome(
                status: process.terminationStatus + (bySignal ? 128 : 0),
                output: index == processes.count - 1 ? Array(output) : [],
                errors: try String(
                    contentsOf: URL(fileURLWithPath: scratch.path("errors\(index)")), encoding: .utf8))
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

/// A program that runs beside a test and is ended with it.
public final class BackgroundProgram {
    private let process = Process()
    private let pipe = Pipe()

    /// Starts a program.
    public init(_ name: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        process.executableURL = Program.executable(name)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    deinit {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// The first line that it prints.
    public func firstLine() -> String {
        var line: [UInt8] = []
        while let byte = try? pipe.fileHandleForReading.read(upToCount: 1), let first = byte.first,
            first != UInt8(ascii: "\n")
        {
            line.append(first)
        }
        return String(decoding: line, as: UTF8.self)
    }
}

/// The simulated exchange, for one test.
public struct Simulator {
    /// Base URL of its REST API.
    public let url: String
    /// Base URL of its control port.
    public let control: String
    private let program: BackgroundProgram

    /// Starts it on free ports.
    public init(_ arguments: [String]) throws {
        program = try BackgroundProgram("exchange-sim", arguments)
        let words = program.firstLine().split(separator: " ")
        func value(_ name: String) -> String {
            words.first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) } ?? ""
        }
        url = value("rest")
        control = value("control")
        guard !url.isEmpty else { throw CocoaError(.executableLoad) }
    }

    /// Sends a command to the control port.
    public func post(_ path: String) throws {
        _ = try Program.run("curl", ["-sf", "-X", "POST", control + path])
    }
}
