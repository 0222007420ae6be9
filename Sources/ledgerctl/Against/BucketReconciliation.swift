import Bronze
import BronzeAccess
import BronzeProof
import Encoding
import Identity
import Ledger
import Posix
import Records
import Stage
import StageAWS

/// `verify --against`: trades of a bucket compared with aggregates or klines of the same bucket, which
/// the venue made of the same trades.
///
/// Trades are read an hour at a time, and forgotten once they are compared.
struct BucketReconciliation {
    let selection: Selection
    let question: BucketQuestion
    let other: RecordKind
    let allowsDeclared: Bool

    func run(_ reading: BucketReading, in stage: borrowing Stage) throws {
        let source = try reading.source(selection.ledger, stage.log)
        var proof = try BucketProof.load(source, below: selection.prefixes(against: other))
        var all = selection.trades(of: proof.sequences)
        if selection.epoch == nil { all = proof.sequences(all, in: question.range) }
        guard !all.isEmpty else {
            throw StageFailure(.no, "\(source.url) holds no such trades")
        }
        var examination = ObjectExamination(source)
        var answers: [(trades: SequenceID, partners: [SequenceID], lines: [String])] = []
        var isProven = true
        for trades in all {
            let partners = proof.sequences.filter { isPartner($0, of: trades) }
            guard !partners.isEmpty else {
                isProven = false
                answers.append(
                    (trades, [], ["\(trades.title)  against \(other.name)  unknown: none is held"]))
                continue
            }
            var comparison = Comparison(
                trades, partners, question.range, allowsDeclared: allowsDeclared)
            try comparison.run(&proof, &examination, in: stage)
            isProven = isProven && comparison.isProven
            answers.append((trades, partners, comparison.lines))
        }
        let concerned = all + answers.flatMap(\.partners)
        let problems = proof.problems(concerning: concerned, question.range)
        var report = BucketReport(allowsDeclared: allowsDeclared, hasProblems: !problems.isEmpty)
        for answer in answers {
            for sequence in proof.proofs(of: [answer.trades] + answer.partners)
            // Ids of trades are not those of what was made of them.
            where sequence.sequence == answer.trades || !question.isOfIDs {
                report.add(sequence.verdict(question.range), sequence, question.words)
            }
            for line in answer.lines { report.add(line: line) }
        }
        report.add(problems)
        try stage.print(report.text)
        if !report.isWhole || !isProven { throw StageFailure(.no, "") }
    }

    private func isPartner(_ sequence: SequenceID, of trades: SequenceID) -> Bool {
        guard sequence.kind == other, sequence.symbol == trades.symbol,
            sequence.venue == trades.venue, sequence.epoch == trades.epoch
        else { return false }
        guard let interval = selection.interval else { return true }
        return KlineInterval(code: sequence.series)?.rawValue == interval
    }
}

/// The trades of one sequence and all that is compared with them.
private struct Comparison {
    private let trades: SequenceID
    private let range: ProofRange
    private let allowsDeclared: Bool
    private var aggregates: [(sequence: SequenceID, check: AggregateCheck)] = []
    private var klines: [(sequence: SequenceID, check: KlineCheck)] = []
    private let partners: [SequenceID]
    private var seen = IDSet()
    /// About trades alone.
    private var own = Reconciliation()
    private(set) var lines: [String] = []

    init(
        _ trades: SequenceID, _ partners: [SequenceID], _ range: ProofRange, allowsDeclared: Bool
    ) {
        self.allowsDeclared = allowsDeclared
        self.trades = trades
        self.partners = partners
        self.range = range
    }

    private var results: [(sequence: SequenceID, result: Reconciliation)] {
        aggregates.map { ($0.sequence, $0.check.result) }
            + klines.map { ($0.sequence, $0.check.result) }
    }

    /// True when something was compared, and nothing differs or is unknown.
    var isProven: Bool {
        own.isSound && results.allSatisfy(\.result.isSound)
            && results.contains { $0.result.equal > 0 }
    }

