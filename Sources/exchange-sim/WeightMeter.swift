/// Counts request weight as the venue does: per window of the clock, then 429, then a ban.
struct WeightMeter {
    /// What a request gets.
    enum Verdict: Equatable {
        /// It passes; the weight used so far, this one included.
        case passes(used: Int)
        /// 429 with seconds until the next window.
        case limited(retryAfter: Int)
        /// 418 with seconds until the ban ends.
        case banned(retryAfter: Int)
    }

    /// Weight that a window allows.
    var limit: Int
    /// Length of a window, ms.
    let window: Int64
    /// Requests that may ignore a 429 before the ban.
    private static let patience = 10
    /// The first ban, ms; each later one is twice as long.
    private static let firstBan: Int64 = 2000
    private var windowStart: Int64 = 0
    private(set) var used = 0
    private var ignored = 0
    private var bannedUntil: Int64 = 0
    private var bans = 0

    init(limit: Int, window: Int64) {
        self.limit = limit
        self.window = window
    }

    /// Weighs a request that came at a time, ms since the epoch.
    mutating func weigh(_ weight: Int, at now: Int64) -> Verdict {
        if now < bannedUntil { return .banned(retryAfter: Self.seconds(bannedUntil - now)) }
        let start = now - now % window
        if start != windowStart {
            windowStart = start
            used = 0
            ignored = 0
        }
        used += weight
        guard used > limit else { return .passes(used: used) }
        ignored += 1
        guard ignored > Self.patience else {
            return .limited(retryAfter: Self.seconds(start + window - now))
        }
        bannedUntil = now + Self.firstBan << Int64(min(bans, 10))
        bans += 1
        return .banned(retryAfter: Self.seconds(bannedUntil - now))
    }

    /// Whole seconds, rounded up as the venue does.
    private static func seconds(_ milliseconds: Int64) -> Int { Int((milliseconds + 999) / 1000) }
}
