import Binance
import Identity
import Records

/// What of a page belongs to the asked ids, and which of those it lacks.
struct PageContent {
    /// Rows inside the asked ids.
    let rows: Range<Int>
    /// Asked ids without a row, ascending.
    let holes: [ClosedRange<Int64>]
    /// The first id after the last row, or after the asked ids when all of them are settled.
    let next: Int64
    /// The first id that the venue gave; `Int64.min` for an empty page.
    let firstServed: Int64
    /// The last id before `endTime`, once a row shows it.
    let end: Int64?
    /// True when the last row is a kline that is not over: it is asked for again.
    let isUnfinished: Bool
    private let rowsAfterHoles: [Int]

    /// Compares a page with what was asked.
    ///
    /// - Parameters:
    ///   - isOpen: true when ids after the last row may just not exist yet.
    ///   - interval: of klines, each of which takes up a whole interval.
    ///   - endTime: µs; what happened from then on is not asked for.
    init(
        _ page: borrowing Page, asked: ClosedRange<Int64>, isOpen: Bool, interval: KlineInterval?,
        endTime: Int64?
    ) {
        let ids = page.ids
        var expected = asked.lowerBound
        var reopened: Int64?
        var end: Int64?
        var holes: [ClosedRange<Int64>] = []
        var rowsAfterHoles: [Int] = []
        let start =
            ids.firstIndex { (interval?.bucket(of: $0).upperBound ?? $0) >= expected } ?? ids.count
        var row = start
        while row < ids.count, ids[row] <= asked.upperBound {
            if let endTime, page.lastEventTime(of: row..<(row + 1)) >= endTime {
                end = ids[row] - 1
                break
            }
            let taken = interval?.bucket(of: ids[row]) ?? ids[row]...ids[row]
            // A kline that is not over counts only once it is.
            if interval != nil && taken.upperBound > asked.upperBound && isOpen { break }
            if taken.lowerBound > expected {
                holes.append(expected...(taken.lowerBound - 1))
                rowsAfterHoles.append(row)
            }
            row += 1
            if interval != nil && taken.upperBound >= page.closedBefore {
                // Written as it is; asked for again until it is over.
                reopened = taken.lowerBound
                expected = asked.upperBound + 1
                break
            }
            expected = max(expected, taken.upperBound + 1)
        }
        rows = start..<row
        if !isOpen && expected <= asked.upperBound {
            holes.append(expected...asked.upperBound)
            rowsAfterHoles.append(row)
            expected = asked.upperBound + 1
        }
        self.holes = holes
        self.rowsAfterHoles = rowsAfterHoles
        self.end = end
        next = reopened ?? expected
        isUnfinished = reopened != nil
        firstServed = start < ids.count ? ids[start] : .min
    }

    /// The row that comes right after a hole.
    func rowAfter(_ hole: ClosedRange<Int64>) -> Int {
        holes.firstIndex(of: hole).map { rowsAfterHoles[$0] } ?? rows.upperBound
    }
}
