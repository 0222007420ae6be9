/// Where a tool's state is by default.
public enum StatePlace {
    /// The directory of a tool below the one that `$STATE_DIRECTORY` names, which several tools may
    /// share: that of their unit, the first one where it has several (systemd.exec(5)).
    ///
    /// - Returns: nil where the variable is not set.
    public static func ofUnit(tool: String, environment: [String: String]) -> String? {
        guard let text = environment["STATE_DIRECTORY"], !text.isEmpty else { return nil }
        return below(text, tool: tool)
    }

    /// The directory of a tool below the first one of a list with colons.
    static func below(_ list: String, tool: String) -> String {
        var first = list.split(separator: ":").first.map(String.init) ?? ""
        while first.count > 1, first.hasSuffix("/") { first.removeLast() }
        return first + "/" + tool
    }

    /// The directory of a tool in the user's state directory (XDG Base Directory Specification).
    ///
    /// - Parameter name: tells states of one tool apart; nil for one that has a single state.
    public static func ofUser(
        tool: String, name: String? = nil, environment: [String: String]
    ) -> String {
        let home =
            environment["XDG_STATE_HOME"].flatMap { $0.isEmpty ? nil : $0 }
            ?? (environment["HOME"] ?? "/var/lib") + "/.local/state"
        let place = "\(home)/bitcoin-ingestor/\(tool)"
        guard let name else { return place }
        return "\(place)/" + name.replacing("/", with: "-")
    }
}
