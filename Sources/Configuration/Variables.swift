import Encoding

/// The variables that settings are read from: those of the process, and below them those of a file.
package struct Variables: Sendable {
    /// Where a variable was set.
    package enum Origin: Sendable, Equatable, CustomStringConvertible {
        case environment(String)
        case file(String, line: Int, name: String)
        /// A file that has nothing but the value, which is a secret.
        case secretFile(String)

        package var description: String {
            switch self {
            case .environment(let name): "environment \(name)"
            case .file(let path, let line, let name): "\(path):\(line) \(name)"
            case .secretFile(let path): path
            }
        }
    }

    private var values: [String: String]
    private var lines: [String: EnvFile.Entry] = [:]
    private var path = ""
    /// The files that secrets come from, by variable.
    private var secretPaths: [String: String] = [:]
    /// The names with `__` in capitals, and as they are set: the service that this replaces took
    /// them in either case.
    private var nested: [String: String] = [:]

    /// Those of a process.
    package init(_ environment: [String: String]) {
        values = environment
        // AWS's tools can be told to pass over endpoints that variables name.
        if environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]?.lowercased() == "true" {
            values = values.filter { !$0.key.hasPrefix("AWS_ENDPOINT_URL") }
        }
        index()
    }

    /// Adds those of a file which the process does not have.
    mutating func add(_ file: EnvFile) {
        path = file.path
        for entry in file.entries where values[entry.name] == nil || lines[entry.name] != nil {
            values[entry.name] = entry.value
            lines[entry.name] = entry
        }
        index()
    }

    /// Adds secrets in files which the variables do not have.
    mutating func add(_ secrets: SecretFiles) {
        for (name, path) in secrets.paths where values[name] == nil {
            values[name] = secrets.environment[name]
            secretPaths[name] = path
        }
        index()
    }

    private mutating func index() {
        nested.removeAll()
        for name in values.keys.sorted().reversed() where name.contains("__") {
            nested[name.uppercased()] = name
        }
    }

    /// All names, in order.
    var names: [String] { values.keys.sorted() }

    /// What the file adds to the process's own, by name.
    package var added: [(name: String, value: String)] {
        lines.values.sorted { $0.line < $1.line }.map { ($0.name, $0.value) }
    }

    /// All of them.
    package var dictionary: [String: String] { values }

    /// The value of a variable; nil when it is not set.
    subscript(name: String) -> String? { values[name] }

    /// The value of a setting's variable, cleaned, and where it was set. White space around it is
    /// never meant, nor are quotation marks around the whole, which `docker run --env-file` leaves.
    func value(of variable: String) -> (text: String, origin: Origin)? {
        guard let name = values[variable] != nil ? variable : nested[variable],
            let value = values[name]
        else { return nil }
        var text = value.trimmed
        for quote in ["\"", "'"]
        where text.count > 1 && text.hasPrefix(quote) && text.hasSuffix(quote) {
            text = String(text.dropFirst().dropLast()).trimmed
        }
        return (text, origin(of: name))
    }

    /// Where a variable was set.
    func origin(of name: String) -> Origin {
        if let secret = secretPaths[name] { return .secretFile(secret) }
        return lines[name].map { .file(path, line: $0.line, name: name) } ?? .environment(name)
    }
}
