import Foundation
import TestSupport
import Testing

@testable import AWS
@testable import Transport

/// The table of error codes: whole, with advice for each row, and followed by the programs as built.
struct ErrorTableTests {
    /// The exit status of a category, as docs/design.md section 5 has it.
    static func status(_ category: AWSError.Category) -> Int32 {
        switch category {
        case .notPermitted: 77
        case .unavailable, .stopped: 75
        case .configuration: 78
        case .protocolBroken: 76
        case .inputOutput: 74
        }
    }

    static func error(
        _ row: ErrorTable.Row, service: String, status: Int = 400
    ) -> AWSError? {
        let prefix = row.source == .kms ? "KMS." : ""
        let body =
            row.source == .status
            ? "<html><h1>no</h1></html>"
            : "<Error><Code>\(prefix)\(row.code)</Code><Message>as told</Message></Error>"
        let number = row.source == .status ? Int(row.code.dropFirst(4)) ?? 0 : status
        return AWSError(
            HTTPResponse(status: number, headers: [], body: Array(body.utf8)), service: service,
            operation: "CreateMultipartUpload", subject: "x")
    }

    private static let services: [ErrorTable.Source: String] = [
        .all: "kinesis", .s3: "s3", .kinesis: "kinesis", .sts: "sts", .kms: "s3",
        .cloudWatch: "monitoring", .sso: "sso", .status: "s3",
    ]

    // MARK: - The table

    @Test(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
    func `every error that AWS documents for our calls has a row`() throws {
        let outcome = try Program.run(
            try #require(Python.path), [place("documented_errors.py")])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let pairs = outcome.text.split(separator: "\n").map { $0.split(separator: " ") }
        try #require(pairs.count > 120, "\(pairs.count)")
        for pair in pairs where pair.count == 2 {
            let service = pair[0] == "cloudwatch" ? "monitoring" : String(pair[0])
            let code = pair[0] == "kms" ? "KMS.\(pair[1])" : String(pair[1])
            let row = ErrorTable.row(code, of: service == "kms" ? "s3" : service)
            #expect(row != nil && row?.source != .status, "\(pair)")
        }
        print("\(pairs.count) documented codes, \(ErrorTable.rows.count) rows")
    }

    @Test func `every row says what to do, once, with flags that there are`() throws {
        var seen: Set<String> = []
        let help = try ["s3-put", "kinesis-put", "healthd"].map { tool in
            try String(
                contentsOf: packageRoot.appendingPathComponent("docs/man/\(tool).1"),
                encoding: .utf8
            ).replacing("\\-", with: "-")
        }.joined()
        for row in ErrorTable.rows {
            #expect(seen.insert("\(row.source) \(row.code)").inserted, "\(row) comes twice")
            #expect(row.hint.count > 15, "\(row)")
            for word in row.hint.split(whereSeparator: { !($0.isLetter || $0 == "-") })
            where word.hasPrefix("--") {
                #expect(help.contains(word), "\(row.code): there is no \(word)")
            }
        }
    }

    @Test func `an answer gets the category, the advice and the handling of its row`() throws {
        for row in ErrorTable.rows where row.code != "HTMLPage" {
            let service = try #require(Self.services[row.source])
            let error = try #require(Self.error(row, service: service), "\(row)")
            #expect(error.category == row.category, "\(row): \(error)")
            #expect(error.hint == row.hint, "\(row): \(error)")
            let verdict = RetryDecision(error, isSkewed: false, conflictIsFinal: false)
            switch row.handling {
            case .throttle: #expect(verdict == .retry(.throttle), "\(row)")
            case .transient, .conflict: #expect(verdict == .retry(.transient), "\(row)")
            case .clock: #expect(verdict == .correctClock, "\(row)")
            case .credentials: #expect(verdict == .renewCredentials, "\(row)")
            case .signature, .redirect, .final: #expect(verdict == .final, "\(row)")
            }
        }
    }

    @Test(arguments: [200, 201, 204])
    func `a web page in the place of an answer is not a success`(status: Int) throws {
        for (headers, body) in [
            ([("Content-Type", "text/html; charset=utf-8")], "sign in"),
            ([], " \n<!DOCTYPE HTML><title>x</title>"), ([], "\u{FEFF}<html>"),
        ] {
            let response = HTTPResponse(status: status, headers: headers, body: Array(body.utf8))
            let error = AWSError(
                response, service: "s3", operation: "PutObject", subject: "bucket/key")
            #expect(error?.category == .protocolBroken && error?.code == "HTMLPage")
        }
        let good = HTTPResponse(status: status, headers: [("ETag", "\"x\"")], body: [])
        #expect(AWSError(good, service: "s3", operation: "PutObject", subject: "") == nil)
    }

    // MARK: - The programs

    /// Four at a time, so that the walk takes seconds.
    @Test(arguments: 0..<4)
    func `s3-put ends with each row's status and advice`(part: Int) throws {
        let sources: Set<ErrorTable.Source> = [.all, .s3, .kms, .status]
        let rows = ErrorTable.rows.filter { sources.contains($0.source) && $0.code != "HTMLPage" }
        for (index, row) in rows.enumerated() where index % 4 == part {
            let prefix = row.source == .kms ? "KMS." : ""
            // S3's own row decides where it has one.
            let expected = ErrorTable.row(prefix + row.code, of: "s3") ?? row
            let server = FaultServer([
                row.source == .status
                    ? .respond(
                        Int(row.code.dropFirst(4)) ?? 0, headers: [("Content-Type", "text/html")],
                        body: "<html><h1>no</h1></html>")
                    : .respond(
                        400,
                        body: "<Error><Code>\(prefix)\(row.code)</Code><Message>as told</Message>"
                            + "<RequestId>4711</RequestId></Error>")
            ])
            defer { server.stop() }
            let place = try TemporaryDirectory()
            let outcome = try Program.run(
                "s3-put",
                [
                    "--to", "s3://bucket/p", "--endpoint-url", server.url, "--check",
                    "--max-attempts", "1", "--state-dir", place.path("state"),
                ], environment: Keys.environment)
            #expect(
                outcome.status == Self.status(expected.category),
                "\(row.code): \(outcome.status) \(outcome.errors)")
            #expect(
                outcome.errors.contains(expected.hint.jsonEscaped),
                "\(row.code): \(outcome.errors)")
            if row.source != .status { #expect(outcome.errors.contains(row.code)) }
        }
    }

    @Test(arguments: ErrorTable.kinesis + ErrorTable.common.filter { $0.category == .notPermitted })
    func `kinesis-put keeps the records, and ends with each row's status and advice`(
        row: ErrorTable.Row
    ) throws {
        let expected = try #require(ErrorTable.row(row.code, of: "kinesis"))
        let server = FaultServer([
            .respond(
                400, headers: [("x-amzn-RequestId", "4711")],
                body: "{\"__type\":\"com.amazonaws#\(row.code)\",\"message\":\"as told\"}",
                keepsOpen: true)
        ])
        defer { server.stop() }
        let place = try TemporaryDirectory()
        let outcome = try Program.run(
            "kinesis-put",
            [
                "--streams", "*=market", "--endpoint-url", server.url, "--give-up-after", "1",
                "--hold-pause", "0.1", "--state-dir", place.path("state"),
            ], input: try OneTrade.frame(), environment: Keys.environment)
        let isWaitedOut = [.throttle, .transient].contains(expected.handling)
        #expect(
            outcome.status == (isWaitedOut ? 75 : Self.status(expected.category)),
            "\(row.code): \(outcome.status) \(outcome.errors)")
        #expect(outcome.errors.contains(row.code), "\(outcome.errors)")
        if !isWaitedOut {
            #expect(outcome.errors.contains(expected.hint.jsonEscaped), "\(outcome.errors)")
        }
    }

