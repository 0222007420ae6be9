import Glibc

/// The process's environment.
public enum Environment {
    /// Every variable.
    public static var all: [String: String] {
        var variables: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let parts = String(cString: entry).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            next += 1
        }
        return variables
    }

    /// Adds variables that are not set yet: to be called before any thread is started, since others
    /// may read them.
    static func add(_ variables: [(name: String, value: String)]) {
        for (name, value) in variables { setenv(name, value, 0) }
    }

    /// True for a run that something supervises: it was given a name, or systemd started it.
    ///
    /// The variables of systemd alone do not say so on a terminal: a desktop's shells inherit them
    /// from the session.
    static func isService(_ environment: [String: String], instance: String?) -> Bool {
        func isSet(_ name: String) -> Bool { environment[name]?.isEmpty == false }
        if instance != nil || isSet("STAGE_INSTANCE") || isSet("PIPELINE_NAME") { return true }
        return (isSet("INVOCATION_ID") || isSet("NOTIFY_SOCKET")) && isatty(2) == 0
    }
}
