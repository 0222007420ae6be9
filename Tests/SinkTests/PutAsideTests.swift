import Foundation
import Identity
import Records
import TestSupport
import Testing

/// Ids whose records s3-put could not store: the bucket says why they are missing, and where they are.
struct PutAsideTests {
    /// A trade whose root block ends with the prefix.
    private static func broken(_ id: Int64, _ kind: RecordKind = .trade) throws -> [UInt8] {
        var frame = try Sample.frame(kind, id...id, at: Sample.start + id * 1000)
        (frame[6], frame[7]) = (72, 0)
        return frame
    }

    private static func good(_ id: Int64) throws -> [UInt8] {
        try Sample.frame(.trade, id...id, at: Sample.start + id * 1000)
    }

    /// A trade whose price no column of a table holds exactly.
    private static func unfit(_ id: Int64) throws -> [UInt8] {
        try Sample.frame(.trade, id...id, at: Sample.start + id * 1000, price: .max)
    }

    private func verify(
        _ run: S3PutRun, _ more: [String] = [], kind: String = "trade"
    ) throws -> Program.Outcome {
        try Program.run(
            "ledgerctl", ["verify", run.data, "--symbol", "BTCUSDT", "--kind", kind] + more)
    }

    @Test(arguments: ["parquet", "avro", "ndjson", "sbe"])
    func `verify names what was put aside, at the beginning, between and at the end`(
        format: String
    ) throws {
        let run = try S3PutRun()
        let aside: Set<Int64> = [1, 7, 15, 16, 20]
        let records = try (Int64(1)...20).flatMap {
            try aside.contains($0) ? Self.broken($0) : Self.good($0)
        }
        let outcome = try run.put(records, ["--format", format])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let host = ProcessInfo.processInfo.hostName.prefix { $0 != "." }
        for more in [[], ["--read"], ["--from", "1", "--to", "20"], ["--day", "2024-01-01"]] {
            let report = try verify(run, more)
            #expect(report.status == 1, "\(more): \(report.text)\(report.errors)")
            #expect(
                report.text.contains("4 holes, 5 quarantined, ")
                    && report.text.contains("15 held"), "\(more): \(report.text)")
            for ids in ["1 to 1", "7 to 7", "15 to 16", "20 to 20"] {
                let line = report.text.split(separator: "\n").first { $0.contains(" \(ids) ") }
                let words = line.map(String.init) ?? "no line of \(ids): \(report.text)"
                #expect(words.contains("quarantined (rest, "), "\(words)")
                #expect(words.contains(": kept on \(host)"), "\(words)")
                #expect(words.contains(" in \(run.state)/quarantine.ndjson: "), "\(words)")
            }
        }
        // What is fetched again fills the gap, as any other.
        #expect(try run.put(Self.good(7) + Self.good(20), ["--format", format]).status == 0)
        let some = try verify(run)
        #expect(some.text.contains("3 quarantined, 17 held"), "\(some.text)")
        let rest = try aside.sorted().flatMap(Self.good)
        #expect(try run.put(rest, ["--format", format]).status == 0)
        let whole = try verify(run, ["--read"])
        #expect(whole.status == 0 && whole.text.contains("whole, 20 held"), "\(whole.text)")
    }

    @Test func `a value that the format does not hold is said to be the reason`() throws {
        let run = try S3PutRun()
        let records = try Self.good(1) + Self.unfit(2) + Self.good(3)
        #expect(try run.put(records, ["--format", "parquet"]).status == 0)
        let report = try verify(run)
        #expect(report.status == 1 && report.text.contains("1 quarantined"), "\(report.text)")
        #expect(report.text.contains("price"), "\(report.text)")
        // A format that takes it needs no reason.
        let exact = try S3PutRun()
        #expect(try exact.put(records, ["--format", "sbe"]).status == 0)
        #expect(try verify(exact).status == 0)
    }

    @Test func `ids that cannot be right are the reason of the hole behind which they came`() throws
    {
        let run = try S3PutRun()
        let records =
            try Self.good(1) + Sample.frame(.trade, 2...Int64.max) + Self.good(3)
            + Sample.frame(.trade, (Int64(1) << 60)...(Int64(1) << 60)) + Self.good(5)
        #expect(try run.put(records).status == 0)
        let report = try verify(run)
        #expect(report.text.contains("1 to 5  2 holes, 2 quarantined, 3 held"), "\(report.text)")
        #expect(report.text.contains("of a kind whose records have one id"), "\(report.text)")
        #expect(report.text.contains("beyond the newest one"), "\(report.text)")
        // It says nothing of a hole that is longer than what was put aside.
        let other = try S3PutRun()
        let far =
            try Self.good(1) + Sample.frame(.trade, 2...Int64.max) + Self.good(9)
        #expect(try other.put(far).status == 0)
        let gap = try verify(other)
        #expect(gap.status == 1 && !gap.text.contains("quarantined"), "\(gap.text)")
    }

    @Test func `a flood of one broken record is one gap record`() throws {
        let run = try S3PutRun()
        let flood = try Array(repeating: Self.broken(7), count: 5000).flatMap { $0 }
        let outcome = try run.put(Self.good(6) + flood + Self.good(8))
        #expect(outcome.errors.contains("3 records in 2 objects"), "\(outcome.errors)")
        #expect(try verify(run).text.contains("1 hole, 1 quarantined, 2 held"))
    }

    @Test func `an object in conflict is a reason, too`() throws {
        let run = try S3PutRun()
        #expect(try run.put(Sample.trades(1...10)).status == 0)
        try FileManager.default.removeItem(atPath: run.state)
        let key = try #require(run.keys.first)
        let manifests = run.data + "/_manifests"
        try FileManager.default.removeItem(atPath: manifests)
        let outcome = try run.put(Sample.trades(1...10, price: 7) + Sample.trades(11...12))
        #expect(outcome.status == 74, "\(outcome.errors)")
        try FileManager.default.removeItem(atPath: "\(run.data)/\(key)")
        let report = try verify(run)
        #expect(report.status == 1 && report.text.contains("12 quarantined"), "\(report.text)")
        #expect(report.text.contains("\(run.state)/conflicts/"), "\(report.text)")
    }

    @Test func `compaction and a new ledger keep the reason`() throws {
        let run = try S3PutRun()
        let records = try Self.good(1) + Self.broken(2) + Self.good(3)
        #expect(try run.put(records).status == 0)
        #expect(try run.put(Self.good(4) + Self.broken(5) + Self.good(6)).status == 0)
        let compacted = try Program.run(
            "ledgerctl", ["compact", run.data, "--settle", "0", "--delete-after", "0"])
        #expect(compacted.status == 0, "\(compacted.errors)")
        let report = try verify(run, ["--read"])
        #expect(report.text.contains("1 to 6  2 holes, 2 quarantined, 4 held"), "\(report.text)")
        #expect(report.text.contains("quarantine.ndjson: "), "\(report.text)")
    }

    /// A configuration that lets a record in, and another one that finds it in the spool.
    @Test func `a record of the spool that another format refuses is told of, too`() throws {
        let run = try S3PutRun()
        let blocked = run.data + "/exchange=binance"
        try FileManager.default.createDirectory(
            atPath: run.data, withIntermediateDirectories: true)
        let program = try LiveProgram("s3-put", run.arguments)
        program.write(try Self.good(1) + Self.unfit(2) + Self.good(3))
        #expect(
            waitUntil {
                run.names("spool").contains { name in
                    let path = "\(run.state)/spool/\(name)"
                    let size = try? FileManager.default.attributesOfItem(atPath: path)[.size]
                    return (size as? Int ?? 0) > 300
                }
            })
        program.signalled(SIGKILL)
        _ = program.wait()
        #expect(!FileManager.default.fileExists(atPath: blocked))
        let outcome = try run.put([], ["--format", "parquet"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let report = try verify(run)
        #expect(report.text.contains("1 to 3  1 hole, 1 quarantined, 2 held"), "\(report.text)")
    }

    @Test func `records that a damaged spool lost are told of`() throws {
        let run = try S3PutRun()
        try FileManager.default.createDirectory(
            atPath: run.data, withIntermediateDirectories: true)
        // Nothing can be stored yet.
        let blocked = URL(fileURLWithPath: run.data + "/exchange=binance")
        try Data().write(to: blocked)
        let program = try LiveProgram("s3-put", run.arguments)
        func spool() -> (path: String, bytes: Data)? {
            guard let name = run.names("spool").first(where: { $0.hasSuffix(".spool") }) else {
                return nil
            }
            let path = "\(run.state)/spool/\(name)"
            return (try? Data(contentsOf: URL(fileURLWithPath: path))).map { (path, $0) }
        }
        for start in [1, 21, 41] as [Int64] {
            program.write(try Sample.trades(start...(start + 19)))
            let last = Data(try Sample.frame(.trade, 1...1).prefix(8))
            #expect(
                waitUntil {
                    guard let bytes = spool()?.bytes else { return false }
                    var count = 0
                    var place = bytes.startIndex
                    while let found = bytes.range(of: last, in: place..<bytes.endIndex) {
                        count += 1
                        place = found.upperBound
                    }
                    return count == start + 19
                })
        }
        program.signalled(SIGKILL)
        _ = program.wait()
        var (path, bytes) = try #require(spool())
        let frame = Data(try Sample.frame(.trade, 30...30, at: Sample.start + 9000))
        let place = try #require(bytes.range(of: frame))
        bytes[place.upperBound - 3] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
        try FileManager.default.removeItem(at: blocked)
        let outcome = try run.put([])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let report = try verify(run)
        #expect(report.text.contains("1 to 60  1 hole, 20 quarantined, 40 held"), "\(report.text)")
        #expect(report.text.contains("\(run.state)/damaged/"), "\(report.text)")
        #expect(report.text.contains("the spool was damaged at byte"), "\(report.text)")
        // The next start finds nothing to tell.
        #expect(try run.put([]).errors.contains("0 records in 0 objects"))
    }
}
