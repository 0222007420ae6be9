public import ArgumentParser

/// The options that every tool takes.
public struct CommonOptions: ParsableArguments {
    @Option(
        name: .customLong("config"),
        help: ArgumentHelp(
            "Configuration file (YAML). Environment: CONFIG_FILE.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    package var config: String?

    @Flag(
        name: .customLong("explain-config"),
        help: "Print each setting, its value and where it came from; then end.")
    package var explainsConfig = false

    @Option(SettingCatalog.logLevel) package var logLevel: LogLevel?
    @Option(SettingCatalog.logFormat) package var logFormat: LogFormat?
    /// Where stats files lie.
    @Option(SettingCatalog.statsDirectory) public var statsDirectory: String?
    @Option(SettingCatalog.instance) package var instance: String?

    /// For ArgumentParser.
    public init() {}
}
