import Foundation
import TestSupport
import Testing

/// kinesis-put as built, against servers of strangers that check signatures; read back by boto3,
/// AWS's own module for containers, and fastavro.
@Suite(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
struct LocalServerTests {
    enum Server: String, CaseIterable {
        case moto, MiniStack
    }

    struct Form: Sendable, CustomTestStringConvertible {
        let options: [String]
        let format: String
        var isAggregated = false
        var testDescription: String { options.joined(separator: " ") }
    }

    static let forms = [
        Form(options: [], format: "avro", isAggregated: true),
        Form(options: ["--no-aggregate", "--order", "strict"], format: "avro"),
        Form(options: ["--no-aggregate", "--format", "json"], format: "json"),
        Form(
            options: ["--no-aggregate", "--format", "sbe", "--compression", "zstd"],
            format: "sbe+zstd"),
        Form(
            options: ["--aggregate", "--explicit-hash", "--format", "json"], format: "json",
            isAggregated: true),
    ]

    /// A server, and how to reach it.
    private final class Running {
        let url: String
        let key: String
        let secret: String
        private let owner: AnyObject

        init(_ server: Server) throws {
            switch server {
            case .moto:
                let script = packageRoot.appendingPathComponent(
                    "Tests/KinesisPutTests/moto_kinesis.py"
                ).path
                let program = try BackgroundProgram(try #require(Python.path), [script])
                let words = program.firstLine().split(separator: " ").map(String.init)
                try #require(words.count == 3, "moto did not start")
                (url, key, secret) = (words[0], words[1], words[2])
                owner = program
            case .MiniStack:
                let stack = try MiniStack()
                (url, key, secret) = (stack.endpoint, stack.accessKeyID, stack.secretAccessKey)
                owner = stack
            }
        }

        var environment: [String: String] {
            [
                "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret,
                "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL_KINESIS": url,
            ]
        }
    }

    private static let symbols = ["BTCUSDT", "ETHUSDT", "BNBUSDT", "币安人生USDT"]

    private func check(_ server: Server) throws {
        let running = try Running(server)
        for (number, form) in Self.forms.enumerated() {
            let place = try TemporaryDirectory()
            let stream = "trades-\(number)"
            let count: Int64 = form.isAggregated ? 300 : 40
            let outcome = try Program.run(
                "kinesis-put",
                [
                    "--create-streams", "--shards", "3", "--state-dir", place.path("state"),
                    "--streams", "trade=\(stream)",
                ] + form.options, input: try Trades.frames(1...count, symbols: Self.symbols),
                environment: running.environment)
            #expect(outcome.status == 0, "\(form): \(outcome.errors)")
            let read = try Program.run(
                try #require(Python.path),
                [
                    packageRoot.appendingPathComponent("Tests/KinesisPutTests/read_stream.py").path,
                    running.url, running.key, running.secret, stream, form.format,
                    packageRoot.appendingPathComponent("docs/schemas/trade.avsc").path,
                    Self.symbols.joined(separator: ","), "\(count)",
                ])
            #expect(read.status == 0, "\(form): \(read.errors)")
            let contained = Int(read.text.split(separator: "\n").first ?? "") ?? -1
            #expect(form.isAggregated ? contained > 1000 : contained == 0, "\(form)")
        }
    }

    @Test func `moto takes the signatures, and what it stored reads back`() throws {
        try check(.moto)
    }

    @Test(.enabled(if: MiniStack.python != nil, "\(MiniStack.absence)"))
    func `MiniStack takes the signatures, and what it stored reads back`() throws {
        try check(.MiniStack)
    }

    @Test func `a wrong secret is 77 in the form of moto's refusal`() throws {
        try checkWrongSecret(.moto)
    }

    @Test(.enabled(if: MiniStack.python != nil, "\(MiniStack.absence)"))
    func `a wrong secret is 77 in the form of MiniStack's refusal`() throws {
        try checkWrongSecret(.MiniStack)
    }

    private func checkWrongSecret(_ server: Server) throws {
        let running = try Running(server)
        let place = try TemporaryDirectory()
        var wrong = running.environment
        wrong["AWS_SECRET_ACCESS_KEY"] = "not-the-secret"
        let outcome = try Program.run(
            "kinesis-put", ["--state-dir", place.path("state")],
            input: try Trades.frames(1...3), environment: wrong)
        #expect(outcome.status == 77, "\(outcome.errors)")
        #expect(!outcome.errors.contains("not-the-secret"))
        // Nothing was read: it is found out before.
        #expect(!outcome.errors.contains("records stay"), "\(outcome.errors)")
    }
}
