/// The release that this is.
public enum Version {
    /// Semantic; CHANGELOG.md says what changed.
    public static let text = "0.1.0"
    /// Who wrote a Parquet file, in the form that its readers parse.
    public static let createdBy = "bitcoin-ingestor version \(text) (build \(text))"
}
