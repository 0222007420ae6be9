import Foundation
import Identity
import Records
import Stage
import TestSupport
import Testing

@testable import kinesis_put

extension KinesisServer.Fault {
    /// A refusal as Kinesis words it.
    static func refusal(_ code: String, headers: [(String, String)] = []) -> Self {
        .refuse(400, body: "{\"__type\":\"\(code)\",\"message\":\"as told\"}", headers: headers)
    }
}

extension Sink {
    /// An environment whose keys come from files only.
    func profile(config: String = "", credentials: String = "") throws -> [String: String] {
        try Data(config.utf8).write(to: URL(fileURLWithPath: place.path("config")))
        try Data(credentials.utf8).write(to: URL(fileURLWithPath: place.path("credentials")))
        return [
            "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": place.path("config"),
            "AWS_SHARED_CREDENTIALS_FILE": place.path("credentials"),
        ]
    }

    /// Records that were stored, those left out that the sink has made itself.
    var acceptedRecords: Int {
        get throws {
            try server.accepted.count {
                try FrameView($0.data.span.bytes).missingSequence == nil
            }
        }
    }

    /// What gap records say of records that were put aside, with where they are.
    var quarantineGaps: [String] {
        get throws {
            try server.accepted.compactMap { entry in
                let frame = try FrameView(entry.data.span.bytes)
                guard let missing = frame.missingSequence, frame.gapReason == .quarantined else {
                    return nil
                }
                let file = place.path("state/quarantine.ndjson")
                #expect(frame.gapEvidence.contains(" in \(file): "), "\(frame.gapEvidence)")
                return "\(missing.title) \(frame.firstID)...\(frame.lastID)"
            }
        }
    }

    /// Lines of the quarantine.
    var quarantined: Int {
        let text = try? String(
            contentsOfFile: place.path("state/quarantine.ndjson"), encoding: .utf8)
        return text?.split(separator: "\n").count ?? 0
    }
}

/// kinesis-put as built, refused for reasons that no record is to blame for.
struct RefusalTests {
    // MARK: - Arguments

    @Test(arguments: [true, false])
    func `a service that takes no record at all costs none, and the next run delivers`(
        _ refusesListing: Bool
    ) throws {
        let sink = try Sink()
        sink.server.script { call in
            call.operation == "PutRecords" || refusesListing
                ? .refusal("InvalidArgumentException") : nil
        }
        let outcome = try sink.put(try Trades.frames(1...20))
        #expect(outcome.status == 76, "\(outcome.errors)")
        #expect(outcome.errors.contains("60 records stay"), "\(outcome.errors)")
        #expect(sink.quarantined == 0)
        sink.server.script { _ in nil }
        let next = try sink.put([])
        #expect(next.status == 0, "\(next.errors)")
        try Trades.check(sink.server.accepted, ids: 1...20)
    }

