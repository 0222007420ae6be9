import Identity
import TestSupport
import Testing

/// Records of a wrong clock in a bucket: `ledgerctl verify --day` may not lose ids over them.
struct WrongTimeTests {
    private static let day: Int64 = 86_400_000_000

    /// Trades of two days, ten an hour, of which the first day lacks 100 to 119.
    ///
    /// - Parameter wrong: id of the one with another time, and that time.
    private static func bucket(wrong: Int64, at time: Int64) throws -> S3PutRun {
        let run = try S3PutRun()
        var records: [UInt8] = []
        for id in Int64(1)...480 where !(100...119).contains(id) {
            let place = Sample.start + (id - 1) * day / 240
            records += try Sample.frame(.trade, id...id, at: id == wrong ? time : place)
        }
        let outcome = try run.put(records)
        try #require(outcome.status == 0, "\(outcome.errors)")
        return run
    }

    private static func verify(_ run: S3PutRun, _ more: [String]) throws -> Program.Outcome {
        try Program.run(
            "ledgerctl",
            ["verify", "file://" + run.data, "--symbol", "BTCUSDT", "--kind", "trade"] + more)
    }

    /// Ids early, in the middle and late; times that cannot be right, and some that could be.
    private static let cases: [(id: Int64, time: Int64)] = [
        (50, Sample.start + 600 * 365 * day), (50, 0), (50, Sample.start + day + 1),
        (200, Sample.start - 400 * day), (200, 1), (3, Sample.start + 40 * day),
        (400, Sample.start - 30 * day), (400, Int64.max), (130, Int64.min),
    ]

    @Test(arguments: cases.indices)
    func `a day with missing ids is not whole because a record has a wrong time`(index: Int) throws
    {
        let (id, time) = Self.cases[index]
        let run = try Self.bucket(wrong: id, at: time)
        let first = try Self.verify(run, ["--day", "2024-01-01"])
        #expect(first.status == 1, "\(id) at \(time): \(first.text)")
        #expect(first.text.contains("missing   100 to 119"), "\(id) at \(time): \(first.text)")
        let all = try Self.verify(run, [])
        #expect(all.status == 1 && all.text.contains("1 hole"), "\(all.text)")
    }

    @Test func `the times around a hole are in order, also within one object`() throws {
        let run = try S3PutRun()
        var records: [UInt8] = []
        for id in Int64(1)...20 where id != 7 {
            records += try Sample.frame(.trade, id...id, at: Sample.start + id * 1_000_000)
        }
        #expect(try run.put(records).status == 0)
        let outcome = try Self.verify(run, [])
        #expect(
            outcome.text.contains(
                "missing   7 to 7 (2024-01-01T00:00:01.000000Z to 2024-01-01T00:00:20.000000Z)"),
            "\(outcome.text)")
    }

    @Test func `quotes of a wrong clock make no day observed`() throws {
        let run = try S3PutRun()
        let quotes =
            try Sample.frame(.bestBidAsk, 10...10, at: Sample.start)
            + Sample.frame(.bestBidAsk, 20...20, at: Sample.start + 600 * 365 * Self.day)
        #expect(try run.put(quotes).status == 0)
        // A second reading, two days later: what was between the two nobody saw.
        let later = try Sample.frame(.bestBidAsk, 90...90, at: Sample.start + 2 * Self.day)
        #expect(try run.put(later).status == 0)
        let outcome = try Program.run(
            "ledgerctl",
            ["verify", "file://" + run.data, "--kind", "bestBidAsk", "--day", "2024-01-02"])
        #expect(outcome.status == 1, "\(outcome.text)")
        #expect(!outcome.text.contains("observed without interruption"), "\(outcome.text)")
        let report = try Program.run("ledgerctl", ["report", "file://" + run.data])
        #expect(!report.text.contains("2024-02"), "\(report.text.prefix(400))")
    }
}
