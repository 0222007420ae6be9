import CLinux

/// What the program was built from.
public enum BuildFacts {
    /// The commit, abbreviated, with a `+` when the tree had other changes; nil when the build did
    /// not record it (Scripts/commit).
    public static var commit: String? {
        guard let text = clinux_commit() else { return nil }
        let commit = String(cString: text)
        // What `git archive` has not replaced.
        return commit.isEmpty || commit.hasPrefix("$") ? nil : commit
    }
}