    @Test(arguments: [[], ["--order", "relaxed"]])
    func `a bad record that comes first is found by those behind it`(
        _ options: [String]
    ) throws {
        let sink = try Sink(streams: ["market-sbe-trade": 1, "market-sbe-gap": 1])
        sink.server.script { call in
            call.entries.contains { entry in
                Trades.isRecord(entry.data, of: ("BTCUSDT", 1))
            } ? .refusal("InvalidArgumentException") : nil
        }
        let outcome = try sink.put(try Trades.frames(1...20), options)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try sink.acceptedRecords == 59 && sink.quarantined == 1)
        #expect(try sink.quarantineGaps == ["BTCUSDT trade 1...1"])
    }

    @Test func `a service that takes no record any more costs a few`() throws {
        let sink = try Sink(streams: ["market-sbe-trade": 3, "market-sbe-gap": 1])
        let isGood = Switch()
        sink.server.script { call in
            call.operation == "PutRecords" && !isGood.isOn
                ? .refusal("ValidationException") : nil
        }
        let program = try sink.start(["--hold-pause", "0.1"])
        program.write(try Trades.frames(1...10))
        #expect(waitUntil { sink.server.acceptedCount == 30 }, "\(sink.server.acceptedCount)")
        isGood.turn(false)
        program.write(try Trades.frames(11...40))
        #expect(
            waitUntil { program.errors.contains("delivery is paused until this is fixed") },
            "\(program.errors)")
        isGood.turn(true)
        program.closeInput()
        #expect(program.wait() == 0, "\(program.errors)")
        #expect(sink.quarantined <= 10, "\(sink.quarantined)")
        #expect(try sink.acceptedRecords + sink.quarantined == 120)
        // Each of them is told of to the readers of the streams.
        let told = try sink.quarantineGaps
        #expect(told.isEmpty == (sink.quarantined == 0), "\(told)")
    }

    // MARK: - Credentials and clock

    @Test func `keys that are refused and found again unchanged end the run, with few calls`()
        throws
    {
        let sink = try Sink()
        let isGood = Switch()
        sink.server.script { _ in isGood.isOn ? nil : .refusal("UnrecognizedClientException") }
        let environment = try sink.profile(
            credentials: "[default]\naws_access_key_id = A\naws_secret_access_key = S\n")
        let program = try sink.start(["--give-up-after", "5"], environment: environment)
        program.write(try Trades.frames(1...1))
        #expect(waitUntil { sink.server.acceptedCount == 3 }, "\(program.errors)")
        isGood.turn(false)
        let before = sink.server.calls("PutRecords").count + sink.server.calls("ListShards").count
        program.write(try Trades.frames(2...6))
        #expect(
            waitUntil { program.errors.contains("delivery is paused until this is fixed") },
            "\(program.errors)")
        program.closeInput()
        #expect(program.wait() == 77, "\(program.errors)")
        #expect(program.errors.contains("15 records stay"), "\(program.errors)")
        let calls = sink.server.calls("PutRecords").count + sink.server.calls("ListShards").count
        #expect(calls - before < 20, "\(calls - before)")
    }

    @Test func `a key that is put right in its file is found without a restart`() throws {
        let sink = try Sink()
        let isGood = Switch()
        sink.server.script { call in
            isGood.isOn || call.headers["authorization"]?.contains("Credential=RIGHT/") == true
                ? nil : .refusal("UnrecognizedClientException")
        }
        let environment = try sink.profile(
            credentials: "[default]\naws_access_key_id = WRONG\naws_secret_access_key = S\n")
        let program = try sink.start(["--hold-pause", "0.1"], environment: environment)
        program.write(try Trades.frames(1...1))
        #expect(waitUntil { sink.server.acceptedCount == 3 }, "\(program.errors)")
        isGood.turn(false)
        program.write(try Trades.frames(2...5))
        #expect(
            waitUntil { program.errors.contains("delivery is paused until this is fixed") },
            "\(program.errors)")
        _ = try sink.profile(
            credentials: "[default]\naws_access_key_id = RIGHT\naws_secret_access_key = S\n")
        // The file is looked at again half a minute after the last time.
        try #require(waitUntil(60) { sink.server.acceptedCount == 15 }, "\(program.errors)")
        program.closeInput()
        #expect(program.wait() == 0, "\(program.errors)")
    }

    @Test func `calls under way together may all find the clock wrong`() throws {
        let sink = try Sink(streams: ["market-sbe-trade": 2])
        let server = sink.server
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        let date = formatter.string(from: Date().addingTimeInterval(7200))
        server.script { call in
            guard call.operation == "PutRecords", call.number < 2 else { return nil }
            // Both are signed before either is answered.
            _ = waitUntil { server.calls("PutRecords").count >= 2 }
            return .refusal("InvalidSignatureException", headers: [("Date", date)])
        }
        // BTCUSDT falls into the upper half, ETHUSDT into the lower one.
        let symbols = ["BTCUSDT", "ETHUSDT"]
        let program = try sink.start()
        program.write(try Trades.frames(1...5, symbols: symbols))
        try #require(waitUntil(10) { server.acceptedCount == 10 }, "\(program.errors)")
        program.closeInput()
        #expect(program.wait() == 0, "\(program.errors)")
        #expect(!program.errors.contains("are held"), "\(program.errors)")
    }

    @Test func `a credential process works where the parent ignores SIGCHLD`() throws {
        let sink = try Sink()
        let json = #"{"Version": 1, "AccessKeyId": "PROC", "SecretAccessKey": "s"}"#
        // A shell of its own waits for its children, which it cannot where SIGCHLD is ignored.
        let script = "sh -c 'true; echo \"$0\"' '\(json)'"
        var environment = try sink.profile(config: "[default]\ncredential_process = \(script)\n")
        environment["TOOL"] = Program.directory.appendingPathComponent("kinesis-put").path
        let outcome = try Program.run(
            "bash", ["-c", "trap '' CHLD; exec \"$TOOL\" \"$@\"", "bash"] + sink.arguments([]),
            input: try Trades.frames(1...5), environment: environment)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let header = sink.server.calls("PutRecords").first?.headers["authorization"]
        #expect(header?.contains("Credential=PROC/") == true, "\(header ?? "no call")")
    }

    @Test func `a token never goes to the endpoint that is set for another service`() throws {
        let sink = try Sink()
        let strange = FaultServer([.respond(404)])
        defer { strange.stop() }
        try Data("aws:\n  localstack_endpoint: \(strange.url)\n".utf8).write(
            to: URL(fileURLWithPath: sink.place.path("config.yaml")))
        try Data("SECRET.K8S.TOKEN".utf8).write(to: URL(fileURLWithPath: sink.place.path("token")))
        var environment = try sink.profile()
        environment["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/x"
        environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = sink.place.path("token")
        // AWS's own service is what is left, and is not to be reached here.
        environment["HTTPS_PROXY"] = "http://127.0.0.1:1"
        let outcome = try Program.run(
            "kinesis-put",
            ["--config", sink.place.path("config.yaml"), "--state-dir", sink.place.path("state")],
            environment: environment)
        #expect(outcome.status == 75, "\(outcome.errors)")
        #expect(outcome.errors.contains("sts AssumeRoleWithWebIdentity"), "\(outcome.errors)")
        #expect(strange.requests.isEmpty, "\(strange.requests.map(\.target))")
        #expect(!outcome.errors.contains("K8S"))
    }

    // MARK: - Without MD5

    @Test func `containers are refused at the start where there is no MD5`() throws {
        #expect(throws: StageFailure.self) {
            try KinesisOptions.check(isAggregated: true, hasMD5: false)
        }
        try KinesisOptions.check(isAggregated: true, hasMD5: true)
        try KinesisOptions.check(isAggregated: false, hasMD5: false)
    }
}
