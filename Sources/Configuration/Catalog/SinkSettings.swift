/// What every sink has.
public struct SinkSettings: SettingTheme {
    static let title = "Every sink"
    static let programs: Set<Program> = Program.sinks

    // MARK: - Every sink

    /// Most ids of one record.
    public let widestRecord = Setting(
        "sink.max_ids", flag: "max-ids", default: "10000000", value: "IDS",
        "Most ids that one change of a book, or one gap record, may cover; others are quarantined.",
        parse: SettingText.integer(1...Int.max))
    /// How far ids may jump.
    public let farthestID = Setting(
        "sink.max_id_jump", flag: "max-id-jump", default: "1000000000000", value: "IDS",
        "How far above the newest id of its sequence an id may be; others are quarantined.",
        parse: SettingText.integer(1...Int.max))
    /// How long records may wait for the device.
    public let syncInterval = Setting(
        "sink.sync_seconds", flag: "sync-interval", default: "1", value: "SECONDS",
        "Longest time that records wait to be synced to disk, in seconds: what a power failure may "
            + "take. A killed process loses nothing.",
        parse: SettingText.seconds(0.01...3600))
    /// How long the destination may take to answer at the start.
    public let checkTimeout = Setting(
        "sink.check_seconds", flag: "check-timeout", default: "5", value: "SECONDS",
        "Time for the destination to answer at the start, in seconds; reading then starts anyway.",
        for: [.s3Put], parse: SettingText.seconds(0.1...3600))

    /// The directory of a tool below the one that systemd gives to a unit.
    ///
    /// Several stages may share the unit's directory, and each needs a ledger of its own; where the
    /// unit has several directories they come with colons between them, and the first one counts
    /// (systemd.exec(5), `StateDirectory=`).
    static func below(tool: String) -> @Sendable (String) -> String {
        { text in StatePlace.below(text, tool: tool) ?? "" }
    }

    init() {}
}
