/// A setting as far as its text is concerned: what it is called, and whether it may be shown.
protocol NamedSetting {
    var key: String { get }
    /// The variables that are asked, in order, and what makes the value's text of theirs.
    var variables: [(name: String, adapt: (@Sendable (String) -> String)?)] { get }
    var isSecret: Bool { get }
    var mayBeEmpty: Bool { get }
}

/// What is known of a setting without its type: for documentation, and for a file whose settings
/// are judged though no program asks for them.
struct SettingDeclaration: NamedSetting, Sendable {
    let key: String
    let flag: String?
    /// Another spelling of the flag.
    let otherFlag: String?
    let variable: String
    private let shortNames: [SettingAlias]
    let fallback: String?
    let valueName: String
    let help: String
    let isSecret: Bool
    let mayBeEmpty: Bool
    let programs: Set<Program>
    let shape: SettingShape
    /// The theme's heading.
    let title: String
    /// Judges a text as the setting would.
    let check: @Sendable (String) throws(SettingError) -> Void

    init<Value>(_ setting: Setting<Value>, in theme: any SettingTheme.Type) {
        key = setting.key
        flag = setting.flag
        otherFlag = setting.otherFlag
        variable = setting.variable
        shortNames = setting.aliases
        fallback = setting.fallback
        valueName = setting.valueName
        help = setting.help
        isSecret = setting.isSecret
        mayBeEmpty = setting.mayBeEmpty
        programs = setting.programs ?? theme.programs
        shape = setting.form.shape
        title = theme.title
        let form = setting.form
        check = { text throws(SettingError) in _ = try form(text) }
    }

    /// The variables' short names.
    var aliases: [String] { shortNames.map(\.name) }
    var variables: [(name: String, adapt: (@Sendable (String) -> String)?)] {
        [(variable, nil)] + shortNames.map { ($0.name, $0.adapt) }
    }
}

/// A setting of whichever type.
protocol DeclaredSetting {
    /// What is known of it without its type.
    func declaration(in theme: any SettingTheme.Type) -> SettingDeclaration
}

extension Setting: DeclaredSetting, NamedSetting {
    func declaration(in theme: any SettingTheme.Type) -> SettingDeclaration {
        SettingDeclaration(self, in: theme)
    }

    var variables: [(name: String, adapt: (@Sendable (String) -> String)?)] {
        [(variable, nil)] + aliases.map { ($0.name, $0.adapt) }
    }
}
