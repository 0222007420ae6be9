import Posix
import Records

/// The release that this is, and what it was built from.
public enum Version {
    /// Semantic; CHANGELOG.md says what changed.
    public static let text = "0.1.0"
    /// Who wrote a Parquet file, in the form that its readers parse.
    public static let createdBy = "bitcoin-ingestor version \(text) (build \(text))"

    /// Processors that the program was built for.
    static var architecture: String {
        #if arch(x86_64)
            "x86_64"
        #elseif arch(arm64)
            "aarch64"
        #else
            "unknown architecture"
        #endif
    }

    /// The line of `--version`: `rest-pull 0.1.0 (7e8234b, x86_64, records 8802:0, REST SBE 3:5)`.
    ///
    /// - Parameters:
    ///   - name: of the program.
    ///   - schemas: what else it speaks.
    static func line(_ name: String, schemas: [String]) -> String {
        let records = "records \(TradeEncoder.schemaID):\(TradeEncoder.schemaVersion)"
        let facts = [BuildFacts.commit ?? "commit not recorded", architecture, records] + schemas
        return "\(name) \(text) (\(facts.joined(separator: ", ")))"
    }
}
