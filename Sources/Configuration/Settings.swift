import Posix

/// Finds the value of each setting: flag over environment over configuration file over default.
public struct Settings {
    /// Where a value came from.
    enum Origin: Equatable, CustomStringConvertible {
        case flag(String)
        case environment(String)
        case secretFile(String)
        case file(String, line: Int)
        case standard

        var description: String {
            switch self {
            case .flag(let flag): "--\(flag)"
            case .environment(let name): "environment \(name)"
            case .secretFile(let path): path
            case .file(let path, let line): "\(path):\(line)"
            case .standard: "default"
            }
        }
    }

    /// One row of `--explain-config`.
    struct Row: Equatable {
        let key: String
        let value: String
        let origin: Origin
    }

    private let environment: [String: String]
    /// Files that variables come from.
    private let secretPaths: [String: String]
    private let file: ConfigFile?
    private(set) var rows: [Row] = []

    /// Reads the configuration file, if one is named, and refuses keys that no tool knows.
    ///
    /// - Parameters:
    ///   - path: of the file; nil reads none.
    ///   - environment: the process's environment.
    public init(path: String?, environment: [String: String]) throws(ConfigurationError) {
        let secrets = try SecretFiles(environment)
        self.environment = Self.withoutIgnored(secrets.environment)
        secretPaths = secrets.paths
        file = try path.map { path throws(ConfigurationError) in
            try ConfigFile(path: path, environment: secrets.environment)
        }
        try refuseUnknownKeys()
    }

    init(file: ConfigFile?, environment: [String: String]) throws(ConfigurationError) {
        let secrets = try SecretFiles(environment)
        self.environment = Self.withoutIgnored(secrets.environment)
        secretPaths = secrets.paths
        self.file = file
        try refuseUnknownKeys()
    }

    /// AWS's tools can be told to pass over endpoints that variables name.
    private static func withoutIgnored(_ environment: [String: String]) -> [String: String] {
        guard environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]?.lowercased() == "true" else {
            return environment
        }
        return environment.filter { !$0.key.hasPrefix("AWS_ENDPOINT_URL") }
    }

    /// The value of a setting, or nil when it has none and no default.
    ///
    /// - Parameters:
    ///   - setting: which one.
    ///   - flag: what the command line said; nil when it said nothing.
    /// - Throws: ``ConfigurationError`` with code 78 that names the variable, or file and line.
    public mutating func optional<Value>(
        _ setting: Setting<Value>, _ flag: Value? = nil
    ) throws(ConfigurationError) -> Value? {
        if let flag {
            note(setting, "\(flag)", .flag(setting.flag ?? setting.key))
            return flag
        }
        let (text, origin) = try source(setting)
        guard let text else {
            rows.append(Row(key: setting.key, value: "", origin: .standard))
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
    /// - Throws: ``ConfigurationError`` with code 64 when it is set nowhere.
    public mutating func value<Value>(
        _ setting: Setting<Value>, _ flag: Value? = nil
    ) throws(ConfigurationError) -> Value {
        if let value = try optional(setting, flag) { return value }
        let flag = setting.flag.map { "--\($0), " } ?? ""
        throw ConfigurationError(
            "\(setting.key) is set nowhere: give \(flag)the environment variable "
                + "\(setting.variable), or the key in the configuration file", exitStatus: .usage)
    }

    /// An empty value is as good as none, so that a script need not leave a variable out; but not of
    /// a secret: `TOKEN=$(cat missing)` must not turn a check off.
    private func source<Value>(
        _ setting: Setting<Value>
    ) throws(ConfigurationError) -> (String?, Origin) {
        let isSecret = setting.isSecret && !setting.mayBeEmpty
        func refuse(_ origin: Origin) -> ConfigurationError {
            ConfigurationError(
                "\(origin): \(setting.key) is empty: give the secret, or leave the setting out")
        }
        for (name, adapt) in setting.variables {
            guard let text = environment[name] else { continue }
            if !text.isEmpty {
                let origin = secretPaths[name].map(Origin.secretFile) ?? .environment(name)
                return (adapt.map { $0(text) } ?? text, origin)
            }
            if isSecret { throw refuse(.environment(name)) }
        }
        if let file, let entry = file.entries[setting.key], !entry.isNull {
            let origin = Origin.file(file.path, line: entry.line)
            if !entry.text.isEmpty { return (entry.text, origin) }
            if isSecret { throw refuse(origin) }
        }
        return (setting.fallback, .standard)
    }

    private mutating func note<Value>(_ setting: Setting<Value>, _ text: String, _ origin: Origin) {
        rows.append(
            Row(
                key: setting.key, value: setting.isSecret ? "(set)" : text.withoutUserInfo,
                origin: origin))
    }

    // MARK: - Explaining and refusing

    /// The table of `--explain-config`: key, value and where it came from.
    package var explanation: String {
        let keys = rows.map(\.key.count).max() ?? 0
        let values = rows.map(\.value.count).max() ?? 0
        return rows.sorted { $0.key < $1.key }.map { row in
            let key = row.key + String(repeating: " ", count: keys - row.key.count)
            let value = row.value + String(repeating: " ", count: values - row.value.count)
            return "\(key)  \(value)  \(row.origin)\n"
        }.joined()
    }

    private func refuseUnknownKeys() throws(ConfigurationError) {
        guard let file else { return }
        let known = Set(SettingCatalog.byKey.keys).union(RetiredKeys.all)
        for (key, entry) in file.entries.sorted(by: { $0.value.line < $1.value.line })
        where !known.contains(key) {
            // A section without content.
            if entry.isNull, known.contains(where: { $0.hasPrefix(key + ".") }) { continue }
            let nearest = Spelling.nearest(to: key, among: known)
            let hint = nearest.map { "; did you mean \($0)?" } ?? ""
            throw ConfigurationError(
                "\(file.path):\(entry.line): unknown key \(key)\(hint)")
        }
    }
}
