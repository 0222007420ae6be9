/// What is known of a setting without its type: for documentation, and for a file whose settings
/// are judged though no program asks for them.
struct SettingDeclaration: Sendable {
    let key: String
    let flag: String?
    let variable: String
    let aliases: [String]
    let fallback: String?
    let valueName: String
    let help: String
    let isSecret: Bool
    let mayBeEmpty: Bool
    let programs: Set<Program>
    /// The theme's heading.
    let title: String
    /// Judges a text as the setting would.
    let check: @Sendable (String) throws(SettingError) -> Void
}

/// A setting of whichever type.
protocol DeclaredSetting {
    /// What is known of it without its type.
    func declaration(in theme: any SettingTheme.Type) -> SettingDeclaration
}

extension Setting: DeclaredSetting {
    func declaration(in theme: any SettingTheme.Type) -> SettingDeclaration {
        let parse = parse
        return SettingDeclaration(
            key: key, flag: flag, variable: variable, aliases: aliases.map(\.name),
            fallback: fallback, valueName: valueName, help: help, isSecret: isSecret,
            mayBeEmpty: mayBeEmpty, programs: programs ?? theme.programs, title: theme.title,
            check: { text throws(SettingError) in _ = try parse(text) })
    }
}
