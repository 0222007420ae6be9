import ArgumentParser
import Configuration
import Glibc
import Posix

/// What a program is asked about its configuration: answered before the command line is judged, since
/// who asks may not know yet what a whole call looks like.
extension Tool {
    /// True for a program whose commands have settings.
    static var hasSettings: Bool {
        self is any StageCommand.Type
            || configuration.subcommands.contains { $0 is any StageCommand.Type }
    }

    /// Answers `--check-config` and `--config-reference`, and ends; does nothing where neither is
    /// given.
    static func answerAboutConfiguration(_ arguments: [String]) throws {
        guard hasSettings else { return }
        let flags = CommandLineFlags(arguments)
        if let form = flags.text(of: "config-reference") {
            guard let form = ConfigurationReference.Form(rawValue: form) else {
                let forms = ConfigurationReference.Form.allCases.map(\.rawValue)
                throw StageFailure(
                    .usage, "--config-reference takes \(forms.joined(separator: ", "))")
            }
            try end(with: ConfigurationReference.text(form), .done)
        }
        guard flags.has("check-config") else { return }
        let check = ConfigurationCheck(try sources(flags))
        try end(with: check.report, check.problems.isEmpty ? .done : .configuration)
    }

    /// Explains the settings of a call that is not complete, and ends; does nothing where that was not
    /// asked for, or where a word of the call is not understood.
    static func explainIncompleteCall(_ arguments: [String], because error: any Error) throws {
        let flags = CommandLineFlags(arguments)
        let reason = message(for: error)
        guard hasSettings, flags.has("explain-config"),
            !Self.misunderstandings.contains(where: reason.hasPrefix)
        else { return }
        var settings = Settings(unchecked: try sources(flags))
        let log = Log(stage: toolName)
        // What each program has whatever its call; a value that is wrong shows in the table.
        _ = try? settings.optional(SettingCatalog.logFormat)
        _ = try? settings.optional(SettingCatalog.statsDirectory)
        _ = try? settings.optional(SettingCatalog.instance)
        settings.settle(SettingCatalog.logFormat, as: log.format)
        settings.settle(SettingCatalog.statsDirectory, as: Stage.standardStats)
        settings.settle(SettingCatalog.instance, as: SystemdUnit.instance ?? "\(getpid())")
        try leave(explaining: settings, because: StageFailure(.usage, reason), log)
    }

    /// How the parser's errors about what is there begin, and not about what is missing.
    private static var misunderstandings: [String] {
        ["Unknown option", "Unexpected argument", "Missing value", "The value", "Unable"]
    }

    private static func sources(
        _ flags: CommandLineFlags
    ) throws(ConfigurationError) -> ConfigurationSources {
        try ConfigurationSources(
            path: flags.text(of: "config"), environmentPath: flags.text(of: "env-file"),
            environment: Environment.all)
    }

    private static func end(with text: String, _ status: ExitStatus) throws -> Never {
        try Descriptor.standardOutput().writeAll(Array(text.utf8).span.bytes)
        CurrentProcess.exit(status.rawValue)
    }
}
