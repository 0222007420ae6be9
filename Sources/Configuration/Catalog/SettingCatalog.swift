/// Every setting of every program, so that a configuration file is shared and a typo in it is found
/// by whichever program reads it first. The names of the service that this replaces are kept.
///
/// A setting is declared in one place: as a stored property of the struct of its theme. Everything
/// else comes from there: this catalog finds the declarations by reflection, and
/// `SettingCatalog.logLevel` names the one of ``CommonSettings``.
@dynamicMemberLookup
public enum SettingCatalog {
    /// The declarations, theme by theme, in the order in which documentation shows them.
    static let themes: [any SettingTheme] = [
        common, venue, tap, fanOut, sink, s3, kinesis, aws, health, cloudWatch,
    ]
    /// Every declaration. Several may have one key: the same setting under another flag, or with
    /// another variable.
    static let declarations: [SettingDeclaration] = themes.flatMap(\.declarations)
    /// The declarations of each key.
    static let byKey = Dictionary(grouping: declarations, by: \.key)

    private static let common = CommonSettings()
    private static let venue = VenueSettings()
    private static let tap = TapSettings()
    private static let fanOut = FanOutSettings()
    private static let sink = SinkSettings()
    private static let s3 = S3Settings()
    private static let kinesis = KinesisSettings()
    private static let aws = AWSSettings()
    private static let health = HealthSettings()
    private static let cloudWatch = CloudWatchSettings()
}

/// Settings that belong together.
protocol SettingTheme: Sendable {
    /// What they are about, as a heading.
    static var title: String { get }
    /// Which programs read them, unless a setting says otherwise.
    static var programs: Set<Program> { get }
}

extension SettingTheme {
    /// The settings among the properties, in their order.
    var declarations: [SettingDeclaration] {
        Mirror(reflecting: self).children.compactMap { child in
            (child.value as? any DeclaredSetting)?.declaration(in: Self.self)
        }
    }
}

extension SettingCatalog {
    /// The setting of a property of ``CommonSettings``.
    public static subscript<Value>(
        dynamicMember path: KeyPath<CommonSettings, Setting<Value>>
    ) -> Setting<Value> { common[keyPath: path] }

    /// The setting of a property of ``VenueSettings``.
    public static subscript<Value>(
        dynamicMember path: KeyPath<VenueSettings, Setting<Value>>
    ) -> Setting<Value> { venue[keyPath: path] }

    /// The setting of a property of ``TapSettings``.
    public static subscript<Value>(
        dynamicMember path: KeyPath<TapSettings, Setting<Value>>
    ) -> Setting<Value> { tap[keyPath: path] }

    /// The setting of a property of ``FanOutSettings``.
    public static subscript<Value>(
        dynamicMember path: KeyPath<FanOutSettings, Setting<Value>>
    ) -> Setting<Value> { fanOut[keyPath: path] }

    /// The setting of a property of ``SinkSettings``.
    public static subscript<Value>(
        dynamicMember path: KeyPath<SinkSettings, Setting<Value>>
    ) -> Setting<Value> { sink[keyPath: path] }

    /// The setting of a property of ``S3Settings``.
    public static subscript<Value>(
        dynamicMember path: KeyPath<S3Settings, Setting<Value>>
    ) -> Setting<Value> { s3[keyPath: path] }

    /// The setting of a property of ``KinesisSettings``.
    public static subscript<Value>(
        dynamicMember path: KeyPath<KinesisSettings, Setting<Value>>
    ) -> Setting<Value> { kinesis[keyPath: path] }

    /// The setting of a property of ``AWSSettings``.
    public static subscript<Value>(
        dynamicMember path: KeyPath<AWSSettings, Setting<Value>>
    ) -> Setting<Value> { aws[keyPath: path] }

    /// The setting of a property of ``HealthSettings``.
    public static subscript<Value>(
        dynamicMember path: KeyPath<HealthSettings, Setting<Value>>
    ) -> Setting<Value> { health[keyPath: path] }

    /// The setting of a property of ``CloudWatchSettings``.
    public static subscript<Value>(
        dynamicMember path: KeyPath<CloudWatchSettings, Setting<Value>>
    ) -> Setting<Value> { cloudWatch[keyPath: path] }
}
