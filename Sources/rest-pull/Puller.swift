import Binance
import Encoding
import Identity
import Ledger
import Posix
import Records
import Stage
import Stats

/// The loop of a pull: asks for pages in parallel, writes them in order, and accounts for every id.
struct Puller: ~Copyable {
    /// What a pull keeps to.
    struct Rules {
        /// Requests under way at once.
        let parallel: Int
        /// Rows asked for with one request.
        let rows: Int
        /// Where a repeat of a gap check starts, seconds; the venue's database may lag behind.
        let lagPause: Double
        /// Keep asking for what is new.
        let follows: Bool
        /// Pause between two polls that found nothing, seconds.
        let pollInterval: Double
        /// Klines that are not over yet are written too.
        let includesOpen: Bool
        /// Replies that may be bad in a row before the venue is given up on.
        let badReplies: Int
        /// How records are marked: 2 rest, 4 repair.
        let source: SourceCode
        /// True for ids that the venue does not serve to be handed over instead of declared: the
        /// archive may have them.
        var defersUnserved = false
        let baseURL: String
    }

    /// How long after its end a kline counts as final, µs: the venue may still be writing it.
    static let closingMargin: Int64 = 2_000_000
    /// Replies that must miss the same ids before they count as missing.
    static let confirmations = 3
    /// Rows that cannot be kept and are named in the log one by one.
    private static let maximumUnkept = 100

    let rules: Rules
    var client: VenueClient
    var writer: FrameWriter
    private(set) var pulls: [SequencePull]
    var counters: PullCounters
    /// Records written so far, and ids declared absent.
    var recordsWritten: Int64 = 0
    var declaredIDs: UInt64 = 0
    private var nextToken = 1
    private var badInARow = 0
    private var progress = Progress()

    init(
        rules: Rules, client: consuming VenueClient, writer: consuming FrameWriter,
        pulls: [SequencePull], counters: PullCounters
    ) {
        self.rules = rules
        self.client = client
        self.writer = writer
        self.pulls = pulls
        self.counters = counters
    }

    // MARK: - The loop

    /// Runs until every sequence is finished or a signal came.
    mutating func run(in stage: borrowing Stage) throws {
        while !stage.isStopping, try turn(in: stage) {}
        try end(in: stage)
    }

    /// Asks, takes what came and writes what is its turn.
    ///
    /// - Returns: false, at once, when nothing is to be done any more.
    mutating func turn(in stage: borrowing Stage) throws -> Bool {
        if try fillRequests() == false && pulls.allSatisfy({ $0.isFinished }) { return false }
        // A full pipe must not stall the sockets: replies under way are collected first.
        let canWrite = Descriptor.isWritable(1)
        // What is known to be served no more waits for no reply.
        let isReady = pulls.contains(where: \.hasUnservedRequest)
        let replies = try client.wait(
            timeout: !canWrite ? 0.1 : isReady ? 0 : 1, unless: stage.stopDescriptor,
            sends: canWrite || client.inFlight == 0)
        for reply in replies { try take(reply, in: stage) }
        report(in: stage)
        if canWrite || client.inFlight == 0 {
            for pull in pulls { try write(pull, in: stage) }
            try flush()
        }
        return true
    }

    /// Writes what is left to write.
    mutating func end(in stage: borrowing Stage) throws {
        stage.enter(.draining)
        for pull in pulls { try closeGap(of: pull) }
        try flush()
        progress.end(pulls, client.weight)
    }

    mutating func flush() throws {
        try writer.flush()
        counters.publish(bytesOut: writer.bytesWritten)
    }

    /// Queues requests up to the parallel limit, the pulls in turn.
    ///
    /// - Returns: true when something is outstanding.
    private mutating func fillRequests() throws -> Bool {
        var found = true
        while found && client.outstanding < rules.parallel {
            found = false
            for pull in pulls where client.outstanding < rules.parallel {
                // Replies far ahead of the one that the output waits for would only fill memory.
                guard pull.pages.count < 2 * rules.parallel else { continue }
                while pull.skipUnserved(token: nextToken) { nextToken += 1 }
                if let request = pull.nextRequest(token: nextToken, rows: rules.rows) {
                    nextToken += 1
                    ask(pull, request)
                    found = true
                } else if rules.follows && !rules.defersUnserved && pull.isFinished {
                    found = follow(pull) || found
                }
            }
        }
        return client.outstanding > 0
    }

    /// Asks for what came after the last record.
    private mutating func follow(_ pull: SequencePull) -> Bool {
        let next = pull.next
        guard next <= pull.end else { return false }
        let request = PageRequest(token: nextToken, ids: next...pull.end, isOpen: true)
        nextToken += 1
        pull.requests.append(request)
        ask(pull, request, after: pull.isIdle ? rules.pollInterval : 0)
        return true
    }

