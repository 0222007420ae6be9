/// Directories that variables of the environment name.
public enum DirectoryVariable {
    /// The directory that a variable names.
    ///
    /// - Returns: nil when it is not set or empty, since `$HOME/x` would be a path below the root
    ///   then; also for a relative path of XDG, which its specification says to ignore.
    public static func path(_ name: String, in environment: [String: String]) -> String? {
        guard let path = environment[name], !path.isEmpty else { return nil }
        return name.hasPrefix("XDG_") && !path.hasPrefix("/") ? nil : path
    }

    /// The first directory of a variable that may have several, as those of systemd.exec(5) may.
    ///
    /// - Returns: nil when it names none.
    public static func first(_ name: String, in environment: [String: String]) -> String? {
        environment[name].flatMap(first(of:))
    }

    /// The first directory of a list with colons, without slashes at its end; nil for an empty list.
    public static func first(of list: String) -> String? {
        guard var first = list.split(separator: ":").first.map(String.init) else { return nil }
        while first.count > 1, first.hasSuffix("/") { first.removeLast() }
        return first
    }
}
