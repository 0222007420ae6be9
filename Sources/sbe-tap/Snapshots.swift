import Binance
import Posix
import Records
import Stage
import Stats
import Transport

/// Fetches snapshots of books over REST beside the streams, one at a time.
struct Snapshots: ~Copyable {
    /// Levels of a snapshot: as many as the venue gives.
    private static let levels = 5000

    private var client: VenueClient
    private let base: String
    private let backoff = Backoff(base: 1, cap: 60)
    /// The stream whose snapshot is on its way.
    private var place: Int?

    init(_ options: VenueClient.Options) throws {
        base = options.baseURL
        do throws(TransportError) { client = try VenueClient(options) } catch {
            throw StageFailure(.configuration, "\(error)")
        }
    }

    /// True while an answer is expected.
    var isBusy: Bool { place != nil }

    /// Goes on as far as it goes without waiting.
    mutating func step(
        _ merge: inout StreamMerge, at time: Int64, log: Log, failures: Counter
    ) {
        if place == nil, let wanted = merge.snapshotWanted(at: time) {
            place = wanted
            merge.snapshotRequested(wanted)
            let symbol = merge.sequences[wanted].subscription.symbol
            client.submit(
                VenueClient.Request(
                    .depth, rows: Self.levels, base: base,
                    ["symbol": "\(symbol)", "limit": "\(Self.levels)"]))
        }
        guard let place else { return }
        let symbol = "\(merge.sequences[place].subscription.symbol)"
        do throws(VenueFailure) {
            let replies = try client.wait(timeout: 0, unless: -1)
            for reply in replies { take(reply, for: place, &merge, log: log, failures: failures) }
        } catch {
            self.place = nil
            failures.add()
            // A wrong certificate can be a proxy's, and gone in an hour; only the venue's own no is
            // final.
            let isFinal = error.cause == .refused
            let tries = merge.snapshotFailed(place, at: time, later: isFinal ? nil : 0)
            if !isFinal {
                let pause = Int64(max(0.1, backoff.delay(attempt: tries)) * 1e9)
                merge.snapshotFailed(place, at: time, later: pause)
            }
            log.warning("no snapshot of a book", ["symbol": symbol, "reason": "\(error)"])
        }
        for notice in client.notices where notice.isWarning {
            log.warning(notice.text, ["symbol": symbol])
        }
        client.notices.removeAll()
    }

    private mutating func take(
        _ reply: VenueClient.Reply, for place: Int, _ merge: inout StreamMerge, log: Log,
        failures: Counter
    ) {
        self.place = nil
        let symbol = merge.sequences[place].subscription.symbol
        let now = Clock.realtimeNanoseconds()
        do throws(PageError) {
            let page = try Page.read(
                reply.body.span.bytes, isSBE: reply.isSBE, of: .depth,
                about: PageSubject(symbol: symbol, ingestTime: reply.arrival))
            guard page.count == 1 else { throw PageError("no book in the reply") }
            if merge.snapshotArrived(place, id: page.ids[0], frame: page.frames(of: 0..<1)) {
                log.info(
                    "snapshot of a book", ["symbol": "\(symbol)", "update_id": "\(page.ids[0])"])
            } else {
                // The venue's procedure: it is older than the first change, so ask again.
                merge.snapshotFailed(place, at: now, later: 100_000_000)
                log.debug("a snapshot is too old", ["symbol": "\(symbol)"])
            }
        } catch {
            failures.add()
            merge.snapshotFailed(place, at: now, later: 1_000_000_000)
            log.warning("no snapshot of a book", ["symbol": "\(symbol)", "reason": "\(error)"])
        }
    }
}
