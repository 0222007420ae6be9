import Binance
import Posix
import Records
import Stage
import Stats
import Transport

/// Fetches snapshots of books over REST beside the streams, one at a time.
struct BookSnapshots: ~Copyable {
    /// Levels of a snapshot: as many as the venue gives.
    private static let levels = 5000

    private var client: VenueClient
    private let base: String
    /// Of one book: its symbol may be gone.
    private let backoff = Backoff(base: 1, cap: 60)
    /// Of all books: a venue that just failed is not asked for the next one at once.
    private let pauses = Backoff(base: 0.5, cap: 15)
    private var failuresInARow = 0
    /// Nothing is asked before it, ns.
    private var notBefore: Int64 = 0
    /// The stream whose snapshot is on its way.
    private var place: Int?
    /// Tells the request that is on its way from those before it: a book does not say whose it is.
    private var token = 0

    init(_ options: VenueClient.Options, log: Log) throws {
        base = options.baseURL
        do throws(TransportError) { client = try VenueClient(options) } catch {
            throw StageFailure(.configuration, "\(error)")
        }
        client.report = { if $0.isWarning { log.warning($0.text) } }
    }

    /// True while an answer is expected.
    var isBusy: Bool { place != nil }

    /// Goes on as far as it goes without waiting.
    mutating func step(
        _ merge: inout StreamMerge, _ output: inout MergeOutput, at time: Int64, log: Log,
        failures: Counter
    ) {
        if place == nil, time >= notBefore, let wanted = merge.snapshotWanted(at: time, for: output)
        {
            place = wanted
            merge.snapshotRequested(wanted)
            token += 1
            let symbol = merge.streams[wanted].sequence.subscription.symbol
            client.submit(
                VenueClient.Request(
                    token: token, .depth, rows: Self.levels, base: base,
                    ["symbol": "\(symbol)", "limit": "\(Self.levels)"]))
        }
        guard let place else { return }
        let symbol = "\(merge.streams[place].sequence.subscription.symbol)"
        do throws(VenueFailure) {
            let replies = try client.wait(timeout: 0, unless: -1)
            for reply in replies where reply.token == token {
                take(reply, for: place, &merge, &output, log: log, failures: failures)
            }
        } catch {
            self.place = nil
            client.cancel { _ in true }
            failures.add()
            pause(at: time)
            // A wrong certificate can be a proxy's, and gone in an hour; only the venue's own no is
            // final.
            let isFinal = error.cause == .refused
            let tries = merge.snapshotFailed(
                place, at: time, later: isFinal ? nil : 0, into: &output)
            if !isFinal {
                let pause = Int64(max(0.1, backoff.delay(attempt: tries)) * 1e9)
                merge.snapshotFailed(place, at: time, later: pause, into: &output)
            }
            warn(of: symbol, "\(error)", log)
        }
    }

    private mutating func take(
        _ reply: VenueClient.Reply, for place: Int, _ merge: inout StreamMerge,
        _ output: inout MergeOutput, log: Log,
        failures: Counter
    ) {
        self.place = nil
        let symbol = merge.streams[place].sequence.subscription.symbol
        let now = Clock.realtimeNanoseconds()
        do throws(PageError) {
            let page = try Page.read(
                reply.body.span.bytes, isSBE: reply.isSBE, of: .depth,
                about: PageSubject(symbol: symbol, ingestTime: reply.arrival))
            if let lost = page.unkept.first { throw PageError(lost.reason) }
            guard page.count == 1 else { throw PageError("no book in the reply") }
            failuresInARow = 0
            if merge.snapshotArrived(
                place, id: page.ids[0], frame: page.frames(of: 0..<1), into: &output)
            {
                log.info(
                    "snapshot of a book", ["symbol": "\(symbol)", "update_id": "\(page.ids[0])"])
            } else {
                // The venue's procedure: it is older than the first change, so ask again.
                merge.snapshotFailed(place, at: now, later: 100_000_000, into: &output)
                log.debug("a snapshot is too old", ["symbol": "\(symbol)"])
            }
        } catch {
            failures.add()
            pause(at: now)
            merge.snapshotFailed(place, at: now, later: 1_000_000_000, into: &output)
            warn(of: "\(symbol)", "\(error)", log)
        }
    }

    private mutating func pause(at time: Int64) {
        failuresInARow += 1
        notBefore = time + Int64(max(0.1, pauses.delay(attempt: failuresInARow)) * 1e9)
    }

    private func warn(of symbol: String, _ reason: String, _ log: Log) {
        log.warning(
            "no snapshot of a book", ["symbol": "\(symbol)", "reason": "\(reason)"],
            cause: "no_snapshot")
    }
}
