public import Identity
public import Posix
import SBE

extension Bytes {
    /// Appends a gap record: ids of a sequence that are missing.
    ///
    /// - Parameters:
    ///   - ids: first and last of them.
    ///   - sequence: the sequence that misses them.
    ///   - eventTime: µs; where in time the gap is, as near as is known.
    ///   - ingestTime: ns; when it was noticed.
    ///   - evidence: what shows that the ids cannot be had: requests and answers, with their times.
    public mutating func append(
        gap ids: ClosedRange<Int64>, of sequence: SequenceID, reason: GapReason,
        source: SourceCode, eventTime: Int64, ingestTime: Int64, evidence: String = ""
    ) {
        let words = Array(evidence.utf8.prefix(Self.maximumEvidence))
        let prefix = RecordPrefix(
            sequence: SequenceID(
                venue: sequence.venue, template: GapEncoder.templateID, series: sequence.series,
                symbol: sequence.symbol),
            eventTime: eventTime, ingestTime: ingestTime, ids: ids, source: source)
        do throws(SBEError) {
            try appendFrame(
                upTo: 8 + GapEncoder.blockLength + 4 + words.count, prefix: prefix
            ) {
                room throws(SBEError) in
                var record = try GapEncoder(room)
                record.missingTemplate = sequence.template
                record.reason = reason
                if !words.isEmpty { try record.evidence(unsafe words.span.bytes) }
                return record.encodedLength
            }
        } catch { preconditionFailure("a gap record has no room: \(error)") }
    }

    /// Longer evidence is cut: it is for people.
    private static var maximumEvidence: Int { 4096 }
}

extension FrameView {
    /// The sequence that a gap record speaks of; nil when this is not a gap record, or is damaged.
    public var missingSequence: SequenceID? {
        guard template == GapDecoder.templateID, let gap = try? GapDecoder(message) else {
            return nil
        }
        return SequenceID(
            venue: venue, template: gap.missingTemplate, series: series, symbol: symbol)
    }

    /// Why the ids of a gap record are missing; unknown for other records.
    public var gapReason: GapReason { (try? GapDecoder(message))?.reason ?? .unknown }

    /// The word of ``gapReason``, as JSON and Avro have it.
    public var gapReasonWord: String { "\(gapReason.word)" }

    /// The word of the record's source, as JSON and Avro have it.
    public var sourceWord: String { "\(SourceWord.text(source))" }

    /// What shows that the ids of a gap record cannot be had; empty for other records, and where
    /// it was not asked.
    public var gapEvidence: String {
        guard template == GapDecoder.templateID, let gap = try? GapDecoder(message) else {
            return ""
        }
        // Older records have none.
        guard let evidence = gap.evidence else { return "" }
        return unsafe evidence.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// The ids that a gap record says will never come; nil for other records and for gaps that
    /// may still be filled.
    ///
    /// Trades, aggregates and klines can be fetched again, unless the venue said that it has them no
    /// longer or never had them. The history of a book is not kept: of its kinds each gap is for
    /// good, whatever its reason.
    public var declaredGap: ClosedRange<Int64>? {
        guard let gap = try? GapDecoder(message), firstID <= lastID else { return nil }
        let isForGood =
            switch RecordKind(rawValue: gap.missingTemplate) {
            case .depthDiff, .depthSnapshot, .bestBidAsk: true
            case .trade, .aggTrade, .kline, .gap, .raw, nil:
                gap.reason == .notServed || gap.reason == .absent
            }
        return isForGood ? firstID...lastID : nil
    }

    /// True for a kline whose interval was not over: it will come again under the same id, so no
    /// ledger counts it and nothing drops what follows it.
    public var isUnfinished: Bool {
        guard template == KlineDecoder.templateID, let kline = try? KlineDecoder(message) else {
            return false
        }
        return !kline.isClosed
    }
}
