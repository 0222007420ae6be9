package import Bronze
import Identity
package import Sink

extension ObjectName {
    /// Names an object before its content is known.
    package init(_ confirmed: ConfirmedIDs, firstID: Int64) {
        let sequence = confirmed.sequence
        var first = confirmed.held.first ?? confirmed.exact.first ?? firstID
        var last = confirmed.held.last ?? confirmed.exact.last ?? firstID
        if sequence.numbering == .none || sequence.numbering == .arrival,
            let bounds = confirmed.bounds
        {
            (first, last) = (bounds.lowerBound, bounds.upperBound)
        }
        if sequence.kind == .kline, let interval = KlineInterval(code: sequence.series) {
            // The name has the open times; the ledger has the whole intervals.
            if let end = confirmed.held.last { last = interval.bucket(of: end).lowerBound }
            if let own = confirmed.exact.last { last = max(last, own) }
            if confirmed.held.isEmpty { first = firstID }
            last = max(first, last)
        }
        let isTold = confirmed.isWholeInterval || confirmed.withoutID > 0
        self.init(
            epoch: sequence.epoch, series: sequence.kind == .kline ? 0 : sequence.series,
            ids: first...last,
            count: isTold
                ? nil : (confirmed.records, UInt32(truncatingIfNeeded: confirmed.fingerprint)))
    }
}
