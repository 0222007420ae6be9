import Glibc

/// Where settings of AWS's tools are looked up: the environment, or a test's dictionary.
public struct Environment: Sendable {
    private let lookup: @Sendable (String) -> String?

    /// The environment of the process.
    public static let process = Environment { name in getenv(name).map { String(cString: $0) } }

    /// A source of variables.
    public init(_ lookup: @escaping @Sendable (String) -> String?) { self.lookup = lookup }

    /// A variable's value; an empty one counts as not set.
    public subscript(name: String) -> String? {
        guard let value = lookup(name), !value.isEmpty else { return nil }
        return value
    }

    /// True for a variable with the value `true`, whatever its case.
    func isTrue(_ name: String) -> Bool { self[name]?.lowercased() == "true" }
}
