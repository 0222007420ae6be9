import Foundation
import Identity
import Records
import TestSupport
import Testing

/// What s3-put stores and what it refuses, as a user sees it.
struct ObjectTests {
    private static let hour: Int64 = 3_600_000_000

    // MARK: - Names

    @Test func `books of two depths with the same id are two objects`() throws {
        let run = try S3PutRun()
        let records = try [UInt16(0), 20].flatMap {
            try Sample.frame(.depthSnapshot, 1000...1000, series: $0)
        }
        for _ in 0..<2 {
            let outcome = try run.put(records)
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        #expect(
            run.keys.map { $0.split(separator: "/").last ?? "" }
                == ["000000001000-000000001000.sbe", "s20-000000001000-000000001000.sbe"])
    }

    @Test func `ids with a hole are another object than the interval around them`() throws {
        let run = try S3PutRun()
        let parts = try [1...3, 8...10].flatMap { try Sample.frame(.depthDiff, $0) }
        #expect(try run.put(parts).status == 0)
        let whole = try run.put(Sample.frame(.depthDiff, 1...10))
        #expect(whole.status == 0, "\(whole.errors)")
        #expect(run.keys.filter { $0.contains("kind=depthDiff") }.count == 2, "\(run.keys)")
        let name = try #require(run.keys.first { $0.contains("-n2-") })
        #expect(name.hasSuffix(".sbe") && name.contains("000000000001-000000000010-n2-"))
    }

    @Test func `symbols that differ in bytes alone have folders of their own`() throws {
        let symbols: [[UInt8]] = [
            [0xFF, 0xFE, 0x58], [0xFE, 0xFF, 0x58], Array("AB".utf8), Array("AB\0C".utf8),
            Array("a/../b".utf8), Array("%2F".utf8),
        ]
        var records: [UInt8] = []
        for (index, symbol) in symbols.enumerated() {
            var frame = try Sample.frame(.trade, 1...1, price: Int64(index + 1))
            // The symbol's bytes in the prefix (docs/sbe.md).
            for place in 0..<7 {
                frame[Frame.headerLength + 8 + 32 + place] =
                    place < symbol.count ? symbol[place] : 0
            }
            records += frame
        }
        let run = try S3PutRun()
        let outcome = try run.put(records)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(run.keys.count == symbols.count, "\(run.keys)")
        #expect(run.keys.contains { $0.contains("instrument=AB%00C/") })
        #expect(run.keys.contains { $0.contains("instrument=%FF%FEX/") })
        #expect(try run.put(records).errors.contains("\"refused\":\(symbols.count)"))
    }

    // MARK: - Conflicts

