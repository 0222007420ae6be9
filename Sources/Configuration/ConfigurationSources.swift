import Encoding
import Posix

/// Where the values of settings come from: the environment, a file of variables, the configuration
/// file.
package struct ConfigurationSources: Sendable {
    /// The configuration file; nil without one.
    package private(set) var path: String?
    package private(set) var variables: Variables
    /// The files of variables and of configuration, as far as they can be read.
    let environmentFile: EnvFile?
    private(set) var file: ConfigFile?
    /// What is wrong with them, each with its place.
    private(set) var problems: [String] = []
    /// What still works but should be changed, and the programs that it concerns; empty for all.
    private(set) var warnings: [(text: String, programs: Set<Program>)] = []

    /// Reads them. What is wrong in them is kept in ``problems``.
    ///
    /// - Parameters:
    ///   - path: of the configuration file; nil asks the variable CONFIG_FILE.
    ///   - environmentPath: of the file of variables; nil takes `.env` beside the configuration file
    ///     where there is one.
    ///   - environment: the process's own variables.
    /// - Throws: for a file that cannot be read.
    package init(
        path: String?, environmentPath: String? = nil, environment: [String: String]
    ) throws(ConfigurationError) {
        var variables = Variables(environment)
        var environmentFile: EnvFile?
        if let environmentPath {
            let file = try EnvFile(path: environmentPath, variables: variables)
            variables.add(file)
            environmentFile = file
        }
        let path = path ?? variables["CONFIG_FILE"].flatMap { $0.isEmpty ? nil : $0 }
        if environmentPath == nil, let beside = path.map(Self.beside), Files.exists(beside) {
            let file = try EnvFile(path: beside, variables: variables)
            variables.add(file)
            environmentFile = file
        }
        variables.add(try SecretFiles(variables.dictionary))
        let file = try path.map { path throws(ConfigurationError) in
            try ConfigFile(path: path, variables: variables)
        }
        self.init(file: file, environmentFile: environmentFile, variables: variables)
    }

    init(file: ConfigFile?, environmentFile: EnvFile? = nil, variables: Variables) {
        path = file?.path
        self.file = file
        self.environmentFile = environmentFile
        self.variables = variables
        if let environmentFile {
            problems += environmentFile.problems.map {
                "\(environmentFile.path):\($0.line): \($0.reason)"
            }
        }
        if let file {
            problems += file.problems.map { "\(file.path):\($0.line): \($0.reason)" }
        }
        judgeKeys()
        judgeVariables()
    }

    /// `.env` in the directory of a file.
    private static func beside(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return ".env" }
        return path[...slash] + ".env"
    }

    /// What a program should say of them at its start.
    package func warnings(for program: Program?) -> [String] {
        warnings.filter { warning in
            warning.programs.isEmpty || program.map(warning.programs.contains) == true
        }.map(\.text)
    }

    // MARK: - Keys and variables that no setting has

    private mutating func judgeKeys() {
        guard let file else { return }
        let known = Set(SettingCatalog.byKey.keys)
        for (key, entry) in file.entries.sorted(by: { $0.value.line < $1.value.line })
        where !known.contains(key) {
            let place = "\(file.path):\(entry.line)"
            if let old = LegacyKey.byKey[key] {
                if entry.isNull { continue }
                if let warning = old.warning(about: entry.text) {
                    warnings.append(("\(place): \(warning)", old.programs))
                }
                if let successor = old.successor { self.file?.move(key, to: successor) }
                continue
            }
            // A section without content.
            if entry.isNull, known.contains(where: { $0.hasPrefix(key + ".") }) { continue }
            if known.contains(where: { $0.hasPrefix(key + ".") }) {
                problems.append("\(place): \(key) is a section: its keys go below it, indented")
                continue
            }
            let section = known.first { key.hasPrefix($0 + ".") }
            if let section {
                problems.append("\(place): \(section) has one value and no keys below it")
                continue
            }
            let nearest = Spelling.nearest(to: key, among: known)
            let hint = nearest.map { "; did you mean \($0)?" } ?? ""
            problems.append("\(place): unknown key \(key)\(hint)")
        }
    }

    /// Names of variables are judged where they look like ours: with the name of a section and `__`,
    /// or as one of ours with a single `_` or a typo. They may be of another program, so a stage
    /// only warns.
    private mutating func judgeVariables() {
        let sections = Set(
            SettingCatalog.byKey.keys.compactMap {
                $0.contains(".") ? $0.split(separator: ".").first : nil
            }
            .map { $0.uppercased() + "__" })
        let canonical = Set(SettingCatalog.declarations.map(\.variable))
        let aliases = Set(SettingCatalog.declarations.flatMap(\.aliases))
        let secrets = SettingCatalog.declarations.filter(\.isSecret).flatMap(\.variables)
        let known = canonical.union(aliases).union(Self.others)
            .union(secrets.map { "\($0.name)_FILE" })
        let flat = Dictionary(
            canonical.map { ($0.replacing("__", with: "_"), $0) },
            uniquingKeysWith: { one, _ in one })
        for name in variables.names {
            let upper = name.uppercased()
            let place = "\(variables.origin(of: name))"
            if let old = LegacyKey.all.first(where: { $0.variable == upper }), upper.contains("__")
            {
                if let warning = old.warning(about: variables[name] ?? "") {
                    warnings.append(("\(place): \(warning)", old.programs))
                }
                continue
            }
            guard !known.contains(name), !(upper.contains("__") && known.contains(upper)) else {
                continue
            }
            if let section = sections.first(where: upper.hasPrefix) {
                let near =
                    Spelling.nearest(
                        to: upper, among: canonical.filter { $0.hasPrefix(section) })
                    ?? Spelling.nearest(to: upper, among: canonical)
                let hint = near.map { "; did you mean \($0)?" } ?? ""
                warnings.append(("\(place): no setting has this variable\(hint)", []))
            } else if let meant = Self.meant(by: upper, flat: flat, aliases: aliases) {
                warnings.append(
                    ("\(place): no setting has this variable; did you mean \(meant)?", []))
            }
        }
    }

    /// Variables that are read and are no settings.
    private static let others: Set<String> = ["CONFIG_FILE"]

    /// The variable that someone may have meant; nil where the name may well be another program's.
    private static func meant(
        by name: String, flat: [String: String], aliases: Set<String>
    ) -> String? {
        // AWS's tools have many variables of their own.
        guard !name.hasPrefix("AWS_"), name.count >= 6 else { return nil }
        if let exact = flat[name], name.contains("_") { return exact }
        let near = aliases.filter {
            !$0.hasPrefix("AWS_") && Spelling.isWithinOneSlip(name, $0) && name != $0
        }
        if let alias = near.min() { return alias }
        guard name.contains("_"), name.count >= 10 else { return nil }
        return flat.filter { Spelling.isWithinOneSlip(name, $0.key) }.values.min()
    }

    // MARK: - Values

    /// The text of a setting that is not a flag, and where it is from; nil where it is set nowhere.
    ///
    /// An empty value is as good as none, so that a script need not leave a variable out; but not
    /// of a secret: `TOKEN=$(cat missing)` must not turn a check off.
    func text(
        of setting: some NamedSetting
    ) throws(ConfigurationError) -> (text: String, origin: Settings.Origin)? {
        for (name, adapt) in setting.variables {
            guard let (text, origin) = variables.value(of: name) else { continue }
            if !text.isEmpty { return (adapt.map { $0(text) } ?? text, .variable(origin)) }
            if setting.isSecret, !setting.mayBeEmpty { throw Self.empty(setting.key, "\(origin)") }
        }
        for old in LegacyKey.all where old.successor == setting.key {
            guard let (text, origin) = variables.value(of: old.variable), !text.isEmpty else {
                continue
            }
            return (text, .variable(origin))
        }
        guard let file, let entry = file.entries[setting.key], !entry.isNull else { return nil }
        let origin = Settings.Origin.file(file.path, line: entry.line)
        let text = entry.text.trimmed
        if !text.isEmpty || entry.isEmptyList { return (text, origin) }
        if setting.isSecret, !setting.mayBeEmpty { throw Self.empty(setting.key, "\(origin)") }
        return nil
    }

    private static func empty(_ key: String, _ place: String) -> ConfigurationError {
        ConfigurationError("\(place): \(key) is empty: give the secret, or leave the setting out")
    }
}
