import Binance
import Identity
import Posix
import Records
import Stage

/// What a repair wants of the puller beside pulling.
extension Puller {
    /// Adds a sequence, of which nothing is wanted yet.
    ///
    /// - Returns: nil for a kind that cannot be fetched.
    mutating func add(_ sequence: SequenceID) -> SequencePull? {
        let endpoint: Endpoint
        switch RecordKind(rawValue: sequence.template) {
        case .trade: endpoint = .historicalTrades
        case .aggTrade: endpoint = .aggTrades
        case .kline: endpoint = .klines
        default: return nil
        }
        let interval = KlineInterval(code: sequence.series)
        guard endpoint != .klines || interval != nil else { return nil }
        let pull = SequencePull(
            symbol: sequence.symbol, sequence: sequence, endpoint: endpoint, interval: interval,
            wanted: [], next: 0)
        add(pull)
        return pull
    }

    /// Why the venue does not serve a sequence by id; nil when it does.
    mutating func refusal(
        of sequence: SequenceID, in stage: borrowing Stage
    ) throws -> String? {
        let symbol = "\(sequence.symbol)"
        let request: VenueClient.Request
        switch RecordKind(rawValue: sequence.template) {
        case .trade:
            request = VenueClient.Request(
                .historicalTrades, rows: 1, base: rules.baseURL, ["symbol": symbol, "limit": "1"])
        case .kline:
            let interval = KlineInterval(code: sequence.series)?.rawValue ?? ""
            request = VenueClient.Request(
                .klines, rows: 1, base: rules.baseURL,
                ["symbol": symbol, "interval": interval, "limit": "1"])
        default:
            request = VenueClient.Request(
                .aggTrades, rows: 1, base: rules.baseURL, ["symbol": symbol, "limit": "1"])
        }
        return try refusal(of: request, in: stage)
    }

    /// Asks once whether the venue serves something; nothing else may be under way.
    ///
    /// - Returns: why it does not; nil when it does, or when a signal came first.
    mutating func refusal(
        of request: VenueClient.Request, in stage: borrowing Stage
    ) throws -> String? {
        while client.outstanding > 0, !stage.isStopping, try turn(in: stage) {}
        do {
            _ = try client.fetch(request, unless: stage.stopDescriptor)
            return nil
        } catch let failure as VenueFailure {
            guard [.notPermitted, .unavailable, .refused].contains(failure.cause),
                failure.status != 451
            else { throw failure }
            return "\(failure)"
        }
    }

    /// Hands over what the venue does not serve of sequences of which nothing is under way.
    mutating func closeGaps() throws {
        for pull in pulls where pull.isFinished { try closeGap(of: pull) }
    }

    /// Writes rows that came from somewhere else.
    mutating func give(_ rows: Range<Int>, of page: borrowing Page) throws {
        counters.took(rows.count)
        try writer.append(frames: page.frames(of: rows), count: rows.count)
        let last = try FrameView(firstIn: page.frames(of: (rows.upperBound - 1)..<rows.upperBound))
        counters.wrote(rows.count, last: last, isLive: false)
        recordsWritten += Int64(rows.count)
        try flush()
    }

    /// Tells those downstream of ids that will not come, and what shows it.
    mutating func declare(_ part: Unserved, of pull: SequencePull) throws {
        let isAbsent = pull.interval != nil
        let isRepair = rules.source == .repair
        try writer.append(
            gap: part.ids, of: pull.sequence, reason: isAbsent ? .absent : .notServed,
            source: rules.source,
            eventTime: isAbsent ? part.ids.lowerBound : pull.placeInTime,
            evidence: part.evidence)
        counters.declared()
        if !isAbsent || isRepair {
            declaredIDs += RangeFinder.count(of: part.ids, pull.interval)
        }
        pull.hasDeclared = pull.hasDeclared || !isAbsent
    }
}

/// Ids that the venue does not serve, and what shows it.
struct Unserved {
    let ids: ClosedRange<Int64>
    /// Requests and answers, with their times.
    let evidence: String
}