    @Test func `an object that is in the way does not stop the others, nor the next run`() throws {
        let run = try S3PutRun()
        #expect(try run.put(Sample.trades(1...10)).status == 0)
        try FileManager.default.removeItem(atPath: run.state)
        // The state is lost, and the same ids come with other content.
        let records = try Sample.trades(1...10, price: 7) + Sample.trades(1...10, symbol: "ETHUSDT")
        let outcome = try run.put(records)
        #expect(outcome.status == 74)
        #expect(outcome.errors.contains("1 object was not stored"), "\(outcome.errors)")
        // With the gap record that tells of it.
        #expect(run.keys.count == 3, "\(run.keys)")
        let kept = run.names("conflicts")
        #expect(kept.count == 2, "\(kept)")
        let about = try String(
            contentsOfFile: "\(run.state)/conflicts/\(kept.first { $0.hasSuffix(".json") } ?? "")",
            encoding: .utf8)
        #expect(about.contains("\"ours\":\"") && about.contains("CRC-32C"), "\(about)")
        let next = try run.put(Sample.trades(11...20, symbol: "ETHUSDT"))
        #expect(next.status == 0, "\(next.errors)")
        #expect(
            run.names("staging").isEmpty
                && run.names("spool").allSatisfy { !$0.hasSuffix(".spool") })
    }

    @Test func `an object found in the way at recovery does not stop the run either`() throws {
        var run = try S3PutRun()
        // A file where a directory of the object has to be: it stays staged.
        try FileManager.default.createDirectory(
            atPath: run.data, withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: run.data + "/exchange=binance"))
        let first = try run.put(Sample.trades(1...10))
        #expect(first.status == 74)
        #expect(run.names("staging").contains { $0.hasSuffix(".manifest") })
        try FileManager.default.removeItem(atPath: run.data + "/exchange=binance")
        // Somebody else has put the same ids there, whose chain is not known.
        let other = try S3PutRun()
        #expect(try other.put(Sample.trades(1...10, price: 3)).status == 0)
        for key in other.keys {
            let target = URL(fileURLWithPath: "\(run.data)/\(key)")
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: "\(other.data)/\(key)", toPath: target.path)
        }
        run.options = []
        let outcome = try run.put(Sample.trades(1...10, symbol: "ETHUSDT"))
        #expect(
            outcome.status == 74 && outcome.errors.contains("object_conflict") == false,
            "\(outcome.status) \(outcome.errors)")
        #expect(run.keys.contains { $0.contains("ETHUSDT") }, "\(outcome.errors)")
        #expect(run.names("conflicts").count == 2)
    }

    @Test func `a state that was lost shows when objects have some of the ids`() throws {
        let run = try S3PutRun()
        #expect(try run.put(Sample.trades(1...100)).status == 0)
        try FileManager.default.removeItem(atPath: run.state)
        let outcome = try run.put(Sample.trades(1...150))
        #expect(outcome.status == 74)
        #expect(outcome.errors.contains("was the state directory lost"), "\(outcome.errors)")
        #expect(run.keys.count { $0.contains("kind=trade") } == 1)
    }

    // MARK: - What is refused

    @Test(arguments: ["sbe", "avro", "ndjson"])
    func `a message that breaks its template is put aside, and its good copy is stored`(
        format: String
    ) throws {
        let run = try S3PutRun()
        let records = try Sample.frame(.trade, 7...7, price: nil) + Sample.frame(.trade, 7...7)
        let outcome = try run.put(records, ["--format", format])
        #expect(outcome.status == 0, "\(outcome.errors)")
        // A gap record tells of the other kind that the broken one says to be of.
        #expect(outcome.errors.contains("2 records in 2 objects"), "\(outcome.errors)")
        #expect(outcome.errors.contains("\"quarantined\":1"))
    }

    @Test func `a flood of broken messages is a few lines, one file and an exit status`() throws {
        let run = try S3PutRun()
        let broken = try Sample.frame(.trade, 1...1, price: nil)
        let outcome = try run.put(Array(repeating: broken, count: 5000).flatMap { $0 })
        #expect(outcome.status == 65)
        #expect(outcome.errors.split(separator: "\n").count < 20, "\(outcome.errors.prefix(2000))")
        let file = try String(contentsOfFile: run.state + "/quarantine.ndjson", encoding: .utf8)
        #expect(file.split(separator: "\n").count == 5000)
    }

    @Test func `a wild id is put aside, and what it would have covered is stored`() throws {
        let run = try S3PutRun()
        var records: [UInt8] = []
        for ids in [1...5, 6...10, 11...(Int64(1) << 62), 12...15, 16...20] {
            records += try Sample.frame(.depthDiff, ids)
        }
        records += try Sample.frame(.trade, 1...1) + Sample.frame(.trade, 2...Int64.max)
        records += try Sample.frame(.trade, 3...3)
        let outcome = try run.put(records)
        #expect(outcome.status == 0)
        // With the gap records for the change and the trade that are missing.
        #expect(outcome.errors.contains("8 records in"), "\(outcome.errors)")
        #expect(outcome.errors.contains("\"quarantined\":2"), "\(outcome.errors)")
        #expect(
            try run.count(of: [
                Sample.frame(.gap, 11...11, missing: .depthDiff, reason: .disconnected)
            ])
                == [1])
        let late = try run.put(
            [11...15, 21...25].flatMap { try Sample.frame(.depthDiff, $0) })
        #expect(late.errors.contains("2 records in"), "\(late.errors)")
        let limited = try run.put(Sample.frame(.depthDiff, 26...90), ["--max-ids", "50"])
        #expect(limited.errors.contains("\"quarantined\":1"), "\(limited.errors)")
    }

    @Test func `ids between two quotes of an earlier run are stored when they come`() throws {
        let run = try S3PutRun()
        let (early, all) = ([100, 300], [100, 200, 300])
        func quotes(_ ids: [Int]) throws -> [UInt8] {
            try ids.flatMap { try Sample.frame(.bestBidAsk, Int64($0)...Int64($0)) }
        }
        #expect(try run.put(quotes(early)).status == 0)
        let outcome = try run.put(quotes(all))
        #expect(outcome.errors.contains("1 record in 1 object"), "\(outcome.errors)")
        #expect(outcome.errors.contains("\"refused\":2"), "\(outcome.errors)")
        #expect(outcome.errors.contains("\"possible_repeats\":1"), "\(outcome.errors)")
    }

    @Test func `quotes that come twice in one run are stored once, however many`() throws {
        let run = try S3PutRun()
        let quotes = try (Int64(1)...80_000).flatMap { try Sample.frame(.bestBidAsk, $0...$0) }
        let outcome = try run.put(quotes + quotes)
        #expect(outcome.errors.contains("80000 records in"), "\(outcome.errors)")
        #expect(outcome.errors.contains("\"refused\":80000"), "\(outcome.errors)")
    }

    @Test func `klines that share an interval are all stored`() throws {
        let run = try S3PutRun()
        let minute = try #require(KlineInterval(rawValue: "1m")?.code)
        let offsets: [Int64] = [0, 1_500_000, 60_000_000]
        let klines = try offsets.flatMap { (offset: Int64) -> [UInt8] in
            let id = Sample.start + offset
            return try Sample.frame(.kline, id...id, series: minute)
        }
        #expect(try run.put(klines).errors.contains("3 records in"))
        #expect(try run.put(klines).errors.contains("\"refused\":3"))
    }

    @Test func `a gap record is stored for what is missing only, and once`() throws {
        let run = try S3PutRun()
        var records = try Sample.trades(1...3) + Sample.trades(7...8)
        let gap = try Sample.frame(.gap, 2...6)
        records += gap + gap
        let outcome = try run.put(records)
        #expect(outcome.errors.contains("6 records in 2 objects"), "\(outcome.errors)")
        let stored = try Sample.frame(.gap, 4...6)
        #expect(try run.count(of: [stored, gap]) == [1, 0])
    }

    @Test func `changes of a book that a restarted source skipped are declared`() throws {
        let run = try S3PutRun()
        #expect(try run.put(Sample.frame(.depthDiff, 1...3)).status == 0)
        // A source that begins again says nothing of what it missed; the ledger knows the last id.
        let outcome = try run.put(Sample.frame(.depthDiff, 7...9))
        #expect(outcome.status == 0, "\(outcome.errors)")
        let gap = try Sample.frame(.gap, 4...6, missing: .depthDiff, reason: .disconnected)
        #expect(try run.count(of: [gap]) == [1], "\(outcome.errors)")
        let verify = try Program.run(
            "ledgerctl", ["verify", run.state, "--kind", "depthDiff", "--allow-declared"])
        #expect(verify.status == 0, "\(verify.text)")
        // Once is enough.
        #expect(try run.put(Sample.frame(.depthDiff, 10...10)).status == 0)
        #expect(try run.count(of: [gap]) == [1])
    }

    @Test func `event times that cannot be right are told once a sequence`() throws {
        let run = try S3PutRun()
        let future = Int64(Date().timeIntervalSince1970 * 1e6) + 49 * Self.hour
        let records = try ["BTCUSDT", "ETHUSDT"].flatMap {
            try Sample.trades(1...50, symbol: $0, from: future)
        }
        let outcome = try run.put(records)
        #expect(outcome.status == 0)
        let lines = outcome.errors.split(separator: "\n").filter {
            $0.contains("which cannot be right")
        }
        #expect(lines.count == 2, "\(outcome.errors)")
        #expect(run.keys.allSatisfy { $0.contains("date=__HIVE_DEFAULT_PARTITION__") })
    }

    // MARK: - Epochs

    @Test func `ids that begin again end the run, and are stored under a new epoch on demand`()
        throws
    {
        let run = try S3PutRun()
        #expect(try run.put(Sample.trades(1...1000)).status == 0)
        let again = try Sample.trades(1...500, price: 9, from: Sample.start + 31 * 24 * Self.hour)
        let refused = try run.put(again + Sample.trades(1...5, symbol: "ETHUSDT"))
        #expect(refused.status == 78)
        for word in ["BTCUSDT trade", "2024-01-01", "2024-02-01", "--new-epoch BTCUSDT/trade"] {
            #expect(refused.errors.contains(word), "\(word): \(refused.errors)")
        }
        // What was read is in the spool, and is stored when a person has decided.
        let still = try run.put([])
        #expect(still.status == 78, "\(still.errors)")
        let outcome = try run.put([], ["--new-epoch", "BTCUSDT/trade"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("505 records in"), "\(outcome.errors)")
        #expect(run.keys.contains { $0.contains("/e2-000000000001-000000000500") }, "\(run.keys)")
        #expect(try run.put(again).errors.contains("\"refused\":500"))
    }
}
