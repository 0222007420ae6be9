/// The settings of the stage that hands records to several others.
public struct FanOutSettings: SettingTheme {
    static let title = "fan-out"
    static let programs: Set<Program> = [.fanOut]

    /// Where its spool is.
    public let fanOutStateDirectory = Setting<String>(
        "fan_out.state_directory", flag: "state-dir", environment: "STATE_DIRECTORY", default: nil,
        value: "DIR",
        "Directory of the spool and of each output's progress. "
            + "(default: bitcoin-ingestor/fan-out in $XDG_STATE_HOME)",
        inEnvironment: SinkSettings.below(tool: "fan-out"), parse: SettingText.path)
    /// How much the spool may hold.
    public let fanOutSpoolMax = Setting(
        "fan_out.spool_max_bytes", flag: "spool-max", default: "16GiB", value: "BYTES",
        "Most bytes spooled for the slowest output; then reading stops until it catches up.",
        parse: SettingText.bytes((1 << 20)...(1 << 44)))

    init() {}
}
