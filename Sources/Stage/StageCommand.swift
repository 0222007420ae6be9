public import ArgumentParser
import Glibc
import Posix
import Stats

/// A tool: options, the configuration that comes of them, and what it does.
///
/// The main file of a tool declares one. `main()` parses the command line, resolves the settings,
/// runs it, and turns whatever ends it into one line on standard error and an exit code.
public protocol StageCommand: ParsableCommand {
    /// What the tool needs to know, once every source of settings was asked.
    associatedtype Plan

    /// The options that all tools share.
    var common: CommonOptions { get }

    /// False for a run that only looks at other stages, and is none that they should see.
    var hasStatsFile: Bool { get }

    /// Finds the value of every setting of the tool.
    func plan(_ settings: inout Settings) throws -> Plan

    /// Does the work.
    func run(_ plan: Plan, in stage: borrowing Stage) throws
}

/// A tool that looks at what others made: it writes figures only where `--stats-dir` asks for them,
/// so that looking at a file changes nothing of what healthd says.
public protocol InspectionCommand: StageCommand {}

extension InspectionCommand {
    /// A run is a stage when its figures are asked for.
    public var hasStatsFile: Bool { common.statsDirectory != nil }
}

extension StageCommand {
    /// A run is a stage.
    public var hasStatsFile: Bool { true }

    /// Where the values of settings come from, read again; for a tool that does so on SIGHUP.
    public func reloadedSettings() throws(StageFailure) -> Settings {
        let environment = Environment.all
        return try Settings(
            path: common.config ?? environment["CONFIG_FILE"], environment: environment)
    }

    /// For ArgumentParser; `main()` calls ``run(_:in:)``.
    public mutating func run() throws { start() }

    /// Runs a tool without subcommands.
    public static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            // Help, version and usage errors: ArgumentParser prints them and ends with 0 or 64.
            exit(withError: error)
        }
    }

    private func start() -> Never {
        // Else the first file that is opened would be taken for the input.
        if fcntl(0, F_GETFD) < 0 { _ = open("/dev/null", O_WRONLY) }
        let name = Self.toolName
        let environment = Environment.all
        var log = Log(stage: name)
        do {
            var settings = try Settings(
                path: common.config ?? environment["CONFIG_FILE"], environment: environment)
            log.level = try settings.value(SettingCatalog.logLevel, common.logLevel)
            if let format = try settings.optional(SettingCatalog.logFormat, common.logFormat) {
                log.format = format
            }
            let directory = try settings.optional(
                SettingCatalog.statsDirectory, common.statsDirectory)
            let pipeline = try settings.optional(SettingCatalog.pipeline)
            let instance = try settings.optional(SettingCatalog.instance, common.instance)
            let plan = try plan(&settings)
            if common.explainsConfig {
                try Descriptor.standardOutput().writeAll(
                    Array(settings.explanation.utf8).span.bytes)
                Glibc.exit(ExitCode.done.rawValue)
            }
            let stage = try Stage(
                name: name, instance: instance ?? "\(getpid())", pipeline: pipeline ?? "",
                statsDirectory: directory, hasStatsFile: hasStatsFile, log: log)
            do { try run(plan, in: stage) } catch {
                if ExitCode(for: error) != .no { stage.stats.lastError.set("\(error)") }
                stage.stats.end(exitCode: ExitCode(for: error).rawValue)
                throw error
            }
            stage.stats.end(exitCode: ExitCode.done.rawValue)
            Glibc.exit(ExitCode.done.rawValue)
        } catch {
            let code = ExitCode(for: error)
            if code == .no {
                if !"\(error)".isEmpty { log.warning("\(error)") }
            } else {
                log.error("\(error)")
            }
            Glibc.exit(code.rawValue)
        }
    }

    /// The name that the program was called by: `recq json` is of the tool `recq`.
    private static var toolName: String {
        let path = CommandLine.arguments.first ?? ""
        return path.split(separator: "/").last.map(String.init) ?? "stage"
    }
}

/// The process's environment.
public enum Environment {
    /// Every variable.
    public static var all: [String: String] {
        var variables: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let parts = String(cString: entry).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            next += 1
        }
        return variables
    }
}
