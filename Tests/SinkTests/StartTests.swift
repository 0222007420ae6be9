import Foundation
import TestSupport
import Testing

/// What s3-put finds out before it reads.
struct StartTests {
    private let environment = ["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"]
    private static let upload = FaultServer.Answer.respond(
        200,
        body:
            "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
    private static let ended = FaultServer.Answer.respond(204)

    private func failure(_ status: Int, _ code: String) -> FaultServer.Answer {
        .respond(status, body: "<Error><Code>\(code)</Code><Message>\(code)</Message></Error>")
    }

    private func run(
        _ server: FaultServer, _ place: TemporaryDirectory, _ more: [String] = [],
        input: [UInt8] = []
    ) throws -> Program.Outcome {
        try Program.run(
            "s3-put",
            [
                "--to", "s3://bucket/x", "--endpoint-url", server.url, "--region", "us-east-1",
                "--state-dir", place.path("state"), "--check-timeout", "3",
            ] + more, input: input, environment: environment)
    }

    @Test func `a bucket that may be written to is asked once, and nothing stays there`() throws {
        let place = try TemporaryDirectory()
        let server = FaultServer([Self.upload, Self.ended])
        let outcome = try run(server, place, ["--check"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(server.requests.map(\.method) == ["POST", "DELETE"])
        #expect(!FileManager.default.fileExists(atPath: place.path("state")))
    }

    @Test(arguments: [(403, "AccessDenied", 77), (404, "NoSuchBucket", 78)])
    func `what will not work ends the run before anything is read`(
        status: Int, code: String, exit: Int32
    ) throws {
        let place = try TemporaryDirectory()
        let records = try Sample.trades(1...100)
        for more in [["--check"], []] {
            let outcome = try run(
                FaultServer([failure(status, code)]), place, more, input: records)
            #expect(outcome.status == exit, "\(outcome.errors)")
            #expect(outcome.errors.contains(code) || outcome.errors.contains("bucket"))
        }
        let spool =
            (try? FileManager.default.contentsOfDirectory(atPath: place.path("state/spool")))
        #expect(spool?.contains { $0.hasSuffix(".spool") } != true)
    }

    @Test func `a destination that does not answer is told, and reading starts`() throws {
        let place = try TemporaryDirectory()
        let server = FaultServer([.stall])
        let program = try LiveProgram(
            "s3-put",
            [
                "--to", "s3://bucket/x", "--endpoint-url", server.url, "--region", "us-east-1",
                "--state-dir", place.path("state"), "--check-timeout", "0.2", "--drain-timeout",
                "0.2",
            ], environment: environment)
        program.write(try Sample.trades(1...100))
        #expect(
            waitUntil {
                let names = try? FileManager.default.contentsOfDirectory(
                    atPath: place.path("state/spool"))
                return names?.contains { $0.hasSuffix(".spool") } == true
            }, "\(program.errors)")
        #expect(program.errors.contains("is not known; reading starts anyway"), "\(program.errors)")
        program.signalled(SIGTERM)
        #expect(program.wait() == 75)
        #expect(
            program.errors.contains("the time to drain has expired; 1 object stays in "),
            "\(program.errors)")
    }

    @Test func `a directory that cannot be made is told before anything is read`() throws {
        let place = try TemporaryDirectory()
        try Data().write(to: URL(fileURLWithPath: place.path("file")))
        let outcome = try Program.run(
            "s3-put",
            [
                "--to", "file://" + place.path("file/data"), "--state-dir", place.path("state"),
                "--check",
            ])
        #expect(outcome.status == 74, "\(outcome.errors)")
        let good = try Program.run("s3-put", ["--to", "file://" + place.path("data"), "--check"])
        #expect(good.status == 0, "\(good.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.path("data")).isEmpty)
    }

    @Test(arguments: [
        "s3://arn:aws:s3:us-east-1:123456789012:accesspoint/my-ap", "s3://b--use1-az4--x-s3/p",
        "s3://b", "s3:///p", "s3://a b c/p", "s3://bucket/../p", "s3://bucket/a/./b",
        "s3://bucket/..",
        "s3://bucket/a\nb", "s3://bucket/" + String(repeating: "a", count: 701),
    ])
    func `a name that is not a bucket's, or no prefix of keys, is refused at once`(url: String)
        throws
    {
        let place = try TemporaryDirectory()
        let outcome = try Program.run(
            "s3-put", ["--to", url, "--state-dir", place.path("state"), "--region", "us-east-1"],
            input: Sample.trades(1...10), environment: environment)
        #expect(outcome.status == 64, "\(outcome.errors)")
        #expect(!FileManager.default.fileExists(atPath: place.path("state")))
    }

    // MARK: - Stores without conditional creates

    @Test func `a store that does not know the condition is named, with the way on`() throws {
        let place = try TemporaryDirectory()
        let server = FaultServer([
            Self.upload, Self.ended, .respond(200, body: "<ListMultipartUploadsResult/>"),
            failure(404, "NoSuchKey"), failure(501, "NotImplemented"),
        ])
        let outcome = try run(server, place, input: Sample.trades(1...10))
        #expect(outcome.status == 78, "\(outcome.errors)")
        #expect(outcome.errors.contains("If-None-Match"), "\(outcome.errors)")
        #expect(outcome.errors.contains("--conditional-writes head"), "\(outcome.errors)")
        let again = FaultServer([
            Self.upload, Self.ended, .respond(200, body: "<ListMultipartUploadsResult/>"),
            failure(404, "NoSuchKey"), .respond(200, headers: [("ETag", "\"x\"")]),
            // The manifest.
            failure(404, "NoSuchKey"), .respond(200, headers: [("ETag", "\"y\"")]),
        ])
        let delivered = try run(again, place, ["--conditional-writes", "head"])
        // The endpoint is another one now.
        #expect(delivered.status == 78)
        try FileManager.default.removeItem(atPath: place.path("state/owner"))
        let stored = try run(again, place, ["--conditional-writes", "head"])
        #expect(stored.status == 0, "\(stored.errors)")
        let put = try #require(again.requests.last { $0.method == "PUT" })
        #expect(put.headers["if-none-match"] == nil)
    }

    @Test func `a store that ignores the condition does not lose the object that is there`() throws
    {
        let place = try TemporaryDirectory()
        let server = FaultServer([
            Self.upload, Self.ended, .respond(200, body: "<ListMultipartUploadsResult/>"),
            .respond(200, headers: [("ETag", "\"x\"")], body: "another"),
        ])
        let outcome = try run(server, place, input: Sample.trades(1...10))
        #expect(outcome.status == 74, "\(outcome.errors)")
        #expect(!server.requests.contains { $0.method == "PUT" })
        #expect(outcome.errors.contains("7 bytes"), "\(outcome.errors)")
    }

    // MARK: - Where the state is

    @Test func `stages that share STATE_DIRECTORY have a directory each, in the first of a list`()
        throws
    {
        let place = try TemporaryDirectory()
        var environment = environment
        environment["STATE_DIRECTORY"] = place.path("a") + ":" + place.path("b")
        let explained = try Program.run(
            "s3-put", ["--to", "file://" + place.path("data"), "--explain-config"],
            environment: environment)
        #expect(explained.text.contains(place.path("a/s3-put")), "\(explained.text)")
        let outcome = try Program.run(
            "s3-put", ["--to", "file://" + place.path("data")], input: Sample.trades(1...10),
            environment: environment)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(FileManager.default.fileExists(atPath: place.path("a/s3-put/ledger")))
        let other = try Program.run(
            "kinesis-put", ["--region", "eu-west-1"], environment: environment)
        #expect(other.status == 0, "\(other.errors)")
        #expect(FileManager.default.fileExists(atPath: place.path("a/kinesis-put/ledger")))
        #expect(!FileManager.default.fileExists(atPath: place.path("b")))
    }

    // MARK: - Uploads of others

    @Test(
        arguments: [true, false],
        [
            "exchange=binance/kind=trade/instrument=A/date=2024-01-01/hour=00/",
            "exchange=binance/kind=kline/interval=1m/instrument=A/month=2024-01/",
            "venue=binance/kind=trade/symbol=A/date=2024-01-01/hour=00/",
        ])
    func `only uploads of our own form below a prefix of ours are aborted`(
        hasPrefix: Bool, path: String
    ) throws {
        let place = try TemporaryDirectory()
        let folder = hasPrefix ? "x/" : ""
        let start = path.split(separator: "/")[0]
        let keys = [
            "\(folder)\(path)000000000001-000000000002.avro", "\(folder)backups/huge.tar",
            "\(folder)\(start)/notes.txt", "\(folder)\(path)huge.tar",
        ]
        let uploads = keys.enumerated().map { index, key in
            "<Upload><Key>\(key)</Key><UploadId>u\(index)</UploadId>"
                + "<Initiated>2020-01-01T00:00:00.000Z</Initiated></Upload>"
        }
        let server = FaultServer([
            Self.upload, Self.ended,
            .respond(
                200,
                body: "<ListMultipartUploadsResult>\(uploads.joined())</ListMultipartUploadsResult>"
            ),
            Self.ended,
        ])
        let outcome = try Program.run(
            "s3-put",
            [
                "--to", hasPrefix ? "s3://bucket/x" : "s3://bucket", "--endpoint-url", server.url,
                "--region", "us-east-1", "--state-dir", place.path("state"), "--drain-timeout", "1",
                "--give-up-after", "0.1",
            ], input: Sample.trades(1...10), environment: environment)
        _ = outcome
        let aborted = server.requests.filter {
            $0.method == "DELETE" && !$0.target.contains("check")
        }
        #expect(aborted.count == (hasPrefix ? 1 : 0), "\(aborted.map(\.target))")
        #expect(aborted.allSatisfy { $0.target.contains("000000000001-000000000002.avro") })
    }
}