    private mutating func ask(
        _ pull: SequencePull, _ page: PageRequest, after pause: Double = 0
    ) {
        client.submit(request(for: page, of: pull), after: pause)
    }

    private func request(
        for page: PageRequest, of pull: SequencePull
    ) -> VenueClient.Request {
        let rows = "\(rules.rows)"
        let symbol = "\(pull.symbol)"
        switch pull.endpoint {
        case .klines:
            let end = min(page.ids.upperBound, VenueTime.plausible.upperBound)
            return VenueClient.Request(
                token: page.token, .klines, rows: rules.rows, base: rules.baseURL,
                [
                    "symbol": symbol, "interval": pull.interval?.rawValue ?? "",
                    "startTime": "\(page.ids.lowerBound)", "endTime": "\(end)", "limit": rows,
                ])
        case .trades:
            return VenueClient.Request(
                token: page.token, .trades, rows: rules.rows, base: rules.baseURL,
                ["symbol": symbol, "limit": rows])
        default:
            let count = page.ids.upperBound - page.ids.lowerBound
            return VenueClient.Request(
                token: page.token, pull.endpoint, rows: rules.rows, base: rules.baseURL,
                [
                    "symbol": symbol, "fromId": "\(page.ids.lowerBound)",
                    "limit": count < rules.rows ? "\(count + 1)" : rows,
                ])
        }
    }

    /// Adds a sequence.
    mutating func add(_ pull: SequencePull) { pulls.append(pull) }

    // MARK: - Replies

    private mutating func take(_ reply: VenueClient.Reply, in stage: borrowing Stage) throws {
        guard
            let pull = pulls.first(where: { pull in
                pull.requests.contains { $0.token == reply.token }
            }), let index = pull.requests.firstIndex(where: { $0.token == reply.token })
        else { return }
        let request = pull.requests[index]
        let subject = PageSubject(
            symbol: pull.symbol, interval: pull.interval, source: rules.source,
            ingestTime: reply.arrival, closedBefore: client.venueTime - Self.closingMargin)
        do throws(PageError) {
            let page = try Page.read(
                reply.body.span.bytes, isSBE: reply.isSBE, of: pull.endpoint, about: subject)
            if let first = page.ids.first, first < request.ids.lowerBound,
                pull.endpoint != .trades,
                pull.interval?.bucket(of: first).contains(request.ids.lowerBound) != true
            {
                throw PageError(
                    "id \(first) although ids from \(request.ids.lowerBound) on were asked for")
            }
            counters.took(page.count)
            note(page.unkept, of: pull, stage.log)
            pull.pages[reply.token] = PageBox(page)
            badInARow = 0
        } catch {
            badInARow += 1
            guard badInARow < rules.badReplies else {
                throw StageFailure(
                    .protocolBroken,
                    "\(pull.symbol) \(pull.endpoint.rawValue) from \(request.ids.lowerBound): "
                        + "\(badInARow) replies in a row that are not what the venue documents, "
                        + "the last one: \(error)")
            }
            counters.noteBadReply()
            stage.log.warning(
                "a bad reply, asking again: \(error)", cause: "venue_unreadable")
            ask(pull, request, after: 0.2 * Double(badInARow))
        }
    }

    /// Tells of rows that no record can hold; their ids are declared missing.
    private func note(
        _ unkept: [(id: Int64, reason: String)], of pull: SequencePull, _ log: Log
    ) {
        for (id, reason) in unkept where pull.unkept.insert(id) {
            guard pull.unkept.intervalCount <= Self.maximumUnkept else { return }
            log.error(
                "a row cannot be kept, and its id is declared missing",
                ["symbol": "\(pull.symbol)", "id": "\(id)", "reason": "\(reason)"],
                cause: "row_not_kept")
        }
    }

    // MARK: - Writing

