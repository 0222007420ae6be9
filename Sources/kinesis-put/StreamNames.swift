import AWS
import Identity
import Posix
import Records
import Stage

/// Which stream takes which kind.
struct StreamNames: Sendable {
    /// By template id; 0 for templates that are not known here.
    let byTemplate: [StreamReference]
    /// Those that someone named, instead of the usual names.
    let named: Set<StreamReference>

    /// Streams without a name of their own are called as the stream of trades, with their kind in its place: a
    /// deployment whose streams begin with `dev-` shares none with another one.
    ///
    /// - Parameters:
    ///   - standard: the streams by the names that existing files use.
    ///   - words: `KIND=NAME` each; `*` is every kind that no other word names, wherever it is.
    init(standard: [RecordKind: String], _ words: [String]) throws(StageFailure) {
        let trades = standard[.trade] ?? "market-sbe-trade"
        var names = [Self.usual("other", like: trades)]
        var given: [String: String] = [:]
        for kind in RecordKind.allCases {
            names.append(standard[kind] ?? Self.usual(kind.name.lowercased(), like: trades))
        }
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw StageFailure(.usage, "--streams: \"\(word)\" is not KIND=NAME")
            }
            let kind = RecordKind(typed: parts[0])
            let name = kind?.name ?? parts[0]
            guard given.updateValue(parts[1], forKey: name) ?? parts[1] == parts[1] else {
                throw StageFailure(.usage, "--streams: two streams are given for \(name)")
            }
            guard kind != nil || name == "other" || name == "*" else {
                let kinds = RecordKind.allCases.map(\.name).joined(separator: ", ")
                throw StageFailure(
                    .usage,
                    "--streams: \"\(parts[0])\" is not a kind (\(kinds), other or *)")
            }
        }
        if let name = given["*"] { names = names.map { _ in name } }
        for kind in RecordKind.allCases {
            if let name = given[kind.name] { names[Int(kind.rawValue)] = name }
        }
        if let name = given["other"] { names[0] = name }
        let chosen = Set(given.values)
        var references: [StreamReference] = []
        for name in names {
            guard let reference = StreamReference(name) else {
                throw StageFailure(
                    .configuration,
                    "\"\(name)\" is not a valid stream: a name of 1 to 128 of a-z A-Z 0-9 _ . -, or "
                        + "an ARN such as arn:aws:kinesis:eu-west-1:123456789012:stream/NAME")
            }
            references.append(reference)
        }
        byTemplate = references
        named = Set(references.filter { chosen.contains($0.description) })
    }

    private static func usual(_ kind: String, like trades: String) -> String {
        guard let place = trades.ranges(of: "trade").last else { return "market-sbe-\(kind)" }
        return trades[..<place.lowerBound] + kind + trades[place.upperBound...]
    }

    /// The stream of a template.
    func index(template: UInt16) -> Int {
        Int(template) < byTemplate.count ? Int(template) : 0
    }
}
