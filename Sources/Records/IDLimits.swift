import Encoding
import Identity

/// How much a record may claim by its ids.
///
/// Who remembers ids holds what records say they cover. Without limits one wild id, by a flipped bit
/// or a fault of the venue, would claim a world of records that never came.
public struct IDLimits: Sendable {
    /// Most ids that one change of a book, or one gap record, may cover.
    public let widest: Int64
    /// How far beyond the newest id of its sequence a record may be.
    public let farthest: Int64

    /// Sets limits, each at least 1.
    public init(widest: Int64, farthest: Int64) {
        self.widest = widest
        self.farthest = farthest
    }

    /// What is wrong with a record's ids; nil for nothing.
    ///
    /// - Parameter newest: the newest id of the sequence whose ids the record takes up; nil when
    ///   it is not known.
    public func objection(
        to frame: borrowing FrameView, newest: @autoclosure () -> Int64?
    ) -> Implausible? {
        let (first, last) = (frame.firstID, frame.lastID)
        switch RecordKind(rawValue: frame.template) {
        case .trade, .aggTrade:
            if first != last { return .notOne(first, last) }
            if first < 0 { return .negative(first) }
        case .kline:
            return first == last ? nil : .notOne(first, last)
        case .depthDiff:
            if first < 0 { return .negative(first) }
            if let fault = width(first, last) { return fault }
        case .gap:
            // A kline takes up its whole interval, in µs: a gap of klines covers so many of these.
            let isOfKlines = frame.missingSequence?.template == RecordKind.kline.rawValue
            let interval = isOfKlines ? KlineInterval(code: frame.series) : nil
            return width(first, last, unit: interval?.length ?? 1)
        case .bestBidAsk, .depthSnapshot, .raw, nil:
            return nil
        }
        guard let newest = newest(), last > newest else { return nil }
        let (jump, overflow) = last.subtractingReportingOverflow(newest)
        return overflow || jump > farthest ? .tooFar(last, newest: newest, farthest) : nil
    }

    /// - Parameter unit: how many ids count as one.
    private func width(_ first: Int64, _ last: Int64, unit: Int64 = 1) -> Implausible? {
        let (difference, overflow) = last.subtractingReportingOverflow(first)
        if !overflow, difference < 0 { return .backwards(first, last) }
        return overflow || difference / unit >= widest ? .tooWide(first, last, widest) : nil
    }
}

/// Why ids cannot be right.
public enum Implausible: Error, Equatable, CustomStringConvertible {
    /// A record of a kind that covers one id covers several.
    case notOne(Int64, Int64)
    /// An id below 0.
    case negative(Int64)
    /// The last id is below the first one.
    case backwards(Int64, Int64)
    /// More ids than one record may cover.
    case tooWide(Int64, Int64, Int64)
    /// Too far beyond the newest id.
    case tooFar(Int64, newest: Int64, Int64)
    /// Of a time, µs, before the sequence began to number again.
    case earlierNumbering(Int64, until: Int64)

    /// What is wrong, and which limit applies.
    public var description: String {
        switch self {
        case .notOne(let first, let last):
            "ids \(first) to \(last) of a kind whose records have one id"
        case .negative(let id): "the id \(id) is below 0"
        case .backwards(let first, let last):
            "ids that end at \(last), before they begin at \(first)"
        case .tooWide(let first, let last, let widest):
            "ids \(first) to \(last) of one record, which may cover \(widest)"
        case .tooFar(let id, let newest, let farthest):
            "id \(id) is more than \(farthest) beyond the newest one, \(newest)"
        case .earlierNumbering(let id, let until):
            "id \(id) is of the numbering that the venue ended after "
                + Timestamp.text(microseconds: until)
        }
    }
}
