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
        /// Requests under way at once; nil for as many as the weight allows.
        let parallel: Int?
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

    /// Where records and gap records go.
    var output: PullOutput
    private let rules: Rules
    private var client: VenueClient
    private var pulls: [SequencePull]
    private var nextToken = 1
    private var badInARow = 0
    private var progress = Progress()
    private var parallel: Parallelism

    init(
        rules: Rules, client: consuming VenueClient, writer: consuming FrameWriter,
        pulls: [SequencePull], counters: PullCounters
    ) {
        self.rules = rules
        parallel = Parallelism(fixed: rules.parallel)
        self.client = client
        self.pulls = pulls
        output = PullOutput(rules: rules, writer: writer, counters: counters)
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
        let isFull = client.outstanding >= parallel.count
        // A full pipe must not stall the sockets: replies under way are collected first.
        let canWrite = Descriptor.isWritable(1)
        // What is known to be served no more waits for no reply.
        let isReady = pulls.contains(where: \.hasUnservedRequest)
        let replies = try client.wait(
            timeout: !canWrite ? 0.1 : isReady ? 0 : 1, unless: stage.stopDescriptor,
            sends: canWrite || client.inFlight == 0)
        parallel.note(isFull: isFull, isHeld: client.isHeld, at: Clock.monotonicNanoseconds())
        for reply in replies { try take(reply, in: stage) }
        report(in: stage)
        if canWrite || client.inFlight == 0 {
            for pull in pulls { try write(pull) }
            try output.flush()
        }
        return true
    }

    /// Writes what is left to write.
    mutating func end(in stage: borrowing Stage) throws {
        stage.enter(.draining)
        for pull in pulls { try output.closeGap(of: pull) }
        try output.flush()
        progress.end(pulls, client.weight)
    }

    /// Adds a sequence.
    mutating func add(_ pull: SequencePull) { pulls.append(pull) }

    /// Hands over what the venue does not serve of sequences of which nothing is under way.
    mutating func closeGaps() throws {
        for pull in pulls where pull.isFinished { try output.closeGap(of: pull) }
    }

    // MARK: - Asking

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
        } catch let failure {
            guard [.notPermitted, .unavailable, .refused].contains(failure.cause),
                failure.status != 451
            else { throw failure }
            return "\(failure)"
        }
    }

    /// Queues requests up to the parallel limit, the pulls in turn.
    ///
    /// - Returns: true when something is outstanding.
    private mutating func fillRequests() throws -> Bool {
        var found = true
        while found && client.outstanding < parallel.count {
            found = false
            for pull in pulls where client.outstanding < parallel.count {
                // Replies far ahead of the one that the output waits for would only fill memory.
                guard pull.pages.count < 2 * parallel.count else { continue }
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
        client.submit(
            pull.request(for: page, rows: rules.rows, base: rules.baseURL), after: pause)
    }

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
                    "id \(first) where ids from \(request.ids.lowerBound) on were requested")
            }
            output.counters.took(page.count)
            note(page.unkept, of: pull, stage.log)
            pull.pages[reply.token] = PageBox(page)
            badInARow = 0
        } catch {
            badInARow += 1
            guard badInARow < rules.badReplies else {
                throw StageFailure(
                    .protocolBroken,
                    "\(pull.symbol) \(pull.endpoint.rawValue) from \(request.ids.lowerBound): "
                        + "\(badInARow) consecutive replies that do not match the venue's documentation, "
                        + "the last one: \(error)")
            }
            output.counters.noteBadReply()
            stage.log.warning(
                "invalid reply, asking again: \(error)", cause: "venue_unreadable")
            ask(pull, request, after: 0.2 * Double(badInARow))
        }
    }

    /// Tells of rows that no record can hold; their ids are declared missing.
    private func note(
        _ unkept: [(id: Int64, reason: String)], of pull: SequencePull, _ log: Log
    ) {
        for (id, reason) in unkept
        where pull.unkept.insert(pull.interval?.bucket(of: id) ?? id...id) {
            guard pull.unkeptReasons.count < Self.maximumUnkept else { continue }
            pull.unkeptReasons[id] = reason
            log.error(
                "a row does not fit a record: its id is declared missing",
                ["symbol": "\(pull.symbol)", "id": "\(id)", "reason": "\(reason)"],
                cause: "row_not_kept")
        }
    }

    // MARK: - Writing

    /// Writes the pages of a sequence whose turn it is.
    private mutating func write(_ pull: SequencePull) throws {
        while let request = pull.requests.first {
            if request.ids.upperBound < pull.servedFrom {
                // The venue has said before that it serves nothing this old.
                client.cancel { $0 == request.token }
                if let page = pull.pages.removeValue(forKey: request.token) {
                    output.counters.left(page.page.count)
                }
                pull.requests.removeFirst()
                try output.declare(request.ids, in: pull)
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
                output.counters.left(page.page.count)
                pull.requests[0].shortReplies += 1
                ask(
                    pull, pull.requests[0],
                    after: rules.lagPause * Double(request.shortReplies + 1))
                return
            }
            pull.requests.removeFirst()
            if !content.holes.isEmpty { noteEvidence(request, content, of: pull) }
            try output.write(content, of: page.page, to: pull)
            output.counters.left(page.page.count - content.rows.count)
            if let first = content.holes.first, first.lowerBound == request.ids.lowerBound,
                content.firstServed != .min
            {
                pull.servedFrom = content.firstServed
            }
        }
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
        let url = pull.request(for: page, rows: rules.rows, base: rules.baseURL).url
        pull.evidence = "GET \(url) \(time)Z: 200, \(answer)\(times)"
    }

    // MARK: - Reporting

    private mutating func report(in stage: borrowing Stage) {
        output.counters.update(client.counts, client.weight, breaker: client.breakerState)
        progress.update(pulls, client.weight, waitingFor: client.waitingFor, log: stage.log)
    }
}
