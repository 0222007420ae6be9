import Encoding
import Identity
import Records
import Stage

/// Where a record's object belongs: venue, kind, symbol, and the hour of its event time, UTC.
struct Partition: Hashable {
    let sequence: SequenceID
    /// Hours since the epoch; nil for an event time that cannot be right.
    let hour: Int64?

    /// What Hive calls a partition whose value is not known.
    private static let unknown = "__HIVE_DEFAULT_PARTITION__"

    /// The path below the destination, in Hive form, without slashes at its ends.
    var path: String {
        let kind = RecordKind.name(template: sequence.template)
        let date = hour.map { Timestamp.date(microseconds: $0 * 3600 * Timestamp.second) }
        let clock = hour.map { hour in
            let value = Timestamp.hour(microseconds: hour * 3600 * Timestamp.second)
            return value < 10 ? "0\(value)" : "\(value)"
        }
        // A symbol comes from outside: what could leave its directory, or what keys do not like, is
        // percent-encoded, as Hive does.
        let symbol = "\(sequence.symbol)".percentEncoded(keeping: "-_")
        return "venue=\(Self.venue(sequence.venue))/kind=\(kind)/symbol=\(symbol)"
            + "/date=\(date ?? Self.unknown)/hour=\(clock ?? Self.unknown)"
    }

    private static func venue(_ code: UInt8) -> String { code == 1 ? "binance" : "venue-\(code)" }
}

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
