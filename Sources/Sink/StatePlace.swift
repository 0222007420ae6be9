public import Stage

/// Where a sink's state is when nobody says.
public enum StatePlace {
    /// The directory of a tool in the user's state directory (XDG Base Directory Specification).
    ///
    /// - Parameter name: tells states of one tool apart; nil for one that has a single state.
    public static func ofUser(
        tool: String, name: String? = nil, environment: [String: String] = Environment.all
    ) -> String {
        let home =
            environment["XDG_STATE_HOME"].flatMap { $0.isEmpty ? nil : $0 }
            ?? (environment["HOME"] ?? "/var/lib") + "/.local/state"
        let place = "\(home)/bitcoin-ingestor/\(tool)"
        guard let name else { return place }
        return "\(place)/" + name.replacing("/", with: "-")
    }
}
