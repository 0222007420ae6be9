import Encoding
import Identity
import Ledger

/// Compares trades with closed klines by the trades' times: count, volumes, and where there was a
/// trade, open, high, low and close.
struct KlineCheck {
    /// Ids that are not held, and the times of the trades around them, µs.
    private struct Gap {
        let ids: ClosedRange<Int64>
        let times: ClosedRange<Int64>
    }

    /// An interval whose trades no kline that is held speaks of.
    private struct Lack {
        let span: ClosedRange<Int64>
        let ids: ClosedRange<Int64>
        let isInside: Bool
    }

    let interval: KlineInterval
    private var totals: [Int64: TradeTotals] = [:]
    private var gaps: [Gap] = []
    private var lacks: [Lack] = []
    private var last: (id: Int64, time: Int64)?
    /// Klines that were compared, by their start.
    private var compared: ClosedRange<Int64>?
    /// Intervals before it are compared.
    private var settled: Int64?
    private(set) var result = Reconciliation()

    init(_ interval: KlineInterval) { self.interval = interval }

    /// Adds trades up, by id, each once.
    mutating func add(_ trades: [HeldTrade], _ scope: TradeScope) {
        for trade in trades {
            let span = interval.bucket(of: trade.time)
            if settled == nil {
                // What begins with the market has no klines before its first trade.
                let start = scope.start.flatMap { $0 == .min ? nil : $0 } ?? trade.time
                settled = interval.bucket(of: min(start, trade.time)).lowerBound
            }
            let next = last.map { $0.id == .max ? .max : $0.id + 1 } ?? scope.ids.lowerBound
            if trade.id > next {
                let time = last?.time ?? scope.start ?? trade.time
                note(next...(trade.id - 1), time, trade.time)
            }
            if trade.id >= next { last = (trade.id, trade.time) }
            if !trade.values.isVoid {
                totals[span.lowerBound, default: TradeTotals(trade)].add(trade)
            }
        }
    }

    private mutating func note(_ ids: ClosedRange<Int64>, _ time: Int64, _ other: Int64) {
        gaps.append(Gap(ids: ids, times: min(time, other)...max(time, other)))
    }

    /// The starts of the intervals that can be compared now, µs.
    ///
    /// - Parameter time: before which all trades were added; nil when they were all added.
    func due(before time: Int64?, _ scope: TradeScope) -> Range<Int64>? {
        guard let settled else { return nil }
        let end: Int64
        if let time {
            end = interval.bucket(of: time).lowerBound
        } else {
            let last = max(totals.keys.max() ?? settled, (scope.end ?? .min + 1) - 1)
            end = interval.bucket(of: max(last, settled)).upperBound + 1
        }
        return settled < end ? settled..<end : nil
    }

    /// Compares the intervals of a stretch of time with their klines.
    ///
    /// - Parameters:
    ///   - klines: those of it, in any order.
    ///   - due: what ``due(before:_:)`` said.
    ///   - isLast: true when all trades were added.
    mutating func compare(
        _ klines: [HeldKline], _ due: Range<Int64>, isLast: Bool, _ scope: TradeScope
    ) {
        settled = due.upperBound
        if isLast, let last, last.id < scope.ids.upperBound {
            // Of a hole at the end it is not known how far it reaches.
            note((last.id + 1)...scope.ids.upperBound, last.time, .max)
        }
        var previous: HeldKline?
        for kline in klines.sorted(by: { $0.start < $1.start }) {
            if let previous, previous.start == kline.start {
                if previous != kline {
                    result.noteDifference(
                        "\(name(kline.start)) is held twice, with different values")
                }
                continue
            }
            previous = kline
            compare(kline, totals.removeValue(forKey: kline.start), scope)
        }
        for (start, rest) in totals.sorted(by: { $0.key < $1.key }) where due.contains(start) {
            totals[start] = nil
            guard scope.asks(start) else { continue }
            let span = interval.bucket(of: start)
            lacks.append(Lack(span: span, ids: rest.ids, isInside: scope.covers(span)))
        }
    }

    private func name(_ start: Int64) -> String {
        "kline \(interval.rawValue) \(Timestamp.text(microseconds: start))"
    }

    private mutating func compare(
        _ kline: HeldKline, _ trades: TradeTotals?, _ scope: TradeScope
    ) {
        let span = interval.bucket(of: kline.start)
        compared =
            compared.map {
                min($0.lowerBound, kline.start)...max($0.upperBound, kline.start)
            } ?? kline.start...kline.start
        let words = trades?.differences(from: kline) ?? TradeTotals.differences(fromNone: kline)
        guard !words.isEmpty else {
            return result.noteEqual(
                trades?.ids, trades: trades?.count ?? 0, volume: trades?.volume ?? ExactSum())
        }
        let title =
            name(kline.start) + (trades.map { " (trades \(Reconciliation.ids($0.ids)))" } ?? "")
        guard scope.covers(span) else {
            return result.noteEdge("\(title): the interval reaches beyond the trades")
        }
        let missing = gaps.filter { $0.times.overlaps(span) }
        if let first = missing.first, missing.allSatisfy({ scope.declared.contains($0.ids) }) {
            return result.noteDeclared(
                "\(title): trades \(Reconciliation.ids(first.ids)) are declared absent", scope)
        }
        let reason = missing.first.map { "; trades \(Reconciliation.ids($0.ids)) are not held" }
        result.noteDifference("\(title): \(words.joined(separator: "; "))\(reason ?? "")")
    }

    /// Tells of trades that no kline speaks of, once everything was compared.
    mutating func finish(_ scope: TradeScope) {
        var rest = lacks[...]
        while let first = rest.popFirst() {
            var (span, ids) = (first.span, first.ids)
            let isEdge = isEdge(first, scope)
            // Neighbours are one line.
            while let next = rest.first, next.span.lowerBound == span.upperBound + 1,
                self.isEdge(next, scope) == isEdge
            {
                span = span.lowerBound...next.span.upperBound
                ids =
                    min(
                        ids.lowerBound, next.ids.lowerBound)...max(
                        ids.upperBound, next.ids.upperBound)
                rest.removeFirst()
            }
            let words =
                "trades \(Reconciliation.ids(ids)): no kline \(interval.rawValue) of "
                + "\(Timestamp.text(microseconds: span.lowerBound)) to "
                + "\(Timestamp.text(microseconds: span.upperBound + 1)) is held"
            if isEdge { result.noteEdge(words) } else { result.noteUnknown(words) }
        }
        lacks = []
    }

    private func isEdge(_ lack: Lack, _ scope: TradeScope) -> Bool {
        guard lack.isInside else { return true }
        guard let compared else { return false }
        let end = interval.bucket(of: compared.upperBound).upperBound + 1
        return lack.span.lowerBound < compared.lowerBound
            && scope.reachesEdge(compared.lowerBound, atStart: true)
            || lack.span.lowerBound >= end && scope.reachesEdge(end, atStart: false)
    }
}
