import Encoding
import Posix

/// Each setting of a program: its value and where that came from, its flag, key and variables, and
/// what it means.
package struct SettingsExplanation: Sendable {
    /// One setting.
    package struct Item: Sendable, Equatable {
        package let key: String
        /// Never a secret; empty where there is none.
        package let value: String
        package let origin: String
        /// The option with its value's name; empty where there is none.
        package let flag: String
        package let variables: [String]
        package let meaning: String
    }

    package private(set) var items: [Item] = []

    /// Explains the settings of a program.
    ///
    /// - Parameters:
    ///   - program: nil for one that has only those of every program.
    ///   - settings: what the program resolved, as far as it came.
    ///   - arguments: its command line, for options of a call that is not complete.
    package init(_ program: Program?, _ settings: Settings, arguments: [String]) {
        let sources = settings.sources
        let resolved = Dictionary(settings.rows.map { ($0.key, $0) }, uniquingKeysWith: { $1 })
        var seen: Set<String> = []
        for setting in SettingCatalog.declarations {
            let isOwn = program.map(setting.programs.contains) ?? (setting.programs == Program.all)
            guard isOwn || resolved[setting.key] != nil else { continue }
            guard
                isOwn
                    || !SettingCatalog.declarations.contains(where: {
                        $0.key == setting.key && program.map($0.programs.contains) == true
                    }), seen.insert(setting.key).inserted
            else { continue }
            let (value, origin) = Self.value(
                setting, sources, resolved[setting.key], CommandLineFlags(arguments))
            items.append(
                Item(
                    key: setting.key, value: value, origin: origin,
                    flag: setting.flag.map { "--\($0) \(setting.valueName)" } ?? "",
                    variables: [setting.variable] + setting.aliases, meaning: setting.help))
        }
        items.sort { $0.key < $1.key }
    }

    private static func value(
        _ setting: SettingDeclaration, _ sources: ConfigurationSources, _ row: Settings.Row?,
        _ flags: CommandLineFlags
    ) -> (String, String) {
        func shown(_ text: String) -> String { setting.isSecret ? "(set)" : text.withoutUserInfo }
        // What the program made of an option, unless that is a list as Swift writes it.
        if let row, case .flag(let flag) = row.origin, !row.text.hasPrefix("[") {
            return (row.value, "--\(flag)")
        }
        let names = [setting.flag, setting.otherFlag].compactMap(\.self)
        let given = flags.texts(of: names)
        if given.count > 1, setting.shape.isList {
            return (shown(given.joined(separator: ",")), "--\(names[0])")
        }
        for flag in names {
            if let text = flags.text(of: flag, isSwitch: setting.shape == .boolean) {
                return (shown(text), "--\(flag)")
            }
        }
        if let row, !row.value.isEmpty { return (row.value, "\(row.origin)") }
        do throws(ConfigurationError) {
            if let (text, origin) = try sources.text(of: setting) {
                return (shown(text), "\(origin)")
            }
        } catch {
            return ("", error.description)
        }
        return (setting.fallback ?? "", "default")
    }

    /// A table for people: a line with key, value and origin, and below it how else the setting is
    /// named and what it means.
    package var text: String {
        let keys = items.map(\.key.count).max() ?? 0
        // A value is anyone's text, and this is for a terminal.
        let values = min(40, items.map(\.value.escapingControls.count).max() ?? 0)
        return items.map { item in
            let key = item.key.padded(to: keys)
            let names = ([item.flag].filter { !$0.isEmpty } + item.variables).joined(
                separator: ", ")
            let value = item.value.escapingControls.padded(to: values)
            return "\(key)  \(value)  \(item.origin.escapingControls)\n"
                + "    \(names): \(item.meaning)\n"
        }.joined()
    }

    /// The same for programs.
    package var json: String {
        let settings = items.map { item in
            let variables = item.variables.map { String(jsonQuoted: $0) }.joined(separator: ",")
            return
                "{\"key\":\(String(jsonQuoted: item.key)),\"value\":\(String(jsonQuoted: item.value)),"
                + "\"origin\":\(String(jsonQuoted: item.origin)),\"flag\":\(String(jsonQuoted: item.flag)),"
                + "\"variables\":[\(variables)],\"meaning\":\(String(jsonQuoted: item.meaning))}"
        }
        return "[\(settings.joined(separator: ","))]"
    }
}

extension String {
    /// With spaces behind it, to a width.
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
