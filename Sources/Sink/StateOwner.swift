import Posix
import Stage

/// Whose state a directory holds: one ledger for two destinations would refuse in the second what
/// only the first has.
public enum StateOwner {
    private static let limit = 64 << 10

    /// Writes down what the state belongs to, the first time; later ones must be the same.
    ///
    /// - Parameters:
    ///   - state: the directory, which exists.
    ///   - claims: what it holds the state of, such as `objects` and `s3://bucket/prefix`. One of
    ///     a new name is added.
    ///   - mayChange: true when another owner is taken over, and told, instead of refused.
    /// - Returns: a sentence for each owner that changed.
    /// - Throws: `.configuration` when it belongs to something else.
    @discardableResult
    public static func claim(
        _ state: String, _ claims: [(name: String, owner: String)], mayChange: Bool = false
    ) throws -> [String] {
        let path = state + "/owner"
        var known: [String: String] = [:]
        if Files.exists(path) {
            let text = String(decoding: try Files.read(path, limit: limit), as: UTF8.self)
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ", maxSplits: 1).map(String.init)
                if words.count == 2 { known[words[0]] = words[1] }
            }
        }
        var changes: [String] = []
        var isNew = false
        for (name, owner) in claims where known[name] != owner {
            if let before = known[name] {
                let change =
                    "\(state) holds the state of \(name) \(before), not of \(owner): records "
                    + "already delivered to the former would be skipped for the latter"
                guard mayChange else {
                    throw StageFailure(
                        .configuration,
                        "\(change); use another --state-dir (or remove \(path) if both are the "
                            + "same destination)")
                }
                changes.append(change)
            }
            known[name] = owner
            isNew = true
        }
        guard isNew else { return [] }
        let text = known.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)\n" }.joined()
        try Files.replace(path, with: Array(text.utf8))
        return changes
    }
}
