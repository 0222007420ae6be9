public import ArgumentParser

/// The options that every tool takes.
public struct CommonOptions: ParsableArguments {
    @Option(
        name: .customLong("config"),
        help: ArgumentHelp(
            "Configuration file (YAML). Environment: CONFIG_FILE.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @Flag(
        name: .customLong("explain-config"),
        help: "Print each setting, its value and where it came from; then end.")
    var explainsConfig = false

    @Option(SettingCatalog.logLevel) var logLevel: LogLevel?
    @Option(SettingCatalog.logFormat) var logFormat: Log.Format?
    /// Where stats files lie.
    @Option(SettingCatalog.statsDirectory) public var statsDirectory: String?
    @Option(SettingCatalog.instance) var instance: String?

    /// For ArgumentParser.
    public init() {}
}
