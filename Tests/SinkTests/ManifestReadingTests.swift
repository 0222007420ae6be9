import Bronze
import Identity
import Ledger
import TestSupport
import Testing

/// Manifests as bytes, also foreign ones.
struct ManifestReadingTests {
    private static func manifest() throws -> Manifest {
        let odd = SymbolName(words: (0x0041_00FF, 0, 0, 7))
        var trades = StoredObject(
            key: "exchange=binance/kind=trade/instrument=A%FF/a.sbe", bytes: 7,
            sha256: String(repeating: "a", count: 64), records: 3,
            sequence: SequenceID(template: 1, epoch: 2, symbol: odd))
        trades.ids = [.min...(-5), 3...3, 9...Int64.max]
        trades.firstTime = .min
        trades.lastTime = .max
        trades.repaired = [3...3]
        trades.replaces = ["b \"quoted\".sbe", "c\n.sbe"]
        trades.gaps = [
            ObservedGap(
                sequence: Sample.sequence(.kline, series: 2), reason: "missed", source: "sbe",
                isDeclared: false, ids: [4...5, 8...8], seen: 1...2, evidence: "GET /x: 404")
        ]
        var quotes = StoredObject(
            key: "q", bytes: 0, sha256: String(repeating: "0", count: 64), records: 2,
            sequence: SequenceID(venue: 9, template: 4, symbol: odd))
        quotes.firstTime = 1
        quotes.lastTime = 2
        quotes.run = Run(first: 1, last: 2, firstTime: 1, lastTime: 2, count: 2, previous: -7)
        return Manifest(
            sink: "0123456789abcdef", number: 12, previous: String(repeating: "f", count: 64),
            time: 1_704_067_200_000_000_000, tool: "s3-put \"1\"", objects: [trades, quotes],
            removed: [
                RemovedRange(sequence: Sample.sequence(.trade), ids: 1...Int64.max, time: 5)
            ])
    }

    @Test func `what is written is read again, whatever bytes symbols and keys have`() throws {
        let manifest = try Self.manifest()
        #expect(try Manifest(reading: manifest.bytes) == manifest)
    }

    @Test func `altered manifests are refused or read, and every answer about them ends`() throws {
        let bytes = try Self.manifest().bytes
        var random = SeededRandom(11)
        var readable = 0
        for _ in 0..<4000 {
            var altered = bytes
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                altered[Int.random(in: 0..<altered.count, using: &random)] = UInt8(
                    truncatingIfNeeded: random.next())
            }
            var check = ChainCheck()
            check.add(key: ManifestKey(sink: "0123456789abcdef", number: 12).text, bytes: altered)
            check.finish()
            #expect(!check.problems.isEmpty, "eleven manifests are missing")
            var proof = BucketProof(check)
            proof.compare([("q", 0)], below: "")
            let sequences = proof.sequences
            for sequence in proof.proofs(of: sequences) {
                readable += 1
                for range in [
                    ProofRange.all, .ids(.min ... .max), .times(Int64.min..<Int64.max),
                    .times(0..<1),
                ] { _ = sequence.verdict(range) }
            }
            _ = proof.problems(concerning: sequences, .times(0..<1))
            _ = proof.newestCoverages()
        }
        #expect(readable > 100, "most single bytes change a text or a number")
    }

    @Test(
        arguments: [
            ("", "expected"), ("{}", "format is missing"), ("[]", "expected"),
            (#"{"format":2}"#, "newer version"),
            (#"{"format":1,"sink":"XYZ"}"#, "sink is missing"),
            (
                #"{"format":1,"sink":"0123456789abcdef","number":1,"previous":"x","time_ns":1,"objects":[]}"#,
                "previous is missing"
            ),
            (
                #"{"format":1,"sink":"0123456789abcdef","number":1,"previous":null,"time_ns":1,"objects":[{"key":"../x"}]}"#,
                "an object without key"
            ),
        ])
    func `what is wrong is told`(text: String, words: String) {
        let error = #expect(throws: ManifestError.self) {
            try Manifest(reading: Array(text.utf8))
        }
        #expect(error?.description.contains(words) == true, "\(text): \(String(describing: error))")
    }

    @Test(
        arguments: [
            "_manifests/0123456789abcdef/000000000001.json": true,
            "_manifests/0123456789abcdef/1.json": false,
            "_manifests/0123456789ABCDEF/000000000001.json": false,
            "_manifests/0123456789abcdef/9223372036854775807.json": false,
            "_manifests/0123456789abcdef/000000000000.json": false,
            "_manifests/0123456789abcdef/000000000001.json/x": false,
            "x/_manifests/0123456789abcdef/000000000001.json": false,
        ])
    func `keys of manifests are exactly those`(key: String, isOne: Bool) {
        #expect((ManifestKey(parsing: key) != nil) == isOne, "\(key)")
        if isOne { #expect(ManifestKey(parsing: key)?.text == key) }
    }
}
