import Encoding
import Glibc

/// Where settings of AWS's tools are looked up: the environment, or a test's dictionary.
public struct Environment: Sendable {
    private let lookup: @Sendable (String) -> String?
    /// True for the real one.
    private var isProcess = false

    /// The environment of the process.
    public static let process = {
        var environment = Environment { name in getenv(name).map { String(cString: $0) } }
        environment.isProcess = true
        return environment
    }()

    /// A source of variables.
    public init(_ lookup: @escaping @Sendable (String) -> String?) { self.lookup = lookup }

    /// The same with some variables of other values.
    public func replacing(_ variables: [String: String]) -> Environment {
        let lookup = lookup
        var changed = Environment { variables[$0] ?? lookup($0) }
        changed.isProcess = isProcess
        return changed
    }

    /// A variable's value without what shells and files leave around it; an empty one counts as not
    /// set.
    public subscript(name: String) -> String? {
        guard let value = lookup(name).map(CleanText.of), !value.isEmpty else { return nil }
        return value
    }

    /// The home directory: `HOME`, else the one of the user's entry in the password file, since
    /// services often run without the variable.
    var home: String? {
        if let home = self["HOME"] { return home }
        guard isProcess, let entry = getpwuid(geteuid()), let path = entry.pointee.pw_dir else {
            return nil
        }
        return String(cString: path)
    }

    /// A path with a leading `~/` as a shell would read it.
    func expanded(_ path: String) -> String {
        guard path.hasPrefix("~/"), let home else { return path }
        return home + path.dropFirst()
    }

    /// True for a variable with the value `true`, whatever its case.
    func isTrue(_ name: String) -> Bool { self[name]?.lowercased() == "true" }
}
