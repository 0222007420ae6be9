import Encoding
import Testing

/// Numbers and times as people say and type them.
struct SpokenTests {
    @Test(arguments: [
        (-1, "0 s"), (0, "0 s"), (Double.nan, "0 s"), (0.000_01, "1 ms"), (0.0354, "35 ms"),
        (0.1, "0.1 s"), (0.787_447_6, "0.8 s"), (1, "1 s"), (1.25, "1.3 s"), (9.96, "10 s"),
        (14, "14 s"), (59.6, "1 min"), (60, "1 min"), (200, "3 min 20 s"), (3600, "1 h"),
        (7500, "2 h 5 min"), (86_400, "1 d"), (273_700, "3 d 4 h"), (1e300, "11574074 d 1 h"),
    ])
    func `a duration has the digits that a reader needs`(seconds: Double, text: String) {
        #expect(Spoken.seconds(seconds) == text)
    }

    @Test func `a count agrees with its noun`() {
        #expect(Spoken.count(0, "record") == "0 records")
        #expect(Spoken.count(1, "record") == "1 record")
        #expect(Spoken.count(Int64.max, "record") == "9223372036854775807 records")
        #expect(Spoken.count(1, "object is", plural: "objects are") == "1 object is")
        #expect(Spoken.count(3, "object is", plural: "objects are") == "3 objects are")
    }

    /// 2024-01-31T12:34:56.789Z, µs.
    private static let now: Int64 = 1_706_704_496_789_000

    @Test(arguments: [
        ("now", "2024-01-31T12:34:56.789000Z"), ("NOW", "2024-01-31T12:34:56.789000Z"),
        ("today", "2024-01-31T00:00:00.000000Z"), ("yesterday", "2024-01-30T00:00:00.000000Z"),
        ("-1d", "2024-01-30T12:34:56.789000Z"), ("-90m", "2024-01-31T11:04:56.789000Z"),
        ("-2w", "2024-01-17T12:34:56.789000Z"), ("-0s", "2024-01-31T12:34:56.789000Z"),
        ("2024-01-01", "2024-01-01T00:00:00.000000Z"),
        ("2024-01-01 00:00", "2024-01-01T00:00:00.000000Z"),
        ("2024-01-01 23:59:59.5Z", "2024-01-01T23:59:59.500000Z"),
        ("2024-01-01T02:00+02:00", "2024-01-01T00:00:00.000000Z"),
        ("2024-01-01 00:00:00-0330", "2024-01-01T03:30:00.000000Z"),
    ])
    func `a time may be typed as people write it`(text: String, time: String) throws {
        let found = try #require(Timestamp.typed(text, now: Self.now), "\(text)")
        #expect(Timestamp.text(microseconds: found) == time)
    }

    @Test(arguments: [
        "", "-", "-d", "-1", "--1d", "-1y", "-1.5h", "-99999999999999999999d",
        "-9223372036854775807w",
        "tomorrow", "2024-13-01", "2024-01-01T00:00Z+02:00", "2024-01-01T00:00+25:00",
        "2024-01-01T00:00+2", "2024-01-01 00:00 01", "1h", "2024-01-01+02:00", "+02:00",
    ])
    func `anything else is no time`(text: String) {
        #expect(Timestamp.typed(text, now: Self.now) == nil)
    }

    @Test(
        arguments: [
            (0, 100, "0"), (5, 0, "0"), (1, 1_000_000, "1"), (1, 4_000_000, "0.25"),
            (1, 2_000_000, "0.5"), (1, 50_000_000, "0.02"), (1, 1_000_000_000, "<0.01"),
            (125, 10_000_000, "12.5"), (9999, 100_000_000, "99.99"), (3, 1000, "3000"),
            (7, 7, "1000000"), (UInt64.max, UInt64.max, "1000000"),
        ] as [(UInt64, UInt64, String)])
    func `a rate of a million has the digits that a reader needs`(
        count: UInt64, all: UInt64, text: String
    ) {
        #expect(Spoken.perMillion(count, of: all) == text)
    }
}
