public import ArgumentParser

/// The options that every tool takes.
public struct CommonOptions: ParsableArguments {
    @Option(
        name: .customLong("config"),
        help: ArgumentHelp(
            "Configuration file (YAML). Environment: CONFIG_FILE.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    package var config: String?

    @Option(
        name: .customLong("env-file"),
        help: ArgumentHelp(
            "File of variables. (default: .env beside the configuration file)", valueName: "file"),
        completion: .file())
    package var environmentFile: String?

    @Flag(
        name: .customLong("check-config"),
        help: "Judge the whole configuration, for all programs, list each error; then end.")
    var checksConfig = false

    @Flag(
        name: .customLong("explain-config"),
        help: "Print each setting, its value, where it came from and its meaning; then end.")
    package var explainsConfig = false

    @Option(
        name: .customLong("pid"),
        help: ArgumentHelp(
            "With --explain-config: of the running stage that is this process.", valueName: "pid"))
    package var pid: Int32?

    // For Scripts/generate.
    @Option(
        name: .customLong("config-reference"),
        help: ArgumentHelp(
            "Print the reference of all settings: markdown, manual or schema.", visibility: .hidden)
    )
    var reference: String?

    @Option(SettingCatalog.logLevel) package var logLevel: LogLevel?
    @Option(SettingCatalog.logFormat) package var logFormat: LogFormat?
    /// Where stats files lie.
    @Option(SettingCatalog.statsDirectory) public var statsDirectory: String?
    @Option(SettingCatalog.instance) package var instance: String?

    /// For ArgumentParser.
    public init() {}
}
