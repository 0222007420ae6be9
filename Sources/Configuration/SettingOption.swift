public import ArgumentParser

extension Option {
    /// The option of a setting: optional, because the environment and the file come after it.
    public init<Parsed>(_ setting: Setting<Parsed>) where Value == Parsed? {
        self.init(
            name: .customLong(setting.flag ?? setting.key), help: setting.argumentHelp,
            transform: { text in
                do throws(SettingError) { return try setting.parse(text) } catch {
                    throw ValidationError(error.description)
                }
            })
    }
}

extension Setting {
    /// The help with default and unit.
    var argumentHelp: ArgumentHelp {
        let shown = fallback.map { " (default: \($0))" } ?? ""
        return ArgumentHelp(stringLiteral: help + shown).with(valueName: valueName.lowercased())
    }
}

extension ArgumentHelp {
    fileprivate func with(valueName: String) -> Self {
        var help = self
        help.valueName = valueName
        return help
    }
}
