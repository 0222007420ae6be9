import Foundation
import TestSupport
import Testing

/// `ledgerctl verify` of buckets over HTTP: as the owner, as a stranger, and where LIST does not work.
@Suite(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
struct BucketProofTests {
    private static let credentials = [
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        "AWS_REGION": "us-east-1",
    ]
    private static let selection = ["--symbol", "BTCUSDT", "--kind", "aggTrade"]

    @Test func `a bucket is proven with credentials, and without any by its https URL`() throws {
        let server = try BackgroundProgram(
            try #require(Python.path), [script("s3_server.py"), "--anyone-reads"])
        let url = server.firstLine()
        try #require(url.hasPrefix("http://127.0.0.1:"), "the S3 server did not start")
        let simulator = try Simulator(["--newest", "20000"])
        let place = try TemporaryDirectory()
        let outcomes = try Program.pipeline(
            [
                [
                    "rest-pull", "aggTrades", "--base-url", simulator.url, "--from", "1", "--to",
                    "20000",
                ],
                [
                    "s3-put", "--to", "s3://bronze", "--endpoint-url", url, "--state-dir",
                    place.path("state"), "--object-bytes", "300k",
                ],
            ], environment: Self.credentials)
        #expect(outcomes.map(\.status) == [0, 0], "\(outcomes.map(\.errors))")
        let owner = try Program.run(
            "ledgerctl",
            ["verify", "s3://bronze", "--endpoint-url", url, "--read"] + Self.selection,
            environment: Self.credentials)
        #expect(owner.status == 0, "\(owner.text)\(owner.errors)")
        #expect(owner.text.contains("1 to 20000") && owner.text.contains("whole"), "\(owner.text)")
        let stranger = try Program.run(
            "ledgerctl", ["verify", "\(url)/bronze", "--read"] + Self.selection)
        #expect(stranger.status == 0, "\(stranger.text)\(stranger.errors)")
        let judge = try Program.run(
            try #require(Python.path),
            [
                packageRoot.appendingPathComponent("docs/verify.py").path, "\(url)/bronze",
                "BTCUSDT", "aggTrade", "1", "20000",
            ])
        #expect(judge.status == 0 && judge.text == "whole\n", "\(judge.text)\(judge.errors)")
        let rebuilt = try Program.run(
            "ledgerctl",
            [
                "rebuild", "s3://bronze", "--endpoint-url", url, "--state-dir", place.path("again"),
            ], environment: Self.credentials)
        #expect(rebuilt.status == 0, "\(rebuilt.text)\(rebuilt.errors)")
        // It is the state of that bucket: s3-put goes on with it.
        let next = try Program.pipeline(
            [
                [
                    "rest-pull", "aggTrades", "--base-url", simulator.url, "--from", "1", "--to",
                    "20000",
                ],
                [
                    "s3-put", "--to", "s3://bronze", "--endpoint-url", url, "--state-dir",
                    place.path("again"),
                ],
            ], environment: Self.credentials)
        #expect(next[1].status == 0 && next[1].errors.contains("\"refused\":20000"))
    }

    @Test func `a bucket of S3 is repaired and resumed by its URL, as owner and as a stranger`()
        throws
    {
        let server = try BackgroundProgram(
            try #require(Python.path), [script("s3_server.py"), "--anyone-reads"])
        let url = server.firstLine()
        try #require(url.hasPrefix("http://127.0.0.1:"), "the S3 server did not start")
        let simulator = try Simulator(["--newest", "2000"])
        let place = try TemporaryDirectory()
        func pull(_ words: String, _ environment: [String: String] = [:]) throws -> Program.Outcome
        {
            try Program.run(
                "rest-pull",
                words.split(separator: " ").map(String.init) + ["--base-url", simulator.url],
                environment: environment)
        }
        for range in ["--from 1 --to 100", "--from 201 --to 300"] {
            let part = try pull("aggTrades \(range)")
            let put = try Program.run(
                "s3-put",
                ["--to", "s3://bronze", "--endpoint-url", url, "--state-dir", place.path("state")],
                input: part.output, environment: Self.credentials)
            #expect(part.status == 0 && put.status == 0, "\(part.errors)\(put.errors)")
        }
        let owned = Self.credentials.merging(["AWS_ENDPOINT_URL": url]) { _, new in new }
        let stranger = ["HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"]
        let settings = "--no-archive --settle 0"
        for (words, environment) in [
            ("--repair s3://bronze --endpoint-url \(url) \(settings)", Self.credentials),
            ("--repair s3://bronze \(settings)", owned),
            ("--repair \(url)/bronze \(settings)", stranger),
            (
                "aggTrades --from 1 --to 300 --resume s3://bronze --endpoint-url \(url)",
                Self.credentials
            ),
            ("aggTrades --from 1 --to held --resume s3://bronze", owned),
            ("aggTrades --from 1 --to 300 --resume \(url)/bronze", stranger),
        ] {
            let outcome = try pull(words, environment)
            #expect(outcome.status == 0, "\(words): \(outcome.errors)")
            let ids = try LiveRecords.lines(outcome.output).map(\.first)
            #expect(ids == Array(101...200), "\(words): \(ids.count) \(outcome.errors)")
        }
    }

    @Test func `what a bucket lacks is fetched again: rest-pull takes its URL as a ledger`() throws
    {
        let simulator = try Simulator(["--newest", "20000"])
        let place = try TemporaryDirectory()
        let data = place.path("data")
        func pull(_ more: [String], into state: String) throws -> [Program.Outcome] {
            try Program.pipeline([
                [
                    "rest-pull", "aggTrades", "--base-url", simulator.url, "--from", "1", "--to",
                    "20000",
                ]
                    + more,
                ["s3-put", "--to", "file://\(data)", "--state-dir", place.path(state)]
                    + ["--object-bytes", "300k"],
            ])
        }
        #expect(try pull([], into: "state").map(\.status) == [0, 0])
        let keys = FileManager.default.enumerator(atPath: data)?.compactMap { $0 as? String } ?? []
        let object = try #require(
            keys.first { key in
                key.hasPrefix("exchange=") && key.split(separator: "/").last?.contains(".") == true
            })
        try FileManager.default.removeItem(atPath: "\(data)/\(object)")
        let lost = try Program.run("ledgerctl", ["verify", "file://\(data)"] + Self.selection)
        #expect(lost.status == 1, "\(lost.text)")
        // The old state would refuse what it has delivered: a new one knows what is there.
        let rebuilt = try Program.run(
            "ledgerctl", ["rebuild", "file://\(data)", "--state-dir", place.path("new")])
        #expect(rebuilt.status == 1, "an object is gone: \(rebuilt.text)")
        let again = try pull(["--resume", "file://\(data)"], into: "new")
        #expect(again.map(\.status) == [0, 0], "\(again.map(\.errors))")
        #expect(
            again[1].errors.contains("\"refused\":0"),
            "only what is missing: \(again[1].errors)")
        let whole = try Program.run(
            "ledgerctl", ["verify", "file://\(data)", "--read"] + Self.selection)
        #expect(whole.status == 0, "\(whole.text)\(whole.errors)")
    }

    /// Status and code of the answer to LIST; what `verify` ends with.
    @Test(
        arguments: [
            (403, "AccessDenied", 77), (404, "NoSuchBucket", 69),
        ] as [(Int, String, Int32)])
    func `a bucket that cannot be listed is an error, never whole`(
        status: Int, code: String, exit: Int32
    ) throws {
        let server = FaultServer([
            .respond(status, body: "<Error><Code>\(code)</Code><Message>no</Message></Error>")
        ])
        let outcome = try Program.run(
            "ledgerctl", ["verify", "\(server.url)/bronze"] + Self.selection)
        #expect(outcome.status == exit, "\(outcome.text)\(outcome.errors)")
        #expect(outcome.text.isEmpty && outcome.errors.contains(code), "\(outcome.errors)")
    }

    @Test func `pages of a listing belong together, and half a listing is an error`() throws {
        let key = "exchange=binance/kind=aggTrade/instrument=BTCUSDT/date=2024-01-01/hour=00/"
        func page(_ name: String, next: String?) -> FaultServer.Answer {
            let token = next.map { "<NextContinuationToken>\($0)</NextContinuationToken>" } ?? ""
            return .respond(
                200,
                body: "<ListBucketResult><IsTruncated>\(next != nil)</IsTruncated>\(token)"
                    + "<Contents><Key>\(key)\(name)</Key><Size>7</Size><ETag>\"x\"</ETag>"
                    + "<LastModified>2024-01-01T00:00:00.000Z</LastModified></Contents>"
                    + "</ListBucketResult>")
        }
        let nothing = FaultServer.Answer.respond(
            200, body: "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
        let whole = FaultServer([page("a.sbe", next: "t1"), page("b.sbe", next: nil), nothing])
        let outcome = try Program.run(
            "ledgerctl", ["verify", "\(whole.url)/bronze"] + Self.selection)
        #expect(outcome.status == 1, "\(outcome.errors)")
        #expect(
            outcome.text.contains("a.sbe is in no manifest")
                && outcome.text.contains("b.sbe is in no manifest"), "\(outcome.text)")
        let half = FaultServer([page("a.sbe", next: "t1"), .respond(403, body: "<Error/>")])
        let broken = try Program.run(
            "ledgerctl", ["verify", "\(half.url)/bronze"] + Self.selection)
        #expect(broken.status == 77 && broken.text.isEmpty, "\(broken.text)\(broken.errors)")
    }
}
