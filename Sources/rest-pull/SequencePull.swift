import Binance
import Identity
import Ledger
import Posix
import Records

/// The download of one sequence: which pages to ask for, which came, and what is next to be
/// written. Pages are asked for in parallel and written in order.
final class SequencePull {
    let symbol: SymbolName
    let sequence: SequenceID
    let endpoint: Endpoint
    let interval: KlineInterval?
    /// What is still to be asked for, in order.
    private(set) var wanted: [ClosedRange<Int64>]
    /// What was asked for and is not written yet, in order.
    var requests: [PageRequest] = []
    /// Replies that wait for their turn, by token.
    var pages: [Int: PageBox] = [:]
    /// The venue serves nothing below this id any more.
    var servedFrom: Int64 = .min
    /// Ids that a finished pull must have written, for progress.
    let total: UInt64
    /// Ids written or declared so far.
    var done: UInt64 = 0
    /// Ids that did not come.
    var missing = IDSet()
    /// True once a gap record said that ids are missing, in this run or in what is resumed.
    var hasDeclared = false
    /// Ids whose rows came and fit no record.
    var unkept = IDSet()
    /// Why, of the first ones, by id or open time.
    var unkeptReasons: [Int64: String] = [:]
    /// Ranges in which the venue has nothing, which is no loss: klines of a suspension.
    var absent = IDSet()
    /// Why nothing of the asked range can come; nil when something may.
    var impossible: String?
    /// The part of the asked range that has not happened yet, in words; nil when all of it has.
    var notYet: String?
    /// Ids that will not come and are not declared yet: the next page may go on with them.
    var openGap: Unserved?
    /// The request that showed last that ids do not come, and its answer.
    var evidence = ""
    /// Ids that did not come and are not declared yet, since the archive may have them.
    var unserved: [Unserved] = []
    /// Records written.
    var records: Int64 = 0
    /// Event time of the last record, µs.
    var reached: Int64 = 0
    /// The id after the last one that is settled; where `--follow` goes on.
    var next: Int64
    /// The last id that `--follow` may ask for.
    var end: Int64
    /// The time that ends what `--follow` asks for, µs, while the id is not known; nil for none.
    let endTime: Int64?
    /// True when the last poll found nothing new.
    var isIdle = false

    init(
        symbol: SymbolName, sequence: SequenceID, endpoint: Endpoint, interval: KlineInterval?,
        wanted: [ClosedRange<Int64>], next: Int64, end: Int64 = .max - 1, endTime: Int64? = nil
    ) {
        self.symbol = symbol
        self.sequence = sequence
        self.endpoint = endpoint
        self.interval = interval
        self.wanted = wanted
        self.next = next
        self.end = end
        self.endTime = endTime
        total = wanted.reduce(0) { $0 + UInt64($1.upperBound - $1.lowerBound) + 1 }
    }

    /// The pull of a sequence whose holes are to be filled, of which nothing is wanted yet; nil for a
    /// kind that cannot be fetched.
    convenience init?(filling sequence: SequenceID) {
        let endpoint: Endpoint
        switch RecordKind(rawValue: sequence.template) {
        case .trade: endpoint = .historicalTrades
        case .aggTrade: endpoint = .aggTrades
        case .kline: endpoint = .klines
        default: return nil
        }
        let interval = KlineInterval(code: sequence.series)
        guard endpoint != .klines || interval != nil else { return nil }
        self.init(
            symbol: sequence.symbol, sequence: sequence, endpoint: endpoint, interval: interval,
            wanted: [], next: 0)
    }

    /// Adds ranges to what is wanted, in order and none of them twice.
    func want(_ ranges: [ClosedRange<Int64>]) { wanted += ranges }

    /// What did not come; forgotten with this call.
    func takeUnserved() -> [Unserved] {
        defer { unserved = [] }
        return unserved
    }

    /// True when all was asked for and written.
    var isFinished: Bool { wanted.isEmpty && requests.isEmpty }

    /// True when the next in order is no longer served, so that it waits for no reply.
    var hasUnservedRequest: Bool {
        requests.first.map { $0.ids.upperBound < servedFrom } ?? false
    }

    /// Where a gap is in time, as near as is known: after the last record, else now.
    var placeInTime: Int64 { reached == 0 ? Clock.realtimeNanoseconds() / 1000 : reached }

