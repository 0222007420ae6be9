import Posix
import Stats

/// What a source counts of one symbol and kind.
public struct StreamView: Sendable, Equatable {
    /// The id of the stage.
    public let stage: String
    /// Such as `BTCUSDT`.
    public let symbol: String
    /// Such as `trade`.
    public let kind: String
    /// Records since the stage started.
    public let records: Int64
    /// Per second, over the last 10 to 20 seconds.
    public let rate: Double
    /// Seconds since healthd saw the count move; since it began to look where it never did.
    public let age: Double
}

/// A counter by symbol and kind, from reading to reading.
struct StreamFlow {
    let symbol: String
    let kind: String
    private var value: Int64
    private var changedAt: Int64
    /// Two earlier readings; the older one is 10 to 20 s old.
    private var older: (time: Int64, value: Int64)
    private var newer: (time: Int64, value: Int64)

    /// Between those, ns.
    private static let step: Int64 = 10_000_000_000

    /// - Returns: nil for a metric that is not of a symbol and a kind.
    init?(_ metric: StatsSnapshot.Metric, now: Int64) {
        let labels = LabelSet(parsing: metric.labels)
        guard let symbol = labels["symbol"], let kind = labels["stream"] else { return nil }
        self.symbol = symbol
        self.kind = kind
        value = metric.value
        changedAt = now
        older = (now, metric.value)
        newer = older
    }

    mutating func take(_ value: Int64, now: Int64) {
        if value != self.value { changedAt = now }
        self.value = value
        if now - newer.time >= Self.step {
            older = newer
            newer = (now, value)
        }
    }

    func view(stage: String, now: Int64) -> StreamView {
        let seconds = Double(now - older.time) / 1e9
        let count = max(0, Double(value) - Double(older.value))
        return StreamView(
            stage: stage, symbol: symbol, kind: kind, records: value,
            rate: seconds > 0 ? count / seconds : 0, age: Double(now - changedAt) / 1e9)
    }
}
