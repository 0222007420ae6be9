import Encoding
import Identity
import Ledger

/// Compares trades with the aggregates that name their ids: first and last id, price, quantity, side.
///
/// The venue makes one aggregate of the trades that one order met at one price, at one time: trades
/// and aggregates of the same stretch of time belong together. What is left over of one stretch is
/// compared once more with the next, for clocks that differ at its end.
struct AggregateCheck {
    private var trades: [HeldTrade] = []
    private var rows: [HeldAggregate] = []
    /// Trade ids that aggregates have named.
    private var named = IDSet()
    /// Trade ids that no aggregate named in their time.
    private var unnamed = IDSet()
    /// Aggregates that name no trades.
    private var voided = IDSet()
    private var namedTimes: ClosedRange<Int64>?
    private(set) var result = Reconciliation()

    /// Compares what is held of a stretch of time.
    ///
    /// - Parameters:
    ///   - trades: by id, each once.
    ///   - aggregates: in any order.
    mutating func add(
        _ trades: [HeldTrade], _ aggregates: [HeldAggregate], _ scope: TradeScope
    ) {
        self.trades = (self.trades + trades).sorted { $0.id < $1.id }
        rows += once(aggregates, scope)
        rows.sort { ($0.values.trades.lowerBound, $0.id) < ($1.values.trades.lowerBound, $1.id) }
        compare(isLast: false, scope)
    }

    /// Notes an aggregate that the venue voided.
    mutating func addVoided(_ id: Int64) {
        if voided.insert(id) { result.noteVoided() }
    }

    /// Compares what is left, once everything was added.
    mutating func finish(_ scope: TradeScope) {
        compare(isLast: true, scope)
        for ids in unnamed.ranges { noteUnnamed(ids, scope) }
    }

    /// Each aggregate of the scope once.
    private mutating func once(
        _ aggregates: [HeldAggregate], _ scope: TradeScope
    ) -> [HeldAggregate] {
        var kept: [HeldAggregate] = []
        for row in aggregates.sorted(by: { $0.id < $1.id }) {
            if let last = kept.last, last.id == row.id {
                if last.values != row.values {
                    result.noteDifference("\(row.name) is held twice, with different values")
                }
                continue
            }
            kept.append(row)
        }
        let asked = kept.filter { $0.values.trades.overlaps(scope.ids) }
        result.noteOutside(kept.count - asked.count)
        return asked
    }

    private mutating func compare(isLast: Bool, _ scope: TradeScope) {
        var place = 0
        var openRows: [HeldAggregate] = []
        var openTrades: [HeldTrade] = []
        func leave(_ rest: ArraySlice<HeldTrade>) {
            for var trade in rest where !trade.values.isVoid && scope.asks(trade.time) {
                if trade.isCarried || isLast {
                    unnamed.insert(trade.id)
                } else {
                    trade.isCarried = true
                    openTrades.append(trade)
                }
            }
        }
        for var row in rows {
            let ids = row.values.trades
            let start = trades[place...].firstIndex { $0.id >= ids.lowerBound } ?? trades.count
            leave(trades[place..<start])
            let end = trades[start...].firstIndex { $0.id > ids.upperBound } ?? trades.count
            place = end
            let own = trades[start..<end]
            let isWhole = own.count == Int(clamping: ids.upperBound &- ids.lowerBound &+ 1)
            if isWhole || row.isCarried || isLast {
                settle(row, own, scope)
            } else {
                row.isCarried = true
                openRows.append(row)
                openTrades += own
            }
        }
        leave(trades[place...])
        rows = openRows
        trades = openTrades
    }

    private mutating func settle(
        _ row: HeldAggregate, _ own: ArraySlice<HeldTrade>, _ scope: TradeScope
    ) {
        let (ids, time) = (row.values.trades, row.values.time)
        namedTimes =
            namedTimes.map { min($0.lowerBound, time)...max($0.upperBound, time) } ?? time...time
        let again = named.covered(in: ids)
        named.insert(ids)
        if let both = again.first {
            return result.noteDifference(
                "\(row.name): another aggregate names trades \(Reconciliation.ids(both)) as well")
        }
        // At the edges of what is asked about, trades of an aggregate may be beyond.
        guard scope.ids.contains(ids.lowerBound), scope.ids.contains(ids.upperBound) else {
            return result.noteEdge(
                "\(row.name): some of its trades \(Reconciliation.ids(ids)) are outside the range")
        }
        var held = IDSet()
        for trade in own { held.insert(trade.id) }
        let missing = held.missing(in: ids)
        if let first = missing.first {
            if missing.allSatisfy({ scope.declared.contains($0) }) {
                return result.noteDeclared(
                    "\(row.name): trades \(Reconciliation.ids(first)) are declared absent", scope)
            }
            return result.noteDifference(
                "\(row.name): trades \(Reconciliation.ids(first)) are not held")
        }
        var sum = ExactSum()
        var words: [String] = []
        for trade in own {
            sum.add(trade.quantity)
            if trade.price != row.values.price, words.count < 3 {
                words.append(
                    "price \(row.values.price.plainText), of trade \(trade.id) \(trade.price.plainText)"
                )
            }
            if trade.values.isBuyerMaker != row.values.isBuyerMaker, words.count < 3 {
                words.append("another side than trade \(trade.id)")
            }
        }
        if sum.value != row.values.quantity {
            words.append(
                "quantity \(row.values.quantity.plainText), of trades \(Reconciliation.ids(ids)) "
                    + (sum.value?.plainText ?? "too large"))
        }
        guard words.isEmpty else {
            return result.noteDifference("\(row.name): \(words.joined(separator: "; "))")
        }
        result.noteEqual(ids, trades: Int64(own.count), volume: sum)
    }

    /// Trades of which no aggregate says anything.
    private mutating func noteUnnamed(_ ids: ClosedRange<Int64>, _ scope: TradeScope) {
        let words = "trades \(Reconciliation.ids(ids)): no aggTrade that is held names them"
        guard let namedTimes, let first = named.first, let last = named.last else {
            return result.noteUnknown(words)
        }
        let isEdge =
            ids.upperBound < first && scope.reachesEdge(namedTimes.lowerBound, atStart: true)
            || ids.lowerBound > last && scope.reachesEdge(namedTimes.upperBound, atStart: false)
        if isEdge { result.noteEdge(words) } else { result.noteUnknown(words) }
    }
}