    /// What a stopped pull still owes, in order.
    var unfinished: [ClosedRange<Int64>] { requests.filter { !$0.isOpen }.map(\.ids) + wanted }

    // MARK: - Requests

    /// What is asked for a page.
    ///
    /// - Parameter rows: asked for with one request at most.
    func request(for page: PageRequest, rows: Int, base: String) -> VenueClient.Request {
        let limit = "\(rows)"
        let symbol = "\(symbol)"
        switch endpoint {
        case .klines:
            let end = min(page.ids.upperBound, VenueTime.plausible.upperBound)
            return VenueClient.Request(
                token: page.token, .klines, rows: rows, base: base,
                [
                    "symbol": symbol, "interval": interval?.rawValue ?? "",
                    "startTime": "\(page.ids.lowerBound)", "endTime": "\(end)", "limit": limit,
                ])
        case .trades:
            return VenueClient.Request(
                token: page.token, .trades, rows: rows, base: base,
                ["symbol": symbol, "limit": limit])
        default:
            let count = page.ids.upperBound - page.ids.lowerBound
            return VenueClient.Request(
                token: page.token, endpoint, rows: rows, base: base,
                [
                    "symbol": symbol, "fromId": "\(page.ids.lowerBound)",
                    "limit": count < rows ? "\(count + 1)" : limit,
                ])
        }
    }

    /// A request for one row, which shows whether the venue serves the sequence by id.
    func probe(base: String) -> VenueClient.Request {
        let symbol = "\(symbol)"
        guard let interval else {
            return VenueClient.Request(
                endpoint, rows: 1, base: base, ["symbol": symbol, "limit": "1"])
        }
        return VenueClient.Request(
            .klines, rows: 1, base: base,
            ["symbol": symbol, "interval": interval.rawValue, "limit": "1"])
    }

    /// Cuts the next page off what is wanted; nil when all was asked for.
    func nextRequest(token: Int, rows: Int) -> PageRequest? {
        guard let range = wanted.first else { return nil }
        let last: Int64
        if let interval {
            last = min(range.upperBound, interval.end(of: rows, from: range.lowerBound))
        } else {
            last = min(range.upperBound, range.lowerBound.addingClamped(Int64(rows) - 1))
        }
        return cut(range, through: last, token: token)
    }

    /// Puts what the venue serves no more in the queue without asking for it, so that a billion ids
    /// that are gone do not cost a million requests.
    ///
    /// - Returns: false when there is none.
    func skipUnserved(token: Int) -> Bool {
        guard let range = wanted.first, range.lowerBound < servedFrom else { return false }
        _ = cut(range, through: min(range.upperBound, servedFrom - 1), token: token)
        return true
    }

    private func cut(
        _ range: ClosedRange<Int64>, through last: Int64, token: Int
    ) -> PageRequest {
        if last == range.upperBound {
            wanted.removeFirst()
        } else {
            wanted[0] = (last + 1)...range.upperBound
        }
        let request = PageRequest(token: token, ids: range.lowerBound...last, isOpen: false)
        requests.append(request)
        return request
    }
}

/// One request's part of the range.
struct PageRequest {
    /// Names the request.
    let token: Int
    /// Ids, or open times in µs, that it covers.
    var ids: ClosedRange<Int64>
    /// Replies that did not hold all of it so far.
    var shortReplies = 0
    /// True while it is not known whether its ids exist: `--follow`.
    let isOpen: Bool
}

/// A page on the heap, so that a collection can hold it.
final class PageBox {
    let page: Page
    init(_ page: consuming Page) { self.page = page }
}

extension KlineInterval {
    /// The last µs of the `count`th interval from the one that holds `time`.
    func end(of count: Int, from time: Int64) -> Int64 {
        guard self == .month1 else {
            let (length, overflow) = Int64(count - 1).multipliedReportingOverflow(by: length)
            return bucket(of: time).upperBound.addingClamped(overflow ? .max : length)
        }
        var end = bucket(of: time).upperBound
        for _ in 1..<max(1, min(count, 1000)) { end = bucket(of: end + 1).upperBound }
        return end
    }
}

extension Int64 {
    /// The sum, or the nearest number that there is.
    func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        guard overflow else { return sum }
        return other < 0 ? .min : .max
    }
}