    /// Reads and compares.
    ///
    /// - Parameter proof: gets what is wrong with objects.
    mutating func run(
        _ proof: inout BucketProof, _ examination: inout ObjectExamination,
        in stage: borrowing Stage
    ) throws {
        let sequence = proof.proofs(of: [trades])[0]
        guard let ids = sequence.verdict(range).ids else { return }
        var scope = TradeScope(sequence, range, ids, allowsDeclared: allowsDeclared)
        for partner in partners {
            if let interval = KlineInterval(code: partner.series), partner.kind == .kline {
                klines.append((partner, KlineCheck(interval)))
            } else {
                aggregates.append((partner, AggregateCheck()))
            }
        }
        let stored = StoredRows(proof, trades, range)
        let others = partners.map { StoredRows(proof, $0, .all) }
        var month: Int64?
        for stretch in stored.stretches {
            var found: [HeldTrade] = []
            try stored.read(stretch, &examination, &proof, in: stage) { frame in
                // One of another time than its key's is told of at the end, with its id.
                guard ids.contains(frame.firstID), stretch.contains(frame.eventTime) else { return }
                if let trade = HeldTrade(frame) {
                    found.append(trade)
                } else {
                    own.noteUnknown("trade \(frame.firstID) cannot be read")
                }
            }
            let rows = once(found)
            guard !rows.isEmpty else { continue }
            scope.add(rows)
            for index in aggregates.indices {
                var held: [HeldAggregate] = []
                var voided: [Int64] = []
                try others[index].read(stretch, &examination, &proof, in: stage) { frame in
                    guard stretch.contains(frame.eventTime), scope.asks(frame.eventTime) else {
                        return
                    }
                    if let row = HeldAggregate(frame) {
                        held.append(row)
                    } else {
                        voided.append(frame.firstID)
                    }
                }
                for id in voided { aggregates[index].check.addVoided(id) }
                aggregates[index].check.add(rows, held, scope)
            }
            for index in klines.indices { klines[index].check.add(rows, scope) }
            let period = Partition.period(
                of: stretch.lowerBound, template: RecordKind.kline.rawValue)
            if period != month {
                month = period
                try settle(
                    before: stretch.lowerBound, scope, others, &examination, &proof, in: stage)
            }
        }
        try settle(before: nil, scope, others, &examination, &proof, in: stage)
        for index in aggregates.indices { aggregates[index].check.finish(scope) }
        for index in klines.indices { klines[index].check.finish(scope) }
        noteUnread(proof.proofs(of: [trades])[0], ids)
        if !own.isSound { lines.append(own.text(trades.title, "itself").trimmingLast) }
        for (partner, result) in results {
            lines.append(result.text(trades.title, partner.title).trimmingLast)
        }
    }

    /// Compares klines, a month at a time: they are stored by the month.
    private mutating func settle(
        before time: Int64?, _ scope: TradeScope, _ others: [StoredRows],
        _ examination: inout ObjectExamination, _ proof: inout BucketProof,
        in stage: borrowing Stage
    ) throws {
        for index in klines.indices {
            guard let due = klines[index].check.due(before: time, scope) else { continue }
            // The last one may have come a little after its interval.
            let times = due.lowerBound..<(due.upperBound + Self.late)
            var held: [HeldKline] = []
            try others[aggregates.count + index].read(times, &examination, &proof, in: stage) {
                frame in
                guard due.contains(frame.firstID), scope.asks(frame.firstID) else { return }
                if let row = HeldKline(frame) { held.append(row) }
            }
            klines[index].check.compare(held, due, isLast: time == nil, scope)
        }
    }

    /// How long after an interval its kline may come, µs.
    private static let late: Int64 = 3_600_000_000

    /// Each trade once, by id.
    private mutating func once(_ found: [HeldTrade]) -> [HeldTrade] {
        var kept: [HeldTrade] = []
        kept.reserveCapacity(found.count)
        for trade in found.sorted(by: { $0.id < $1.id }) {
            if let last = kept.last, last.id == trade.id {
                if last.values != trade.values {
                    own.noteDifference("trade \(trade.id) is held twice, with different values")
                }
            } else if seen.insert(trade.id) {
                kept.append(trade)
            } else {
                own.noteDifference("trade \(trade.id) is held twice, with different times")
            }
        }
        return kept
    }

    /// Trades that are held, and in no object whose key has a time.
    private mutating func noteUnread(_ proof: SequenceProof, _ ids: ClosedRange<Int64>) {
        for held in proof.held.covered(in: ids) {
            for rest in seen.missing(in: held) {
                own.noteUnknown(
                    "trades \(Reconciliation.ids(rest)) are held with times that cannot be right")
            }
        }
    }
}

extension BucketQuestion {
    /// True when ids were given.
    fileprivate var isOfIDs: Bool {
        if case .ids = range { true } else { false }
    }
}

extension String {
    /// Without the line's end.
    fileprivate var trimmingLast: String { hasSuffix("\n") ? String(dropLast()) : self }
}
