import Journal
import Posix

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
        try claim(state, claims, known: owners(state), mayChange)
    }

    /// Writes down which stage the state is of, and what it belongs to, in one write; see
    /// ``check(_:stage:)`` and ``claim(_:_:mayChange:)``.
    @discardableResult
    public static func claim(
        _ state: String, stage: String, _ claims: [(name: String, owner: String)] = [],
        mayChange: Bool = false
    ) throws -> [String] {
        let known = try owners(state)
        try check(state, known, stage: stage)
        let isNew = !claims.allSatisfy { known[$0.name] == $0.owner }
        do {
            return try claim(state, [("stage", stage)] + claims, known: known, mayChange)
        } catch let error as SystemError {
            // A state of before the stage was written down, on a full disk: the sink has to free it.
            guard !isNew, error.isNoRoom else { throw error }
            return []
        }
    }

    /// Refuses the state of another stage, which would take what waits there, and what was
    /// delivered, for its own.
    ///
    /// - Throws: `.configuration` for the state of another stage.
    public static func check(_ state: String, stage: String) throws {
        try check(state, owners(state), stage: stage)
    }

    // MARK: - The file

    private static func path(_ state: String) -> String { state + "/owner" }

    private static func claim(
        _ state: String, _ claims: [(name: String, owner: String)], known: [String: String],
        _ mayChange: Bool
    ) throws -> [String] {
        var owners = known
        var changes: [String] = []
        for (name, owner) in claims where known[name] != owner {
            if let before = known[name] {
                let change =
                    "\(state) holds the state of \(name) \(before), not of \(owner): records "
                    + "already delivered to the former would be skipped for the latter"
                guard mayChange else {
                    throw StageFailure(
                        .configuration,
                        "\(change); use another --state-dir (or remove \(path(state)) if both are the "
                            + "same destination)")
                }
                changes.append(change)
            }
            owners[name] = owner
        }
        if owners != known { try write(owners, state) }
        return changes
    }

    private static func check(
        _ state: String, _ known: [String: String], stage: String
    ) throws(StageFailure) {
        guard let holder = known["stage"] ?? guess(state, known), holder != stage else { return }
        throw StageFailure(
            .configuration,
            "\(state) holds the state of \(holder), not of \(stage): use another --state-dir")
    }

    /// The stage that made a state before that was written down.
    private static func guess(_ state: String, _ known: [String: String]) -> String? {
        if known["objects"] != nil || Files.exists(state + "/layout") { return "s3-put" }
        if known["service"] != nil { return "kinesis-put" }
        return Files.exists(state + "/outputs") ? "fan-out" : nil
    }

    private static func owners(_ state: String) throws(SystemError) -> [String: String] {
        let path = path(state)
        guard Files.exists(path) else { return [:] }
        let text = String(decoding: try Files.read(path, limit: limit), as: UTF8.self)
        var owners: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            if words.count == 2 { owners[words[0]] = words[1] }
        }
        return owners
    }

    private static func write(_ owners: [String: String], _ state: String) throws(SystemError) {
        let text = owners.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)\n" }.joined()
        try Files.replace(path(state), with: Array(text.utf8))
    }
}
