import Stats

/// The delays of the last minutes, where a histogram of a stats file is of all since the start: a
/// pause of hours ago must not look like one of now.
struct RecentDelays {
    /// Between two readings that are remembered, ns: what is shown is of the last 5 to 10 minutes.
    static let step: Int64 = 300_000_000_000
    /// Histograms of a stage that are followed; each takes 4.4 kB.
    private static let most = 12

    private var older: [Int: [UInt64]] = [:]
    private var newer: [Int: [UInt64]] = [:]
    private var newerTime = Int64.min
    private(set) var delays: [Delay] = []

    mutating func take(_ metrics: [StatsSnapshot.Metric], now: Int64) {
        let places = metrics.indices.filter { metrics[$0].kind == .histogram }.prefix(Self.most)
        if newerTime == .min || now - newerTime >= Self.step {
            older = newerTime == .min ? [:] : newer
            newerTime = now
            newer = [:]
            for place in places { newer[place] = Array(metrics[place].buckets) }
        }
        delays = metrics.indices.compactMap { place in
            guard metrics[place].kind == .histogram else { return nil }
            guard let before = older[place], before.count == metrics[place].buckets.count else {
                return Delay(metrics[place], metrics[place].buckets)
            }
            let recent = zip(metrics[place].buckets, before).map { $0 &- min($0, $1) }
            return Delay(metrics[place], recent[...])
        }
    }
}
