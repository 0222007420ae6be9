/// One setting, declared once: its key in the configuration file, flag, environment variable,
/// default, unit and meaning. Help, manual page, completions and `--explain-config` come from here.
public struct Setting<Value: Sendable>: Sendable {
    /// Its place in the configuration file, such as `retry.max_attempts`.
    public let key: String
    /// The long option without dashes; nil for what must not stand on a command line.
    public let flag: String?
    /// Another long option without dashes that says the same; nil for none.
    public let otherFlag: String?
    /// The environment variable: the key in capitals, with `__` for each dot.
    public let variable: String
    /// Variables that are asked after it, in this order.
    public let aliases: [SettingAlias]
    /// The default as a text of ``form``; nil when there is none.
    public let fallback: String?
    /// What a value looks like, in words for the help: `SECONDS`, `BYTES`.
    public let valueName: String
    /// One sentence.
    public let help: String
    /// True for a value that no output may show.
    public let isSecret: Bool
    /// True for a secret that may be empty, which then counts as not set.
    public let mayBeEmpty: Bool
    /// The programs that read it; nil for those of its theme.
    public let programs: Set<Program>?
    /// How its text is read.
    public let form: SettingForm<Value>

    /// Declares a setting.
    ///
    /// - Parameters:
    ///   - otherFlag: another long option that says the same.
    ///   - environment: a short name for the variable, which works as well.
    ///   - otherEnvironment: a variable that is asked when that one is not set.
    ///   - adapt: makes the value's text of the short variable's, where that is not itself.
    ///   - isSecret: true for a value that no output may show.
    ///   - mayBeEmpty: true for a secret that may be empty.
    ///   - programs: which read it; nil for those of its theme.
    ///   - form: how its text is read.
    public init(
        _ key: String, flag: String?, alias otherFlag: String? = nil, environment: String? = nil,
        or otherEnvironment: String? = nil,
        default fallback: String?, value valueName: String, _ help: String,
        inEnvironment adapt: (@Sendable (String) -> String)? = nil, isSecret: Bool = false,
        mayBeEmpty: Bool = false, for programs: Set<Program>? = nil,
        parse form: SettingForm<Value>
    ) {
        self.key = key
        self.flag = flag
        self.otherFlag = otherFlag
        variable = SettingName.variable(of: key)
        aliases = [(environment, adapt), (otherEnvironment, nil)].compactMap { name, adapt in
            name.map { SettingAlias(name: $0, adapt: adapt) }
        }
        self.fallback = fallback
        self.valueName = valueName
        self.help = help
        self.isSecret = isSecret
        self.mayBeEmpty = mayBeEmpty
        self.programs = programs
        self.form = form
    }
}

extension Setting {
    /// Text to value.
    public func parse(_ text: String) throws(SettingError) -> Value { try form(text) }
}

/// A short name of a setting's variable, or one that other programs read too.
public struct SettingAlias: Sendable {
    /// The variable.
    public let name: String
    /// What its text stands for, where that is not itself.
    let adapt: (@Sendable (String) -> String)?
}

/// A value that a setting does not take.
public struct SettingError: Error, Equatable, CustomStringConvertible {
    /// What is wrong, such as `"x" is not a whole number`.
    public let description: String

    /// Refuses a value.
    public init(_ description: String) { self.description = description }
}
