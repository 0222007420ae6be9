import Foundation
import TestSupport
import Testing

/// Random harm to a bucket, judged by `ledgerctl verify` with and without `--read`, and by the Python
/// program of the documents.
struct BucketJudgeTests {
    private enum Harm: CaseIterable {
        case delete, overwrite, truncate, add, swap, deleteManifest, overwriteManifest, none
    }

    @Test(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
    func `of 200 random changes verify --read finds every one, and a good bucket never fails`()
        throws
    {
        let good = try Bucket()
        var random = SeededRandom(20_240_131)
        var counts: [Harm: Int] = [:]
        for round in 0..<200 {
            let bucket = try good.copy()
            let harm = Harm.allCases[round % Harm.allCases.count]
            counts[harm, default: 0] += 1
            let isVisible = try Self.apply(harm, to: bucket, &random)
            let isGood = harm == .none
            let read = try bucket.verify(["--read", "--from", "1", "--to", "300"])
            #expect(
                (read.status == 0) == isGood, "\(round) \(harm): \(read.status) \(read.text)")
            let quick = try bucket.verify(["--from", "1", "--to", "300"])
            #expect(
                (quick.status == 0) == (isGood || !isVisible),
                "\(round) \(harm): \(quick.status) \(quick.text)")
            // The other program takes a while to start: every fourth bucket.
            guard round % 4 == 0 || harm == .swap else { continue }
            let judge = try bucket.judge(["1", "300"])
            #expect(
                judge.status == (isGood ? 0 : 1), "\(round) \(harm): \(judge.text)\(judge.errors)")
        }
        #expect(counts.values.allSatisfy { $0 == 25 }, "\(counts)")
    }

    /// - Returns: true for what manifests and a listing show.
    private static func apply(
        _ harm: Harm, to bucket: Bucket, _ random: inout SeededRandom
    ) throws -> Bool {
        let keys = bucket.trades
        let key = try #require(keys.randomElement(using: &random))
        var content = try bucket.content(key)
        switch harm {
        case .delete: try bucket.remove(key)
        case .overwrite:
            let place = Int.random(in: 0..<content.count, using: &random)
            content[place] ^= UInt8(1 << Int.random(in: 0..<8, using: &random))
            try bucket.write(content, to: key)
            return false
        case .truncate:
            try bucket.write(
                content.prefix(Int.random(in: 0..<content.count, using: &random)), to: key)
        case .add:
            let number = Int.random(in: 1000...999_999, using: &random)
            let folder = key.split(separator: "/").dropLast().joined(separator: "/")
            try bucket.write(
                content, to: "\(folder)/000000000001-000000\(100_000 + number % 100).sbe")
            try bucket.write(content, to: "\(folder)/part-\(number).sbe")
        case .swap:
            let other = try #require(keys.filter { $0 != key }.randomElement(using: &random))
            let theirs = try bucket.content(other)
            try bucket.write(theirs, to: key)
            try bucket.write(content, to: other)
            return theirs.count != content.count
        case .deleteManifest:
            try bucket.remove(bucket.manifest(of: key))
        case .overwriteManifest:
            let manifest = try #require(bucket.manifests.dropLast().randomElement(using: &random))
            var bytes = try bucket.content(manifest)
            bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1
            try bucket.write(bytes, to: manifest)
        case .none: break
        }
        return true
    }
}
