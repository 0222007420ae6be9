import Binance
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
        let baseURL: String
    }

    /// How long after its end a kline counts as final, µs: the venue may still be writing it.
    static let closingMargin: Int64 = 2_000_000
    /// Replies that must miss the same ids before they count as missing.
    static let confirmations = 3

    let rules: Rules
    private var client: VenueClient
    private var writer: FrameWriter
    private let feeds: [FeedBox]
    private var counters: PullCounters
    private var nextToken = 1
    private var badInARow = 0
    private var progress = Progress()

    init(
        rules: Rules, client: consuming VenueClient, writer: consuming FrameWriter,
        feeds: [FeedBox], counters: PullCounters
    ) {
        self.rules = rules
        self.client = client
        self.writer = writer
        self.feeds = feeds
        self.counters = counters
    }

    // MARK: - The loop

    /// Runs until every feed is finished or a signal came.
    mutating func run(in stage: borrowing Stage) throws {
        while !stage.isStopping {
            if try fillRequests() == false && feeds.allSatisfy({ $0.feed.isFinished }) { break }
            // A full pipe must not stall the sockets: replies under way are collected first.
            let canWrite = Descriptor.isWritable(1)
            let replies = try client.wait(
                timeout: canWrite ? 1 : 0.1, unless: stage.stopDescriptor,
                sends: canWrite || client.inFlight == 0)
            for reply in replies { try take(reply, in: stage) }
            report(in: stage)
            if canWrite || client.inFlight == 0 {
                for box in feeds { try write(box, in: stage) }
                try writer.flush()
                counters.publish(bytesOut: writer.bytesWritten)
            }
        }
        stage.enter(.draining)
        for box in feeds { try closeGap(of: box) }
        try writer.flush()
        counters.publish(bytesOut: writer.bytesWritten)
        progress.end(feeds, client.weight)
    }

    /// Queues requests up to the parallel limit, the feeds in turn.
    ///
    /// - Returns: true when something is outstanding.
    private mutating func fillRequests() throws -> Bool {
        var found = true
        while found && client.outstanding < rules.parallel {
            found = false
            for box in feeds where client.outstanding < rules.parallel {
                // Replies far ahead of the one that the output waits for would only fill memory.
                guard box.feed.pages.count < 2 * rules.parallel else { continue }
                if let share = box.feed.nextShare(token: nextToken, rows: rules.rows) {
                    nextToken += 1
                    ask(box, share)
                    found = true
                } else if rules.follows && box.feed.isFinished {
                    found = follow(box) || found
                }
            }
        }
        return client.outstanding > 0
    }

    /// Asks for what came after the last record.
    private mutating func follow(_ box: FeedBox) -> Bool {
        let next = box.feed.next
        guard next <= box.feed.end else { return false }
        let share = Feed.Share(token: nextToken, ids: next...box.feed.end, isOpen: true)
        nextToken += 1
        box.feed.shares.append(share)
        ask(box, share, after: box.feed.isIdle ? rules.pollInterval : 0)
        return true
    }

    private mutating func ask(_ box: FeedBox, _ share: Feed.Share, after pause: Double = 0) {
        let rows = "\(rules.rows)"
        let symbol = "\(box.feed.symbol)"
        let request: VenueClient.Request
        switch box.feed.endpoint {
        case .klines:
            let interval = box.feed.interval?.rawValue ?? ""
            request = VenueClient.Request(
                token: share.token, .klines, rows: rules.rows, base: rules.baseURL,
                [
                    "symbol": symbol, "interval": interval, "startTime": "\(share.ids.lowerBound)",
                    "endTime": "\(min(share.ids.upperBound, Self.farFuture))", "limit": rows,
                ])
        case .trades:
            request = VenueClient.Request(
                token: share.token, .trades, rows: rules.rows, base: rules.baseURL,
                ["symbol": symbol, "limit": rows])
        default:
            let count = share.ids.upperBound - share.ids.lowerBound
            request = VenueClient.Request(
                token: share.token, box.feed.endpoint, rows: rules.rows, base: rules.baseURL,
                [
                    "symbol": symbol, "fromId": "\(share.ids.lowerBound)",
                    "limit": count < rules.rows ? "\(count + 1)" : rows,
                ])
        }
        client.submit(request, after: pause)
    }

    /// The year 2200: a time that no venue refuses as too far.
    static let farFuture: Int64 = 7_258_118_400_000_000

    // MARK: - Replies

    private mutating func take(_ reply: VenueClient.Reply, in stage: borrowing Stage) throws {
        guard
            let box = feeds.first(where: { box in
                box.feed.shares.contains { $0.token == reply.token }
            }), let index = box.feed.shares.firstIndex(where: { $0.token == reply.token })
        else { return }
        let share = box.feed.shares[index]
        let subject = PageSubject(
            symbol: box.feed.symbol, interval: box.feed.interval, source: rules.source,
            ingestTime: reply.arrival, closedBefore: client.venueTime - Self.closingMargin)
        do throws(PageError) {
            let page = try Page.read(
                reply.body.span.bytes, isSBE: reply.isSBE, of: box.feed.endpoint, about: subject)
            if let first = page.ids.first, first < share.ids.lowerBound,
                box.feed.endpoint != .trades,
                box.feed.interval?.bucket(of: first).contains(share.ids.lowerBound) != true
            {
                throw PageError(
                    "id \(first) where none below \(share.ids.lowerBound) was asked for")
            }
            counters.took(page.count)
            box.feed.pages[reply.token] = PageBox(page)
            badInARow = 0
        } catch {
            badInARow += 1
            guard badInARow < rules.badReplies else {
                throw StageFailure(
                    .protocolBroken,
                    "\(box.feed.symbol) \(box.feed.endpoint.rawValue) from \(share.ids.lowerBound): "
                        + "\(badInARow) replies in a row that are not what the venue documents, "
                        + "the last one: \(error)")
            }
            counters.noteBadReply()
            stage.log.warning("a bad reply, asking again: \(error)")
            ask(box, share, after: 0.2 * Double(badInARow))
        }
    }

    // MARK: - Writing

    /// Writes the pages of a feed whose turn it is.
    private mutating func write(_ box: FeedBox, in stage: borrowing Stage) throws {
        while let share = box.feed.shares.first {
            if share.ids.upperBound < box.feed.servedFrom {
                // The venue has said before that it serves nothing this old.
                client.cancel { $0 == share.token }
                if let page = box.feed.pages.removeValue(forKey: share.token) {
                    counters.left(page.page.count)
                }
                box.feed.shares.removeFirst()
                try declare(share.ids, in: box)
                continue
            }
            guard let page = box.feed.pages.removeValue(forKey: share.token) else { return }
            let limit =
                box.feed.interval == nil || rules.includesOpen
                ? share.ids.upperBound
                : min(share.ids.upperBound, page.page.closedBefore - 1)
            let content = PageContent(
                page.page, asked: share.ids.lowerBound...max(share.ids.lowerBound, limit),
                isOpen: share.isOpen, interval: box.feed.interval,
                endTime: box.feed.endTime)
            if !content.holes.isEmpty && share.shortReplies + 1 < Self.confirmations
                && content.firstServed > box.feed.servedFrom
            {
                counters.left(page.page.count)
                box.feed.shares[0].shortReplies += 1
                ask(
                    box, box.feed.shares[0],
                    after: rules.lagPause * Double(share.shortReplies + 1))
                return
            }
            box.feed.shares.removeFirst()
            try write(content, of: page.page, to: box)
            counters.left(page.page.count - content.rows.count)
            if let first = content.holes.first, first.lowerBound == share.ids.lowerBound,
                content.firstServed != .min
            {
                box.feed.servedFrom = content.firstServed
            }
        }
    }

    private mutating func write(
        _ content: PageContent, of page: borrowing Page, to box: FeedBox
    ) throws {
        box.feed.isIdle = content.rows.isEmpty
        var row = content.rows.lowerBound
        for hole in content.holes {
            let end = content.rowAfter(hole)
            try write(row..<end, of: page, to: box)
            try declare(hole, in: box)
            row = end
        }
        try write(row..<content.rows.upperBound, of: page, to: box)
        if let end = content.end { box.feed.end = end }
        box.feed.next = content.isUnfinished ? content.next : max(box.feed.next, content.next)
    }

    private mutating func write(
        _ rows: Range<Int>, of page: borrowing Page, to box: FeedBox
    ) throws {
        guard !rows.isEmpty else { return }
        try closeGap(of: box)
        try writer.append(frames: page.frames(of: rows), count: rows.count)
        box.feed.records += Int64(rows.count)
        let last = try FrameView(firstIn: page.frames(of: (rows.upperBound - 1)..<rows.upperBound))
        counters.wrote(rows.count, last: last, isLive: rules.follows)
        box.feed.reached = page.lastEventTime(of: rows)
        for id in page.ids[rows] {
            let taken = box.feed.interval?.bucket(of: id) ?? id...id
            box.feed.done += UInt64(taken.count)
        }
    }

    /// Notes ids that will not come; those that touch become one gap record.
    private mutating func declare(_ hole: ClosedRange<Int64>, in box: FeedBox) throws {
        if box.feed.interval != nil {
            box.feed.absent.insert(hole)
        } else {
            box.feed.missing.insert(hole)
        }
        box.feed.done += UInt64(hole.upperBound - hole.lowerBound) + 1
        box.feed.next = max(box.feed.next, hole.upperBound + 1)
        if let open = box.feed.openGap, open.upperBound + 1 == hole.lowerBound {
            box.feed.openGap = open.lowerBound...hole.upperBound
        } else {
            try closeGap(of: box)
            box.feed.openGap = hole
        }
    }

    /// Tells those downstream of the ids that will not come.
    private mutating func closeGap(of box: FeedBox) throws {
        guard let gap = box.feed.openGap else { return }
        box.feed.openGap = nil
        let isAbsent = box.feed.interval != nil
        try writer.append(
            gap: gap, of: box.feed.sequence, reason: isAbsent ? .absent : .notServed,
            source: rules.source,
            eventTime: isAbsent ? gap.lowerBound : box.feed.placeInTime)
        counters.declared()
    }

    // MARK: - Reporting

    private mutating func report(in stage: borrowing Stage) {
        for notice in client.notices {
            if notice.isWarning {
                stage.log.warning(notice.text)
            } else {
                stage.log.info(notice.text)
            }
        }
        client.notices.removeAll()
        counters.update(client.counts, client.weight, breaker: client.breakerState)
        progress.update(feeds, client.weight, breaker: client.breakerState, log: stage.log)
    }
}
