/// The kinds of record, by template id. A template that is not here is passed on untouched.
public enum Kind: UInt16, CaseIterable, Sendable {
    case trade = 1
    case aggTrade = 2
    case kline = 3
    case bestBidAsk = 4
    case depthDiff = 5
    case depthSnapshot = 6
    case gap = 7
    case raw = 8

    /// The name in JSON, in object keys and on command lines.
    public var name: String { "\(self)" }

    /// The kind of a name; nil for no such kind.
    public init?(name: String) {
        guard let kind = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }

    /// True when the next id of a sequence is known, so that a skipped one is a hole.
    public var isDense: Bool {
        switch self {
        case .trade, .aggTrade, .kline, .depthDiff: true
        case .bestBidAsk, .depthSnapshot, .gap, .raw: false
        }
    }

    /// The name of a template: its kind's, or `template-77` for one not known here.
    public static func name(template: UInt16) -> String {
        Kind(rawValue: template)?.name ?? "template-\(template)"
    }
}

extension FrameView {
    /// The ids that the record takes up in its sequence, as a ledger or dedup counts them.
    ///
    /// A kline's id is its open time; it takes up its whole interval, so that consecutive klines
    /// are adjacent whatever the interval, months included.
    public var occupiedIDs: ClosedRange<Int64> {
        if template == Kind.kline.rawValue, let interval = KlineInterval(code: series) {
            return interval.bucket(of: firstID)
        }
        let (first, last) = (firstID, lastID)
        return first <= last ? first...last : first...first
    }
}
