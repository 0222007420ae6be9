/// Tells which event times can be right.
struct EventTimes {
    /// The venue opened in July 2017; nothing is older.
    private static let earliest: Int64 = 1_483_228_800_000_000  // 2017-01-01T00:00:00Z
    /// How far ahead of the clock a time may be, µs.
    let lateness: Int64

    /// False for a time far out of the possible.
    func canBe(_ time: Int64, now: Int64) -> Bool {
        time >= Self.earliest && time.subtractingReportingOverflow(lateness).partialValue <= now
    }
}
