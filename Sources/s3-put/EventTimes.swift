import Encoding

/// Tells which event times can be right.
struct EventTimes {
    /// The venue opened in July 2017; nothing is older.
    private static let earliest: Int64 = 1_483_228_800_000_000  // 2017-01-01T00:00:00Z
    /// How far ahead of the clock a time may be, µs.
    let lateness: Int64

    /// Hours since the epoch; nil for a time far out of the possible.
    func hour(of time: Int64, now: Int64) -> Int64? {
        guard time >= Self.earliest, time <= now + lateness else { return nil }
        return Timestamp.floor(time, by: 3600 * Timestamp.second)
    }
}
