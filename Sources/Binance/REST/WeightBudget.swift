/// How much request weight is left in the venue's current window.
///
/// The venue counts per IP and tells its count with each response; other programs on the same
/// address count too. So the budget is the larger of what the venue said last, plus what was sent
/// since, and what we sent ourselves. Windows are aligned to the venue's clock. A pure value:
/// times come from the caller, in ms of the venue's clock.
///
/// A budget that is spread gives a quarter of the limit at once and the rest little by little, so that at
/// any time of the window there is room for what others need from the same address: snapshots, repairs.
public struct WeightBudget: Sendable, Equatable {
    /// Weight that one window allows us.
    public private(set) var limit: Int
    /// Length of a window, ms.
    public private(set) var window: Int64
    /// Whether the weight is given out over the window.
    private let isSpread: Bool
    /// Weight used in the current window, as far as is known.
    public private(set) var used = 0
    /// Weight of requests that are under way.
    private var pending = 0
    private var windowStart: Int64 = .min

    /// A budget.
    ///
    /// - Parameters:
    ///   - limit: weight per window, at least 1.
    ///   - window: ms, at least 1; the venue's is one minute.
    ///   - isSpread: true gives the weight out over the window.
    public init(limit: Int, window: Int64 = 60_000, isSpread: Bool = false) {
        self.isSpread = isSpread
        self.limit = max(1, limit)
        self.window = max(1, window)
    }

    /// Takes weight for a request.
    ///
    /// - Returns: 0 when it may be sent now, else ms until it may, or until the next window. A request
    ///   that is heavier than the whole limit goes first in a fresh window rather than never.
    public mutating func take(_ weight: Int, at now: Int64) -> Int64 {
        roll(to: now)
        let total = used + pending
        let due = total == 0 ? windowStart : due(total + weight)
        guard due <= now else { return due - now }
        pending += weight
        return 0
    }

    /// When a window may have given out so much, ms: a quarter is there at once, all after nine tenths of
    /// it.
    private func due(_ total: Int) -> Int64 {
        let end = windowStart + window
        guard total <= limit else { return end }
        let atOnce = limit / 4
        guard isSpread, total > atOnce else { return windowStart }
        let share = Double(total - atOnce) / Double(limit - atOnce)
        return min(end, windowStart + Int64((share * Double(window) * 0.9).rounded(.up)))
    }

    /// Gives weight back for a request that is not sent after all.
    public mutating func giveBack(_ weight: Int) { pending = max(0, pending - weight) }

    /// Notes the end of a request.
    ///
    /// - Parameters:
    ///   - weight: what ``take(_:at:)`` took for it.
    ///   - reported: the venue's count for this window; nil when it sent none.
    public mutating func settle(_ weight: Int, reported: Int?, at now: Int64) {
        roll(to: now)
        pending = max(0, pending - weight)
        used = max(used + weight, reported ?? 0)
        // Requests still under way may be in the venue's number already; counting them twice for a
        // moment errs on the safe side.
    }

    private mutating func roll(to now: Int64) {
        let start = now - (now % window + window) % window
        guard start != windowStart else { return }
        // A clock that steps back a little must not open a second window.
        guard start > windowStart else { return }
        windowStart = start
        used = 0
    }
}