    /// Writes the pages of a sequence whose turn it is.
    private mutating func write(_ pull: SequencePull, in stage: borrowing Stage) throws {
        while let request = pull.requests.first {
            if request.ids.upperBound < pull.servedFrom {
                // The venue has said before that it serves nothing this old.
                client.cancel { $0 == request.token }
                if let page = pull.pages.removeValue(forKey: request.token) {
                    counters.left(page.page.count)
                }
                pull.requests.removeFirst()
                try declare(request.ids, in: pull)
                continue
            }
            guard let page = pull.pages.removeValue(forKey: request.token) else { return }
            let limit =
                pull.interval == nil || rules.includesOpen
                ? request.ids.upperBound
                : min(request.ids.upperBound, page.page.closedBefore - 1)
            let content = PageContent(
                page.page, asked: request.ids.lowerBound...max(request.ids.lowerBound, limit),
                isOpen: request.isOpen, interval: pull.interval,
                endTime: pull.endTime)
            // Rows that came and cannot be kept are not asked for again.
            let isKnown = content.holes.allSatisfy { pull.unkept.contains($0) }
            if !isKnown && request.shortReplies + 1 < Self.confirmations
                && content.firstServed > pull.servedFrom
            {
                counters.left(page.page.count)
                pull.requests[0].shortReplies += 1
                ask(
                    pull, pull.requests[0],
                    after: rules.lagPause * Double(request.shortReplies + 1))
                return
            }
            pull.requests.removeFirst()
            if !content.holes.isEmpty { noteEvidence(request, content, of: pull) }
            try write(content, of: page.page, to: pull)
            counters.left(page.page.count - content.rows.count)
            if let first = content.holes.first, first.lowerBound == request.ids.lowerBound,
                content.firstServed != .min
            {
                pull.servedFrom = content.firstServed
            }
        }
    }

    private mutating func write(
        _ content: PageContent, of page: borrowing Page, to pull: SequencePull
    ) throws {
        // An open kline is asked for again at the pace of polling, not as fast as replies come.
        pull.isIdle = content.rows.isEmpty || content.isUnfinished
        var row = content.rows.lowerBound
        for hole in content.holes {
            let end = content.rowAfter(hole)
            try write(row..<end, of: page, to: pull)
            try declare(hole, in: pull)
            row = end
        }
        try write(row..<content.rows.upperBound, of: page, to: pull)
        if let end = content.end { pull.end = end }
        pull.next = content.isUnfinished ? content.next : max(pull.next, content.next)
    }

    private mutating func write(
        _ rows: Range<Int>, of page: borrowing Page, to pull: SequencePull
    ) throws {
        guard !rows.isEmpty else { return }
        try closeGap(of: pull)
        try writer.append(frames: page.frames(of: rows), count: rows.count)
        pull.records += Int64(rows.count)
        recordsWritten += Int64(rows.count)
        let last = try FrameView(firstIn: page.frames(of: (rows.upperBound - 1)..<rows.upperBound))
        counters.wrote(rows.count, last: last, isLive: rules.follows)
        pull.reached = page.lastEventTime(of: rows)
        for id in page.ids[rows] {
            let taken = pull.interval?.bucket(of: id) ?? id...id
            pull.done += UInt64(taken.count)
        }
    }

    /// Notes ids that will not come; those that touch become one gap record.
    private mutating func declare(_ hole: ClosedRange<Int64>, in pull: SequencePull) throws {
        if pull.interval != nil {
            pull.absent.insert(hole)
        } else {
            pull.missing.insert(hole)
        }
        pull.done += UInt64(hole.upperBound - hole.lowerBound) + 1
        pull.next = max(pull.next, hole.upperBound + 1)
        if let open = pull.openGap, open.upperBound + 1 == hole.lowerBound {
            pull.openGap = open.lowerBound...hole.upperBound
        } else {
            try closeGap(of: pull)
            pull.openGap = hole
            pull.openGapEvidence = pull.evidence
        }
    }

    /// Tells those downstream of the ids that will not come.
    mutating func closeGap(of pull: SequencePull) throws {
        guard let gap = pull.openGap else { return }
        pull.openGap = nil
        let unserved = Unserved(ids: gap, evidence: pull.openGapEvidence)
        if rules.defersUnserved { return pull.unserved.append(unserved) }
        try declare(unserved, of: pull)
    }

    /// Notes which request showed that ids do not come, and what was answered.
    private func noteEvidence(
        _ page: PageRequest, _ content: PageContent, of pull: SequencePull
    ) {
        let time = Timestamp.text(microseconds: Clock.realtimeNanoseconds() / 1000).prefix(19)
        let first = content.firstServed
        let times = page.shortReplies > 0 ? " (asked \(page.shortReplies + 1) times)" : ""
        let answer =
            first == .min ? "no row" : "\(Spoken.count(content.rows.count, "row")) from \(first) on"
        pull.evidence = "GET \(request(for: page, of: pull).url) \(time)Z: 200, \(answer)\(times)"
    }

    // MARK: - Reporting

    private mutating func report(in stage: borrowing Stage) {
        counters.update(client.counts, client.weight, breaker: client.breakerState)
        progress.update(pulls, client.weight, waitingFor: client.waitingFor, log: stage.log)
    }
}