    @Test(arguments: ErrorTable.sts)
    func `a role that cannot be assumed ends a sink with the row's status and advice`(
        row: ErrorTable.Row
    ) throws {
        let server = FaultServer([
            .respond(
                400,
                body: "<ErrorResponse><Error><Code>\(row.code)</Code><Message>as told</Message>"
                    + "</Error></ErrorResponse>")
        ])
        defer { server.stop() }
        let place = try TemporaryDirectory()
        try Data("token\n".utf8).write(to: URL(fileURLWithPath: place.path("token")))
        let outcome = try Program.run(
            "s3-put",
            [
                "--to", "s3://bucket/p", "--endpoint-url", "http://127.0.0.1:9", "--check",
                "--state-dir", place.path("state"),
            ],
            environment: [
                "AWS_WEB_IDENTITY_TOKEN_FILE": place.path("token"), "AWS_REGION": "us-east-1",
                "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/x", "AWS_ACCESS_KEY_ID": "",
                "AWS_SECRET_ACCESS_KEY": "", "AWS_ENDPOINT_URL_STS": server.url,
            ])
        #expect(outcome.status == Self.status(row.category), "\(row.code): \(outcome.errors)")
        #expect(outcome.errors.contains(row.hint.jsonEscaped), "\(outcome.errors)")
        #expect(!server.requests.isEmpty)
    }

    // MARK: - The page

    @Test func `docs/errors.md is what the tables say`() throws {
        let url = packageRoot.appendingPathComponent("docs/errors.md")
        let expected = ErrorPage.text
        let found = (try? String(contentsOf: url, encoding: .utf8)) ?? ""
        if found != expected {
            let copy = FileManager.default.temporaryDirectory.appendingPathComponent("errors.md")
            try Data(expected.utf8).write(to: copy)
            Issue.record("docs/errors.md differs from the tables: see \(copy.path)")
        }
    }
}

/// A file of this folder.
func place(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(name).path
}

extension String {
    /// As it is within a log line of JSON.
    var jsonEscaped: String { replacing("/", with: "/").replacing("\"", with: "\\\"") }
}

/// An environment with keys, and without what else could have some.
enum Keys {
    static let environment = [
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "hush",
        "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    ]
}

/// One record, made by `recq pack`.
enum OneTrade {
    static func frame() throws -> [UInt8] {
        let line = """
            {"kind":"trade","symbol":"BTCUSDT","event_ts":1704067200015,"ingest_ts":1795632735260,\
            "trade_id":1,"price":65003.83000000,"qty":0.27059000,"is_buyer_maker":false,\
            "source":"rest","is_best_match":true,"price_exponent":-8,"qty_exponent":-8,\
            "event_time_us":1704067200015973,"ingest_time_ns":"1795632735260202299","venue":1,\
            "flags":0}

            """
        let outcome = try Program.run("recq", ["pack"], input: Array(line.utf8))
        try #require(outcome.status == 0, "\(outcome.errors)")
        return outcome.output
    }
}
