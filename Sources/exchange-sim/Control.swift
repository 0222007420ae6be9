/// The port through which a test bends the venue while it runs.
enum Control {
    /// Answers `POST /faults`, `/next`, `/market`, `/archive`, `/reset` and `GET /stats`.
    static func answer(
        _ query: Query, isPost: Bool, _ venue: inout Venue, _ clock: MarketClock
    ) -> Reply {
        switch (query.path, isPost) {
        case ("/stats", false):
            let rows = venue.requests.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }
            return .json("{\(rows.joined(separator: ","))}\n")
        case ("/reset", true): venue.reset()
        case ("/faults", true):
            if let rate = query["rate"] {
                guard let rate = Double(rate), (0...1).contains(rate) else { return bad("rate") }
                venue.faults.rate = rate
            }
            if let kinds = query["kinds"] {
                guard let kinds = try? ExchangeSim.kinds(kinds) else { return bad("kinds") }
                venue.faults.kinds = kinds
            }
            if let delay = query["delay"] {
                guard let delay = Double(delay), delay >= 0 else { return bad("delay") }
                venue.faults.delay = delay
            }
        case ("/next", true):
            guard let kinds = try? ExchangeSim.kinds(query["fault"] ?? ""), !kinds.isEmpty else {
                return bad("fault")
            }
            if let retryAfter = query["retryAfter"] {
                guard let seconds = Int(retryAfter), (0...86_400) ~= seconds else {
                    return bad("retryAfter")
                }
                venue.faults.retryAfter = seconds
            }
            if let endpoint = query["endpoint"] {
                venue.faults.queues[endpoint, default: []] += kinds
            } else {
                venue.faults.queue += kinds
            }
        case ("/market", true):
            if let newest = query["newest"] {
                guard let newest = Int64(newest) else { return bad("newest") }
                clock.pin(newest)
            }
            if let oldest = query["oldest"] {
                guard let oldest = Int64(oldest) else { return bad("oldest") }
                venue.options.oldestID = oldest
            }
        case ("/archive", true):
            guard let file = query["file"], !file.isEmpty else { return bad("file") }
            guard let text = query["defect"], text != "none" else {
                venue.archive.spoil(file, nil)
                break
            }
            guard let defect = Archive.Defect(rawValue: text) else { return bad("defect") }
            venue.archive.spoil(file, defect)
        default: return .json("{\"error\":\"no such path\"}\n", status: 404)
        }
        return .json("{}\n")
    }

    private static func bad(_ name: String) -> Reply {
        .json("{\"error\":\"\(name) is not valid\"}\n", status: 400)
    }
}
