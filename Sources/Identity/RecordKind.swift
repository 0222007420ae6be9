/// The kinds of record, by template id. A template that is not here is passed on untouched.
public enum RecordKind: UInt16, CaseIterable, Sendable {
    case trade = 1
    case aggTrade = 2
    case kline = 3
    case bestBidAsk = 4
    case depthDiff = 5
    case depthSnapshot = 6
    case gap = 7
    case raw = 8

    /// The kind of a template; nil for one that is not known here.
    ///
    /// Written out so that it can be inlined: what the compiler makes is a call, of which each record
    /// in Avro had three.
    @inlinable
    public init?(rawValue: UInt16) {
        switch rawValue {
        case 1: self = .trade
        case 2: self = .aggTrade
        case 3: self = .kline
        case 4: self = .bestBidAsk
        case 5: self = .depthDiff
        case 6: self = .depthSnapshot
        case 7: self = .gap
        case 8: self = .raw
        default: return nil
        }
    }

    /// The name in JSON, in object keys and on command lines, without a `String`.
    public var word: StaticString {
        switch self {
        case .trade: "trade"
        case .aggTrade: "aggTrade"
        case .kline: "kline"
        case .bestBidAsk: "bestBidAsk"
        case .depthDiff: "depthDiff"
        case .depthSnapshot: "depthSnapshot"
        case .gap: "gap"
        case .raw: "raw"
        }
    }

    /// The name in JSON, in object keys and on command lines.
    public var name: String { "\(word)" }

    /// The kind of a name; nil when no kind has it.
    public init?(name: String) {
        guard let kind = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }

    /// How ids of a sequence of this kind tell records apart.
    @inlinable
    public var numbering: Numbering {
        switch self {
        case .trade, .aggTrade, .kline, .depthDiff: .contiguous
        case .bestBidAsk, .depthSnapshot: .increasing
        case .raw: .arrival
        case .gap: .none
        }
    }

    /// The name of a template: its kind's, or `template-77` for one not known here.
    public static func name(template: UInt16) -> String {
        RecordKind(rawValue: template)?.name ?? "template-\(template)"
    }
}

/// How the ids of a sequence tell its records apart, and so what a ledger may claim.
@frozen
public enum Numbering: Sendable {
    /// The next id is known, so that a skipped one is a hole: trades, aggTrades, depth diffs, and
    /// klines once they are closed.
    case contiguous
    /// Ids only grow; nothing is known of ids between two records: best bid and ask, snapshots.
    case increasing
    /// The id is a position in one named capture: raw messages.
    case arrival
    /// Ids say nothing: gap records, whose ids are those of others, and unknown templates.
    case none
}
