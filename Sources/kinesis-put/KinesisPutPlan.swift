import AWS
import Identity
import Posix
import Records
import Stage
import StageAWS

/// What a run keeps to.
struct KinesisPutPlan: Sendable {
    let streams: StreamNames
    let createsStreams: Bool
    let shards: Int
    let format: PayloadFormat
    let isCompressed: Bool
    let keys: KeyRule
    let rules: LaneRules
    let batchBytes: Int
    let recordBytes: Int
    let aggregateBytes: Int
    let breakerFailures: Int
    /// Seconds.
    let breakerPause: Double
    let shardRefresh: Double
    let state: String
    let spoolMax: Int
    let windowBytes: Int
    let sync: SyncName
    let drainTimeout: Double
    /// Seconds without a success, after the input's end, after which the run gives up.
    let giveUpAfter: Double
    let kinesis: KinesisConfiguration
    let credentials: ConfiguredCredentials

    /// Refuses containers where they cannot be made: each ends in an MD5.
    static func check(isAggregated: Bool, hasMD5: Bool) throws(StageFailure) {
        guard isAggregated, !hasMD5 else { return }
        throw StageFailure(
            .configuration,
            "KPL containers, the default, end in an MD5, which OpenSSL refuses here (FIPS mode): "
                + "give --no-aggregate, or kinesis.aggregate: false, to send single records")
    }

    /// Notes what the state is of. Another service is refused; another stream of a kind goes on
    /// where the one before was left, which is told.
    func claimState(_ log: Log) throws {
        let location = kinesis.location
        try StateOwner.claim(state, [("service", location.endpoint ?? location.region)])
        let kinds = streams.byTemplate.enumerated().map { template, stream in
            (RecordKind(rawValue: UInt16(template))?.name ?? "other", stream.description)
        }
        for change in try StateOwner.claim(state, kinds, mayChange: true) { log.warning(change) }
    }

    /// Where the state lies when nobody says.
    static var standardState: String {
        let environment = Environment.all
        let home =
            environment["XDG_STATE_HOME"] ?? (environment["HOME"] ?? "/var/lib") + "/.local/state"
        return "\(home)/bitcoin-ingestor/kinesis-put"
    }
}

/// Which stream takes which kind.
struct StreamNames: Sendable {
    /// By template id; 0 for templates that are not known here.
    let byTemplate: [StreamReference]

    /// - Parameters:
    ///   - standard: the streams by the names that existing files use.
    ///   - words: `KIND=NAME` each; `*` is every kind.
    init(standard: [RecordKind: String], _ words: [String]) throws(StageFailure) {
        var names = ["market-sbe-other"]
        for kind in RecordKind.allCases {
            names.append(standard[kind] ?? "market-sbe-\(kind.name.lowercased())")
        }
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw StageFailure(.usage, "--streams: \"\(word)\" is not KIND=NAME")
            }
            if parts[0] == "*" {
                names = [String](repeating: parts[1], count: names.count)
            } else if let kind = RecordKind(name: parts[0]) {
                names[Int(kind.rawValue)] = parts[1]
            } else if parts[0] == "other" {
                names[0] = parts[1]
            } else {
                let kinds = RecordKind.allCases.map(\.name).joined(separator: ", ")
                throw StageFailure(
                    .usage, "--streams: no kind is \"\(parts[0])\"; kinds are \(kinds), other and *"
                )
            }
        }
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
    }

    /// The stream of a template.
    func index(template: UInt16) -> Int {
        Int(template) < byTemplate.count ? Int(template) : 0
    }
}

/// What a record's partition key is made of.
enum KeyRule: Sendable {
    case symbol
    case symbolKind
    /// Sub-keys that change with blocks of ids; for kinds whose ids have no holes. The others keep
    /// the symbol: what a ledger says of them rests on their order.
    case idBlock(length: Int64, count: Int64)

    /// A record's sub-key; 0 where there is none.
    func subKey(_ frame: borrowing FrameView) -> Int64 {
        guard case .idBlock(let length, let count) = self,
            frame.kind?.numbering == .contiguous
        else { return 0 }
        let block = frame.firstID / length % count
        return block < 0 ? block + count : block
    }

    /// A record's key.
    func name(_ frame: borrowing FrameView) -> String {
        let symbol = frame.symbol.description
        let base = symbol.isEmpty ? "default" : symbol
        switch self {
        case .symbol: return base
        case .symbolKind: return "\(base)_\(RecordKind.name(template: frame.template))"
        case .idBlock:
            return frame.kind?.numbering == .contiguous ? "\(base)-\(subKey(frame))" : base
        }
    }
}
