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

    /// False for a run that only looks at other stages and is not one itself.
    var hasStatsFile: Bool { get }

    /// True for a tool whose output is read by a person, so that `| head` is not a failure.
    var isForPeople: Bool { get }

    /// True for a run whose figures stay for a while after its end, though it has no name.
    var keepsStatsFile: Bool { get }

    /// The name of a run that was not given one; nil for a visitor, which does not belong to the
    /// host's health.
    var standardInstance: String? { get }

    /// What a run takes over of a new configuration, SIGHUP having come: the keys of the settings. It
    /// gets them by way of ``Stage/reloads``.
    var takesOver: Set<String> { get }

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

    /// A run without a name is a visitor.
    public var standardInstance: String? { nil }

    /// What a run takes over of a new configuration, SIGHUP having come, without a new start: the
    /// keys of the settings. The log level is taken over by every stage.
    public var takesOver: Set<String> { [] }

    /// For ArgumentParser; `main()` calls ``run(_:in:)``.
    public mutating func run() throws { start() }

    private func start() -> Never {
        let name = Self.toolName
        let own = Environment.all
        // A person reads what a tool for people says, wherever standard error goes. A form that was
        // asked for holds for what is wrong with the settings, too.
        let asked = own["LOGGING__FORMAT"].flatMap { LogFormat(rawValue: $0.lowercased()) }
        var log = Log(
            stage: name, level: common.leastLevel ?? .info,
            format: common.logFormat ?? asked ?? (isForPeople ? .text : nil))
        var isService = Environment.isService(own, instance: common.instance)
        var form = common.logFormat ?? asked
        var isRunning = false
        do {
            try FaultSwitch.recordFiles(own)
            // From the first moment on: whoever asks a stage that is starting to read its
            // configuration again must not end it.
            let hangup = isForPeople ? nil : try Signals.watchHangup()
            if let pid = common.pid { try explainRunning(pid) }
            let sources = try sources(own)
            // So that what AWS's chain, a proxy or a child process reads is the same.
            Environment.add(sources.variables.added)
            if common.explainsConfig { try explain(sources, log) }
            var settings = try Settings(sources)
            let values = try resolveCommon(&settings, &log)
            form = values.format
            isService = isService || values.pipeline != nil || values.instance != nil
            if !isForPeople {
                for warning in sources.warnings(for: Program(rawValue: name)) {
                    log.warning(warning)
                }
            }
            let plan = try plan(&settings)
            let stage = try Stage(
                name: name, instance: values.instance ?? standardInstance,
                pipeline: values.pipeline ?? "", statsDirectory: values.directory,
                hasStatsFile: hasStatsFile, log: log)
            stage.stats.keepsFile = keepsStatsFile
            if let hangup { try watchConfiguration(settings, own, hangup, in: stage) }
            isRunning = true
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
                stage.end(ending.status, reason)
                throw error
            }
            stage.log.endLimits()
            stage.end(ExitStatus.done.rawValue)
            CurrentProcess.exit(ExitStatus.done.rawValue)
        } catch {
            // A wrong call reads the same, whether the parser or the tool finds what is wrong.
            let isCall = [.usage, .configuration].contains(ExitStatus(for: error))
            if form == nil, isCall, !isRunning { log.format = .text }
            Ending(error, isService: isService, isForPeople: isForPeople).leave(log)
        }
    }

    private func sources(
        _ environment: [String: String]
    ) throws(ConfigurationError) -> ConfigurationSources {
        try ConfigurationSources(
            path: common.config, environmentPath: common.environmentFile, environment: environment)
    }

    private func resolveCommon(
        _ settings: inout Settings, _ log: inout Log
    ) throws(ConfigurationError) -> CommonValues {
        log.level = try settings.value(SettingCatalog.logLevel, common.leastLevel)
        let format = try settings.optional(SettingCatalog.logFormat, common.logFormat)
        if let format {
            log.format = format
        } else {
            settings.settle(SettingCatalog.logFormat, as: log.format)
        }
        let values = CommonValues(
            format: format,
            directory: try settings.optional(SettingCatalog.statsDirectory, common.statsDirectory),
            pipeline: try settings.optional(SettingCatalog.pipeline),
            instance: try settings.optional(SettingCatalog.instance, common.instance))
        log.pipeline = values.pipeline ?? ""
        log.instance = values.instance ?? standardInstance ?? SystemdUnit.instance ?? ""
        settings.settle(SettingCatalog.statsDirectory, as: Stage.standardStats)
        settings.settle(
            SettingCatalog.instance,
            as: standardInstance ?? SystemdUnit.instance ?? "\(getpid())")
        return values
    }

    // MARK: - A new configuration

    private func watchConfiguration(
        _ settings: Settings, _ environment: [String: String],
        _ hangup: (flag: WakeupFlag, wasIgnored: Bool), in stage: borrowing Stage
    ) throws {
        nonisolated(unsafe) let command = self
        let program = Program(rawValue: stage.name)
        let file = stage.settingsFile
        let log = stage.log
        let write: @Sendable (Settings) -> Void = { settings in
            let explanation = SettingsExplanation(
                program, settings, arguments: Array(CurrentProcess.arguments.dropFirst()))
            file?.write(explanation, log)
        }
        write(settings)
        let reload = ConfigurationReload(
            settings, takesOver: takesOver, stage.reloads, log, stage.notices,
            resolve: {
                var settings = try Settings(try command.sources(environment))
                var log = Log(stage: "")
                _ = try command.resolveCommon(&settings, &log)
                let plan = try command.plan(&settings)
                return ConfigurationReload.Resolved(plan: plan, settings: settings)
            }, onChange: write)
        try reload.start(hangup.flag, mayStop: !hangup.wasIgnored)
    }

    // MARK: - Explaining

    /// Prints each setting; also when the call is not complete, which is what someone asks about who
    /// does not know what is missing.
    private func explain(_ sources: ConfigurationSources, _ log: Log) throws -> Never {
        var settings = Settings(unchecked: sources)
        var own = log
        var failure: (any Error)?
        do {
            _ = try resolveCommon(&settings, &own)
            _ = try plan(&settings)
        } catch { failure = error }
        try Self.leave(explaining: settings, because: failure, log)
    }

    private func explainRunning(_ pid: Int32) throws -> Never {
        let sources = try sources(Environment.all)
        var settings = try Settings(sources)
        let directory =
            try settings.optional(SettingCatalog.statsDirectory, common.statsDirectory)
            ?? Stage.standardStats
        try Descriptor.standardOutput().writeAll(
            Array(try SettingsFile.text(of: pid, in: directory).utf8).span.bytes)
        CurrentProcess.exit(ExitStatus.done.rawValue)
    }
}

