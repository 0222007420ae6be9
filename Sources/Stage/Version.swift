/// The release that this is.
public enum Version {
    /// Semantic; CHANGELOG.md says what changed.
    public static let text = "0.1.0"
}
