import Binance
import Encoding
import Identity
import Ledger
import Posix
import Records
import Stage

/// Turns what was asked for, times mostly, into the ids that must be fetched.
struct RangeFinder {
    let options: PullOptions
    let held: HeldRanges?
    /// Ids by which a ledger that the live stream feeds may be ahead of the venue's database.
    private static let databaseLag: Int64 = 100_000

    /// The pull of each sequence.
    ///
    /// - Returns: nil when a signal came first.
    func pulls(
        _ client: inout VenueClient, in stage: borrowing Stage
    ) throws -> [SequencePull]? {
        if case .time(let time) = options.from, time > client.venueTime + RangeSearch.clockTolerance
        {
            throw StageFailure(
                .usage, "--from \(Timestamp.text(microseconds: time)) is in the future")
        }
        var pulls: [SequencePull] = []
        for symbol in options.symbols {
            for interval in options.intervals.isEmpty ? [nil] : options.intervals.map(Optional.some)
            {
                guard let pull = try pull(symbol, interval, &client, in: stage) else { return nil }
                pulls.append(pull)
            }
        }
        return pulls
    }

    private func pull(
        _ symbol: SymbolName, _ interval: KlineInterval?, _ client: inout VenueClient,
        in stage: borrowing Stage
    ) throws -> SequencePull? {
        let sequence = SequenceID(
            template: options.dataset.kind.rawValue, series: interval?.code ?? 0, symbol: symbol)
        var search = RangeSearch(
            options: options, symbol: symbol, interval: interval, stop: stage.stopDescriptor)
        let coverage = held?.coverage(of: sequence) ?? Coverage()
        var range: ClosedRange<Int64>?
        do {
            range =
                try interval == nil
                ? search.ids(heldFrom: coverage.held.first, &client)
                : search.openTimes(heldFrom: coverage.held.first, &client)
        } catch is Stopped { return nil }
        if options.endsAtHeld, let asked = range {
            range = coverage.held.last.flatMap { last in
                last < asked.lowerBound ? nil : asked.lowerBound...min(asked.upperBound, last)
            }
        }
        tell(of: search, sequence, newestHeld: coverage.held.last, stage.log)
        var settled = coverage.held
        // A repair asks again for what an earlier run declared missing.
        if options.rules.source != .repair { settled.formUnion(coverage.declared) }
        var wanted: [ClosedRange<Int64>] = []
        if let range {
            wanted = settled.missing(in: range)
            if wanted.isEmpty {
                let count = coverage.held.covered(in: range)
                    .reduce(0) { $0 + Self.count(of: $1, interval) }
                stage.log.info("\(sequence.title): nothing to do: all \(count) are held")
            }
        }
        let all = wanted
        if let limit = options.limit { wanted = Self.first(limit, of: wanted, interval) }
        let pull = SequencePull(
            symbol: symbol, sequence: sequence, endpoint: search.endpoint, interval: interval,
            wanted: wanted, next: range.map { $0.upperBound + 1 } ?? search.next,
            end: search.end ?? .max - 1, endTime: search.endTime)
        // Ids that an earlier run declared lost are still lost; klines that never were are not.
        if let range, interval == nil, options.rules.source != .repair {
            for lost in coverage.declared.covered(in: range) {
                for ids in coverage.held.missing(in: lost) { pull.missing.insert(ids) }
            }
            pull.hasDeclared = !pull.missing.isEmpty
        }
        if let future = search.future { pull.missing.insert(future) }
        pull.impossible = search.impossible
        // Where --limit ends it before, the rest was not asked for.
        if wanted == all { pull.notYet = search.notYet }
        return pull
    }

    /// Says what a search has found out, and what looks odd about it.
    private func tell(
        of search: RangeSearch, _ sequence: SequenceID, newestHeld: Int64?, _ log: Log
    ) {
        let name = sequence.title
        if let newest = search.newest, let last = newestHeld, last > newest,
            last - newest > Self.databaseLag
        {
            log.warning(
                "\(name): the newest id is \(newest), and \(last) is held: did the numbering start "
                    + "over? Held ids are not fetched again")
        }
        for notice in search.notices { log.warning("\(name): \(notice)") }
        for remark in search.remarks { log.info("\(name): \(remark)") }
    }

    /// Ids, or intervals, of a range.
    static func count(of range: ClosedRange<Int64>, _ interval: KlineInterval?) -> UInt64 {
        let length = UInt64(range.upperBound - range.lowerBound) + 1
        guard let interval else { return length }
        guard interval == .month1 else { return length / UInt64(interval.length) }
        // The mean month of the calendar, in µs: exact enough to count whole ones.
        return UInt64((Double(length) / 2_629_746_000_000).rounded())
    }

    /// The first ids, or intervals, of some ranges.
    private static func first(
        _ limit: Int, of ranges: [ClosedRange<Int64>], _ interval: KlineInterval?
    ) -> [ClosedRange<Int64>] {
        var left = limit
        var first: [ClosedRange<Int64>] = []
        for range in ranges where left > 0 {
            let end =
                interval?.end(of: left, from: range.lowerBound)
                ?? range.lowerBound.addingClamped(Int64(left - 1))
            let taken = range.lowerBound...min(end, range.upperBound)
            first.append(taken)
            let length = taken.upperBound - taken.lowerBound
            let count = interval.map { (length + $0.length) / $0.length } ?? length + 1
            left -= Int(count)
        }
        return first
    }
}

/// A signal came while something was asked.
struct Stopped: Error {}
