import ArgumentParser
public import Configuration
import Encoding
import Glibc
import Posix
import Stats

/// A tool: options, the configuration that comes of them, and what it does.
///
/// The main file of a tool declares one. `main()` parses the command line, resolves the settings,
/// runs it, and turns whatever ends it into one line on standard error and an exit code.
public protocol StageCommand: Tool {
    /// What the tool needs to know, once every source of settings was asked.
    associatedtype Plan

    /// The options that all tools share.
    var common: CommonOptions { get }

    /// False for a run that only looks at other stages, and is none that they should see.
    var hasStatsFile: Bool { get }

    /// True for a tool whose output is read by a person, so that `| head` is not a failure.
    var isForPeople: Bool { get }

    /// True for a run whose figures stay for a while after its end, though nobody gave it a name.
    var keepsStatsFile: Bool { get }

    /// What a run is called that nobody gave a name; nil for a visitor, which does not belong to the
    /// host's health.
    var standardInstance: String? { get }

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

    /// It answers a person.
    public var isForPeople: Bool { true }

    /// Who asks for figures of a short run wants to see them.
    public var keepsStatsFile: Bool { true }
}

extension StageCommand {
    /// A run is a stage.
    public var hasStatsFile: Bool { true }

    /// It is a part of a pipeline.
    public var isForPeople: Bool { false }

    /// What a visitor counted goes with it.
    public var keepsStatsFile: Bool { false }

    /// A run that nobody named is a visitor.
    public var standardInstance: String? { nil }

    /// Where the values of settings come from, read again; for a tool that does so on SIGHUP.
    public func reloadedSettings() throws(ConfigurationError) -> Settings {
        let environment = Environment.all
        return try Settings(
            path: common.config ?? environment["CONFIG_FILE"], environment: environment)
    }

    /// For ArgumentParser; `main()` calls ``run(_:in:)``.
    public mutating func run() throws { start() }

    private func start() -> Never {
        let name = Self.toolName
        let environment = Environment.all
        // A person reads what a tool for people says, wherever standard error goes.
        var log = Log(stage: name, format: isForPeople ? .text : nil)
        var isService = Environment.isService(environment, instance: common.instance)
        do {
            try FaultSwitch.recordFiles(environment)
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
            isService = isService || pipeline != nil || instance != nil
            let plan = try plan(&settings)
            if common.explainsConfig {
                try Descriptor.standardOutput().writeAll(
                    Array(settings.explanation.utf8).span.bytes)
                CurrentProcess.exit(ExitStatus.done.rawValue)
            }
            let stage = try Stage(
                name: name, instance: instance ?? standardInstance, pipeline: pipeline ?? "",
                statsDirectory: directory, hasStatsFile: hasStatsFile, log: log)
            stage.stats.keepsFile = keepsStatsFile
            do {
                try run(plan, in: stage)
                try CurrentProcess.flushOutput()
            } catch {
                let ending = Ending(error, isService: isService, isForPeople: isForPeople)
                var reason = ""
                if case .failure(_, let words) = ending {
                    reason = words.withoutUserInfo
                    stage.stats.lastError.set(reason)
                }
                stage.notices?.end(status: ending.status, reason)
                stage.stats.end(exitCode: ending.status)
                throw error
            }
            stage.log.endLimits()
            stage.notices?.end(status: ExitStatus.done.rawValue, "")
            stage.stats.end(exitCode: ExitStatus.done.rawValue)
            CurrentProcess.exit(ExitStatus.done.rawValue)
        } catch {
            Ending(error, isService: isService, isForPeople: isForPeople).leave(log)
        }
    }
}
