import Binance
import Encoding
import Identity
import Ledger
import Posix
import Records
import Stage
import Stats

/// A pull as asked for on the command line.
struct PullPlan {
    let dataset: Dataset
    let symbols: [SymbolName]
    let intervals: [KlineInterval]
    let from: Bound?
    let to: Bound?
    let limit: Int?
    let levels: Int
    let resume: String?
    let options: VenueClient.Options
    let rules: Puller.Rules

    /// Finds the ids, fetches them, and says what is missing.
    func pull(in stage: borrowing Stage) throws {
        let writer = try stage.standardOutput()
        let resume = try resume.map { try Resume(path: $0, log: stage.log) }
        var client = try VenueClient(options)
        stage.enter(.connecting)
        client.heartbeat = stage.stats.heartbeat
        guard try greet(&client, in: stage) else { return }
        if dataset == .depth { return try takeSnapshots(&client, writer, in: stage) }

        let finder = RangeFinder(plan: self, resume: resume)
        var feeds: [FeedBox] = []
        for symbol in symbols {
            for interval in intervals.isEmpty ? [nil] : intervals.map(Optional.some) {
                guard let feed = try finder.feed(symbol, interval, &client, in: stage) else {
                    return
                }
                feeds.append(feed)
            }
        }
        var puller = Puller(
            rules: rules, client: client, writer: writer, feeds: feeds,
            counters: PullCounters(stage))
        stage.enter(.running)
        try puller.run(in: stage)
        try report(feeds, in: stage)
    }

    /// Asks for limits, clock and symbols.
    ///
    /// - Returns: false when a signal came first.
    private func greet(_ client: inout VenueClient, in stage: borrowing Stage) throws -> Bool {
        let names = symbols.map { "\"\($0)\"" }.joined(separator: ",")
        let request = VenueClient.Request(
            .exchangeInfo, base: options.baseURL, ["symbols": "[\(names)]"])
        let reply: VenueClient.Reply?
        do throws(VenueFailure) {
            reply = try client.fetch(request, unless: stage.stopDescriptor)
        } catch {
            log(&client, stage.log)
            guard error.venueError?.isUnknownSymbol == true else { throw error }
            let names = symbols.map(\.description).joined(separator: ", ")
            throw StageFailure(.usage, "the venue does not know the symbol, or one of: \(names)")
        }
        log(&client, stage.log)
        guard let reply else { return false }
        do throws(JSONScanner.Failure) {
            let info = try ExchangeInfo(json: reply.body.span.bytes)
            client.adopt(info)
            for (symbol, status) in info.statuses.sorted(by: { $0.key < $1.key })
            where status != "TRADING" {
                stage.log.warning("\(symbol) has status \(status): nothing new may come")
            }
        } catch {
            throw StageFailure(.protocolBroken, "\(options.baseURL) exchangeInfo: \(error)")
        }
        return true
    }

    /// Writes one snapshot of each book, again and again with `--follow`.
    private func takeSnapshots(
        _ client: inout VenueClient, _ writer: consuming FrameWriter, in stage: borrowing Stage
    ) throws {
        var counters = PullCounters(stage)
        stage.enter(.running)
        while true {
            for symbol in symbols {
                let request = VenueClient.Request(
                    .depth, rows: levels, base: options.baseURL,
                    ["symbol": "\(symbol)", "limit": "\(levels)"])
                guard let reply = try client.fetch(request, unless: stage.stopDescriptor) else {
                    return
                }
                log(&client, stage.log)
                let subject = PageSubject(
                    symbol: symbol, source: rules.source, ingestTime: reply.arrival)
                do throws(PageError) {
                    let page = try Page.read(
                        reply.body.span.bytes, isSBE: reply.isSBE, of: .depth, about: subject)
                    try append(page, to: &writer, &counters)
                } catch {
                    throw StageFailure(.protocolBroken, "\(symbol) depth: \(error)")
                }
            }
            try writer.flush()
            counters.update(client.counts, client.weight, breaker: client.breakerState)
            counters.publish(bytesOut: writer.bytesWritten)
            guard rules.follows, !stage.waitForStop(seconds: rules.pollInterval) else { return }
        }
    }

    private func append(
        _ page: borrowing Page, to writer: inout FrameWriter, _ counters: inout PullCounters
    ) throws(PageError) {
        counters.took(page.count)
        do {
            try writer.append(frames: page.frames(of: 0..<page.count), count: page.count)
            counters.wrote(
                page.count, last: try FrameView(firstIn: page.frames(of: 0..<page.count)),
                isLive: true)
        } catch { throw PageError("\(error)") }
    }

    private func log(_ client: inout VenueClient, _ log: Log) {
        for notice in client.notices {
            if notice.isWarning { log.warning(notice.text) } else { log.info(notice.text) }
        }
        client.notices.removeAll()
    }

    // MARK: - The end

    /// Says what came; ends with 69 when something did not.
    private func report(_ feeds: [FeedBox], in stage: borrowing Stage) throws {
        var lacks: [String] = []
        for box in feeds {
            let name = box.feed.sequence.title
            stage.log.info("\(name): \(box.feed.records) records")
            for range in box.feed.absent.ranges.prefix(20) {
                stage.log.info("\(name): the venue has none in \(spoken(range, isTime: true))")
            }
            let isTime = box.feed.interval != nil
            for range in box.feed.missing.ranges {
                lacks.append("\(name) \(spoken(range, isTime: isTime))")
            }
            // A signal, or a share that never came.
            let rest = box.feed.unfinished
            if let first = rest.first, let last = rest.last, !rules.follows {
                lacks.append(
                    "\(name) \(spoken(first.lowerBound...last.upperBound, isTime: isTime)) (stopped)"
                )
            }
        }
        guard !lacks.isEmpty else { return }
        let shown = lacks.prefix(20).joined(separator: "; ")
        let more = lacks.count > 20 ? "; and \(lacks.count - 20) more ranges" : ""
        throw StageFailure(
            stage.isStopping ? .gaveUp : .unavailable,
            "not the whole range came; missing: \(shown)\(more)")
    }

    private func spoken(_ range: ClosedRange<Int64>, isTime: Bool) -> String {
        guard isTime else { return "ids \(range.lowerBound) to \(range.upperBound)" }
        return Timestamp.text(microseconds: range.lowerBound) + " to "
            + Timestamp.text(microseconds: range.upperBound)
    }
}
