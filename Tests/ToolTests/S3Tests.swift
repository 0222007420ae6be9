import Foundation
import TestSupport
import Testing

/// s3-put as built, against an S3 that stores with moto and checks signatures with botocore.
@Suite(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
struct S3Tests {
    private static let credentials = [
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        "AWS_REGION": "us-east-1",
    ]

    private struct Bucket {
        let url: String
        private let server: BackgroundProgram

        init() throws {
            server = try BackgroundProgram(try #require(Python.path), [script("s3_server.py")])
            url = server.firstLine()
            try #require(url.hasPrefix("http://127.0.0.1:"), "the S3 server did not start")
        }

        /// What boto3 and fastavro find.
        func check(count: Int) throws -> Program.Outcome {
            try Program.run(
                try #require(Python.path), [script("read_bucket.py"), url, "\(count)"])
        }
    }

    private func put(
        _ simulator: Simulator, _ bucket: Bucket, state: String, ids: Int,
        options: [String] = [], credentials: [String: String] = credentials
    ) throws -> [Program.Outcome] {
        try Program.pipeline(
            [
                [
                    "rest-pull", "aggTrades", "--base-url", simulator.url, "--from", "1", "--to",
                    "\(ids)", "--symbol", "币安人生USDT",
                ],
                [
                    "s3-put", "--to", "s3://bronze/prefix/bronze", "--endpoint-url", bucket.url,
                    "--state-dir", state, "--format", "avro",
                ] + options,
            ], environment: credentials)
    }

    @Test func `objects land once, under signed keys that need escaping`() throws {
        let simulator = try Simulator(["--newest", "20000", "--symbol", "币安人生USDT"])
        let bucket = try Bucket()
        let place = try TemporaryDirectory()
        for expected in ["20000 records in", "0 records in 0 objects"] {
            let outcomes = try put(
                simulator, bucket, state: place.path("state"), ids: 20_000,
                options: ["--object-bytes", "500k"])
            #expect(outcomes.map(\.status) == [0, 0], "\(outcomes.map(\.errors))")
            #expect(outcomes[1].errors.contains(expected), "\(outcomes[1].errors)")
        }
        let check = try bucket.check(count: 20_000)
        #expect(check.status == 0, "\(check.text)\(check.errors)")
    }

    @Test func `an object in parts is whole`() throws {
        let simulator = try Simulator([
            "--newest", "90000", "--symbol", "币安人生USDT", "--spacing", "10",
        ])
        let bucket = try Bucket()
        let place = try TemporaryDirectory()
        let outcomes = try put(
            simulator, bucket, state: place.path("state"), ids: 90_000,
            options: ["--compression", "none"])
        #expect(outcomes.map(\.status) == [0, 0], "\(outcomes.map(\.errors))")
        let check = try bucket.check(count: 90_000)
        #expect(check.status == 0 && check.text == "1\n", "\(check.text)\(check.errors)")
    }

    @Test func `a service that asks for patience gets it`() throws {
        let simulator = try Simulator(["--newest", "3000", "--symbol", "币安人生USDT"])
        let bucket = try Bucket()
        let place = try TemporaryDirectory()
        _ = try Program.run("curl", ["-sf", "-X", "POST", bucket.url + "/fail?count=2"])
        let outcomes = try put(simulator, bucket, state: place.path("state"), ids: 3000)
        #expect(outcomes.map(\.status) == [0, 0], "\(outcomes.map(\.errors))")
        #expect(outcomes[1].errors.contains("SlowDown"), "\(outcomes[1].errors)")
        let check = try bucket.check(count: 3000)
        #expect(check.status == 0, "\(check.text)\(check.errors)")
    }

    @Test func `a wrong secret is 77 before anything is read`() throws {
        let simulator = try Simulator(["--newest", "3000", "--symbol", "币安人生USDT"])
        let bucket = try Bucket()
        let place = try TemporaryDirectory()
        var wrong = Self.credentials
        wrong["AWS_SECRET_ACCESS_KEY"] = "not-the-secret"
        let refused = try put(
            simulator, bucket, state: place.path("state"), ids: 3000, credentials: wrong)
        #expect(refused[1].status == 77, "\(refused[1].errors)")
        #expect(!refused[1].errors.contains("not-the-secret"))
        let delivered = try put(simulator, bucket, state: place.path("state"), ids: 3000)
        #expect(delivered[1].status == 0, "\(delivered[1].errors)")
        let check = try bucket.check(count: 3000)
        #expect(check.status == 0, "\(check.text)\(check.errors)")
    }

    @Test func `a bucket that does not exist is a configuration error that names it`() throws {
        let simulator = try Simulator(["--newest", "10", "--symbol", "币安人生USDT"])
        let bucket = try Bucket()
        let place = try TemporaryDirectory()
        let outcomes = try Program.pipeline(
            [
                [
                    "rest-pull", "aggTrades", "--base-url", simulator.url, "--from", "1", "--to",
                    "10",
                    "--symbol", "币安人生USDT",
                ],
                [
                    "s3-put", "--to", "s3://no-such-bucket/x", "--endpoint-url", bucket.url,
                    "--state-dir", place.path("state"),
                ],
            ], environment: Self.credentials)
        #expect(outcomes[1].status == 78, "\(outcomes[1].errors)")
        #expect(outcomes[1].errors.contains("no-such-bucket"), "\(outcomes[1].errors)")
    }
}
