import Foundation
import Identity
import Records
import TestSupport
import Testing

/// A small bucket that s3-put filled, and questions to it.
struct Bucket {
    let run: S3PutRun
    /// What is asked about.
    static let selection = ["--symbol", "BTCUSDT", "--kind", "trade"]

    /// Trades 1 to 300 of three hours, another symbol, quotes and a gap record.
    init() throws {
        run = try S3PutRun()
        let hour: Int64 = 3_600_000_000
        let parts: [ClosedRange<Int64>] = [1...100, 101...200, 201...300]
        for (index, ids) in parts.enumerated() {
            let time = Sample.start + Int64(index) * hour
            var records = try Sample.trades(ids.lowerBound...ids.upperBound, from: time)
            records += try Sample.trades(
                ids.lowerBound...ids.upperBound, symbol: "ETHUSDT", from: time)
            for id in ids where id % 10 == 0 {
                records += try Sample.frame(.bestBidAsk, id...id, at: time + id * 1000)
            }
            let outcome = try run.put(records)
            try #require(outcome.status == 0, "\(outcome.errors)")
        }
    }

    private init(_ run: S3PutRun) { self.run = run }

    var url: String { "file://" + run.data }

    /// Asks `ledgerctl verify`.
    func verify(_ more: [String] = [], _ selection: [String] = Bucket.selection) throws
        -> Program.Outcome
    {
        try Program.run("ledgerctl", ["verify", url] + selection + more)
    }

    /// Asks docs/verify.py.
    func judge(_ more: [String] = []) throws -> Program.Outcome {
        let script = packageRoot.appendingPathComponent("docs/verify.py").path
        return try Program.run(
            try #require(Python.path), [script, run.data, "BTCUSDT", "trade"] + more)
    }

    /// Keys of objects or manifests, sorted.
    func keys(_ start: String) -> [String] {
        let all =
            FileManager.default.enumerator(atPath: run.data)?.compactMap { $0 as? String } ?? []
        return all.filter {
            $0.hasPrefix(start) && ($0.hasSuffix(".sbe") || $0.hasSuffix(".json"))
        }.sorted()
    }

    var trades: [String] { keys("exchange=binance/kind=trade/instrument=BTCUSDT/") }
    var manifests: [String] { keys("_manifests/") }

    /// The manifest that lists an object: how many share one depends on how fast they came.
    func manifest(of object: String) throws -> String {
        let name = Data("\"key\":\"\(object)\"".utf8)
        return try #require(try manifests.first { try content($0).range(of: name) != nil })
    }

    func content(_ key: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: "\(run.data)/\(key)"))
    }

    func write(_ content: Data, to key: String) throws {
        let url = URL(fileURLWithPath: "\(run.data)/\(key)")
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        // A new file: the old one may be a link to one elsewhere.
        try? FileManager.default.removeItem(at: url)
        try content.write(to: url)
    }

    func remove(_ key: String) throws {
        try FileManager.default.removeItem(atPath: "\(run.data)/\(key)")
    }

    /// The same bucket once more, for a test to damage.
    func copy() throws -> Bucket {
        let other = try S3PutRun()
        try FileManager.default.copyItem(atPath: run.data, toPath: other.data)
        return Bucket(other)
    }
}
