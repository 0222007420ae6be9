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
            "File of variables. (default: .env next to the configuration file)", valueName: "file"),
        completion: .file())
    package var environmentFile: String?

    @Flag(
        name: .customLong("check-config"),
        help: "Check the whole configuration, for all programs, list every error, then exit.")
    var checksConfig = false

    @Flag(
        name: .customLong("explain-config"),
        help: "Print each setting with its value, origin and meaning, then exit.")
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

    @Flag(name: [.customShort("q"), .long], help: "Log warnings and errors only; no progress.")
    package var quiet = false
    @Flag(name: [.customShort("v"), .long], help: "Also log details for troubleshooting.")
    package var verbose = false
    @Option(SettingCatalog.logLevel) package var logLevel: LogLevel?
    @Option(SettingCatalog.logFormat) package var logFormat: LogFormat?
    /// Where stats files are.
    @Option(SettingCatalog.statsDirectory) public var statsDirectory: String?
    @Option(SettingCatalog.instance) package var instance: String?

    /// The least level that the command line asks for: that of --log-level, else of -q or -v.
    package var leastLevel: LogLevel? { logLevel ?? (quiet ? .warning : verbose ? .debug : nil) }

    /// For ArgumentParser.
    public init() {}

    /// For ArgumentParser.
    public mutating func validate() throws {
        if quiet && verbose { throw ValidationError("-q and -v contradict each other") }
    }
}
