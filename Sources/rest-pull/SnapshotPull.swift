import Binance
import Identity
import Posix
import Records
import Stage
import Stats

/// Writes one snapshot of each book, again and again with `--follow`.
struct SnapshotPull {
    let options: PullOptions

    func run(
        _ client: inout VenueClient, _ writer: consuming FrameWriter, in stage: borrowing Stage
    ) throws {
        var counters = PullCounters(stage)
        stage.enter(.running)
        var lacking: [String] = []
        while true {
            lacking = []
            for symbol in options.symbols {
                guard
                    let box = try snapshot(of: symbol, &client, stage.stopDescriptor)
                else { return }
                counters.took(box.page.count)
                for (id, reason) in box.page.unkept {
                    stage.log.error(
                        "a snapshot does not fit a record",
                        ["symbol": "\(symbol)", "update_id": "\(id)", "reason": "\(reason)"],
                        cause: "row_not_kept")
                    lacking.append("\(symbol): \(reason)")
                }
                if box.page.count > 0 { try append(box.page, to: &writer, &counters) }
            }
            try writer.flush()
            counters.update(client.counts, client.weight, breaker: client.breakerState)
            counters.publish(bytesOut: writer.bytesWritten)
            guard options.rules.follows, !stage.waitForStop(seconds: options.rules.pollInterval)
            else { break }
        }
        guard lacking.isEmpty || options.rules.follows else {
            throw StageFailure(
                .unavailable, "no usable snapshot: \(lacking.joined(separator: "; "))")
        }
    }

    private func append(
        _ page: borrowing Page, to writer: inout FrameWriter, _ counters: inout PullCounters
    ) throws {
        try writer.append(frames: page.frames(of: 0..<page.count), count: page.count)
        let last = try FrameView(firstIn: page.frames(of: 0..<page.count))
        counters.wrote(page.count, last: last, isLive: true)
    }

    /// - Returns: nil when a signal came first.
    private func snapshot(
        of symbol: SymbolName, _ client: inout VenueClient, _ stop: Int32
    ) throws(VenueFailure) -> PageBox? {
        let request = VenueClient.Request(
            .depth, rows: options.levels, base: options.venue.baseURL,
            ["symbol": "\(symbol)", "limit": "\(options.levels)"])
        return try client.fetch(request, unless: stop) { reply throws(PageError) in
            let subject = PageSubject(
                symbol: symbol, source: options.rules.source, ingestTime: reply.arrival)
            return PageBox(
                try Page.read(
                    reply.body.span.bytes, isSBE: reply.isSBE, of: .depth, about: subject))
        }
    }
}
