import Posix

/// Finds the value of each setting: flag over environment over configuration file over default.
public struct Settings {
    /// Where a value came from.
    package enum Origin: Equatable, Sendable, CustomStringConvertible {
        case flag(String)
        case variable(Variables.Origin)
        case file(String, line: Int)
        case standard

        package var description: String {
            switch self {
            case .flag(let flag): "--\(flag)"
            case .variable(let origin): "\(origin)"
            case .file(let path, let line): "\(path):\(line)"
            case .standard: "default"
            }
        }
    }

    /// The value of a setting, as text.
    package struct Row: Equatable, Sendable {
        package let key: String
        /// Never a secret.
        package let value: String
        package let origin: Origin
        /// The text itself, to tell whether it changed.
        let text: String

        /// True when both are the same value, wherever they came from.
        package func isSame(as other: Self) -> Bool { text == other.text }
    }

    let sources: ConfigurationSources
    /// The settings that were asked for, in their order.
    package private(set) var rows: [Row] = []

    /// Takes values from some sources.
    ///
    /// - Throws: ``ConfigurationError`` for the first of their problems, with the number of others.
    package init(_ sources: ConfigurationSources) throws(ConfigurationError) {
        self.init(unchecked: sources)
        guard let first = sources.problems.first else { return }
        let others = sources.problems.count - 1
        let more = others == 0 ? "" : "; \(others) more: --check-config lists them all"
        throw ConfigurationError(first + more)
    }

    /// Takes values from a configuration file, with what is beside it, and from variables.
    ///
    /// - Parameter path: of the file; nil asks the variable CONFIG_FILE.
    package init(path: String?, environment: [String: String]) throws(ConfigurationError) {
        try self.init(ConfigurationSources(path: path, environment: environment))
    }

    /// Takes values from some sources, whatever is wrong with them.
    package init(unchecked sources: ConfigurationSources) { self.sources = sources }

    /// The value of a setting, or nil when it has none and no default.
    ///
    /// - Parameters:
    ///   - setting: which one.
    ///   - flag: what the command line said; nil when it said nothing.
    /// - Throws: ``ConfigurationError`` that names the variable, or file and line.
    public mutating func optional<Value>(
        _ setting: Setting<Value>, _ flag: Value? = nil
    ) throws(ConfigurationError) -> Value? {
        if let flag {
            note(setting, "\(flag)", .flag(setting.flag ?? setting.key))
            return flag
        }
        guard let (text, origin) = try sources.text(of: setting) ?? standard(setting) else {
            if !rows.contains(where: { $0.key == setting.key }) {
                rows.append(Row(key: setting.key, value: "", origin: .standard, text: ""))
            }
            return nil
        }
        do throws(SettingError) {
            let value = try setting.parse(text)
            note(setting, text, origin)
            return value
        } catch {
            throw ConfigurationError("\(origin): \(setting.key): \(error)")
        }
    }

    /// The value of a setting that has a default or must be given.
    ///
    /// - Throws: ``ConfigurationError`` with status 64 when it is set nowhere.
    public mutating func value<Value>(
        _ setting: Setting<Value>, _ flag: Value? = nil
    ) throws(ConfigurationError) -> Value {
        if let value = try optional(setting, flag) { return value }
        let flag = setting.flag.map { "--\($0), " } ?? ""
        throw ConfigurationError(
            "\(setting.key) is set nowhere: give \(flag)the environment variable "
                + "\(setting.variable), or the key in the configuration file", exitStatus: .usage)
    }

    /// The value of a setting whose default depends on where the program runs, which
    /// `--explain-config` then shows.
    public mutating func value<Value>(
        _ setting: Setting<Value>, _ flag: Value?, otherwise standard: @autoclosure () -> Value
    ) throws(ConfigurationError) -> Value {
        if let value = try optional(setting, flag) { return value }
        let value = standard()
        note(setting, "\(value)", .standard)
        return value
    }

    /// The process's variables, with those of the file of variables.
    public var variables: [String: String] { sources.variables.dictionary }

    /// What is wrong with the sources.
    package var problems: [String] { sources.problems }

    /// What a program should say at its start; nil for one that has no settings of its own.
    package func warnings(for program: Program?) -> [String] { sources.warnings(for: program) }

    /// The value of a setting that was resolved; nil where it was not.
    package func value<Value>(of setting: Setting<Value>) -> Value? {
        rows.first { $0.key == setting.key }.flatMap { try? setting.parse($0.text) }
    }

    /// The same with the old values of some keys.
    package func keeping(_ old: [Row], of keys: Set<String>) -> Settings {
        var result = self
        result.rows.removeAll { keys.contains($0.key) }
        result.rows += old.filter { keys.contains($0.key) }
        return result
    }

    private func standard<Value>(_ setting: Setting<Value>) -> (text: String, origin: Origin)? {
        setting.fallback.map { ($0, .standard) }
    }

    /// Notes what a setting without a value comes to, for `--explain-config`.
    public mutating func settle<Value>(_ setting: Setting<Value>, as value: Value) {
        guard rows.first(where: { $0.key == setting.key })?.text.isEmpty != false else { return }
        note(setting, "\(value)", .standard)
    }

    private mutating func note<Value>(_ setting: Setting<Value>, _ text: String, _ origin: Origin) {
        var shown = text.withoutUserInfo
        if let list = text.listDescription { shown = list }
        let row = Row(
            key: setting.key, value: setting.isSecret ? "(set)" : shown, origin: origin, text: text)
        // Two programs' worth of declarations may ask for one key: the last answer counts.
        rows.removeAll { $0.key == setting.key }
        rows.append(row)
    }
}

extension String {
    /// A list as it is written in a file, of what Swift writes of an array; nil for other texts.
    fileprivate var listDescription: String? {
        guard hasPrefix("[\""), hasSuffix("\"]") else { return nil }
        return String(dropFirst(2).dropLast(2)).replacing("\", \"", with: ",")
    }
}