/// What every stage is told, besides its own settings.
private struct CommonValues {
    /// Nil where standard error decides.
    let format: LogFormat?
    let directory: String?
    let pipeline: String?
    let instance: String?
}

extension Tool {
    /// Prints the settings of a program as far as they are known, and ends: with a failure where they
    /// are wrong, not where something is only missing.
    static func leave(
        explaining settings: Settings, because failure: (any Error)?, _ log: Log
    ) throws -> Never {
        let explanation = SettingsExplanation(
            Program(rawValue: toolName), settings,
            arguments: Array(CurrentProcess.arguments.dropFirst()))
        try Descriptor.standardOutput().writeAll(Array(explanation.text.utf8).span.bytes)
        try CurrentProcess.flushOutput()
        for warning in settings.warnings(for: Program(rawValue: toolName)) { log.warning(warning) }
        for problem in settings.problems { log.error(problem) }
        guard settings.problems.isEmpty else {
            CurrentProcess.exit(ExitStatus.configuration.rawValue)
        }
        if let failure {
            // A value that is wrong is an error; what is only missing is what someone asks about.
            let status = ExitStatus(for: failure)
            if failure is ConfigurationError, status != .usage { throw failure }
            log.info(
                "with this configuration the command would end with \(status.rawValue): \(failure)")
        }
        CurrentProcess.exit(ExitStatus.done.rawValue)
    }
}
