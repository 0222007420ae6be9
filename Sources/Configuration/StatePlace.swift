import Posix

/// Where a tool's state is when no setting says so.
public enum StatePlace {
    /// The directory of a tool below the one that `$STATE_DIRECTORY` names, which several tools may
    /// share: that of their unit, the first one where it has several (systemd.exec(5)).
    ///
    /// - Returns: nil where the variable is not set.
    public static func ofUnit(tool: String, environment: [String: String]) -> String? {
        environment["STATE_DIRECTORY"].flatMap { below($0, tool: tool) }
    }

    /// The directory of a tool below the first one of a list with colons; nil for an empty list.
    static func below(_ list: String, tool: String) -> String? {
        DirectoryVariable.first(of: list).map { "\($0)/\(tool)" }
    }

    /// The directory of a tool in the user's state directory (XDG Base Directory Specification).
    ///
    /// - Parameter name: tells states of one tool apart; nil for one that has a single state.
    public static func ofUser(
        tool: String, name: String? = nil, environment: [String: String]
    ) -> String {
        let home =
            DirectoryVariable.path("XDG_STATE_HOME", in: environment)
            ?? (DirectoryVariable.path("HOME", in: environment) ?? "/var/lib") + "/.local/state"
        let place = "\(home)/bitcoin-ingestor/\(tool)"
        guard let name else { return place }
        return "\(place)/" + name.replacing("/", with: "-")
    }
}
