import Foundation
import Identity
import Records
import TestSupport
import Testing

/// kinesis-put as built, against a Kinesis that misbehaves on command: one test a fault.
struct FaultTests {
    struct Fault: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// Asked about each PutRecords call, by its number.
        let script: @Sendable (KinesisServer.Call) -> KinesisServer.Fault?
        /// The reply was lost after the records were stored.
        var losesReplies = false
        var options: [String] = []
    }

    private static func json(_ code: String, _ message: String = "as told") -> String {
        "{\"__type\":\"com.amazonaws.kinesis.v20131202#\(code)\",\"message\":\"\(message)\"}"
    }

    static let faults = [
        Fault(testDescription: "no fault") { _ in nil },
        Fault(testDescription: "every third entry is throttled") { call in
            let places = call.entries.indices.filter { ($0 + call.number) % 3 == 0 }
            guard call.number % 2 == 0 else { return nil }
            return .entries(
                [Int: String](
                    uniqueKeysWithValues: places.map {
                        ($0, "ProvisionedThroughputExceededException")
                    }))
        },
        Fault(testDescription: "entries fail inside, others with a code nobody knows") { call in
            guard call.number % 3 == 1 else { return nil }
            return .entries([0: call.number % 2 == 0 ? "InternalFailure" : "Surprise"])
        },
        Fault(testDescription: "whole calls are throttled") { call in
            call.number % 40 == 3
                ? .refuse(400, body: json("ProvisionedThroughputExceededException")) : nil
        },
        Fault(testDescription: "500s, 503s and a proxy's page") { call in
            switch call.number % 25 {
            case 3: .refuse(500, body: json("InternalFailure"))
            case 4: .refuse(503, body: "<html>no</html>")
            case 5: .refuse(502, body: "")
            default: nil
            }
        },
        Fault(testDescription: "connections that end before anything is stored") { call in
            call.number % 20 == 7 ? .hangUp(stored: false) : nil
        },
        Fault(
            testDescription: "connections that end after all is stored",
            script: { $0.number % 20 == 7 ? .hangUp(stored: true) : nil }, losesReplies: true),
        Fault(
            testDescription: "no answer, nothing stored",
            script: { $0.number == 5 ? .stall(stored: false) : nil },
            // Longer than a busy machine takes for the other answers, which must not be lost.
            options: ["--request-timeout", "3"]),
        Fault(
            testDescription: "no answer, all stored",
            script: { $0.number == 5 ? .stall(stored: true) : nil }, losesReplies: true,
            options: ["--request-timeout", "0.3"]),
        Fault(testDescription: "slow answers") { $0.number % 10 == 1 ? .slow(0.05) : nil },
        Fault(
            testDescription: "half of an answer",
            script: { $0.number % 20 == 9 ? .cut : nil }, losesReplies: true),
        Fault(
            testDescription: "an answer that is no JSON",
            script: { $0.number % 20 == 9 ? .garbage("{\"Records\":[{]}") : nil },
            losesReplies: true),
        Fault(
            testDescription: "an answer for another number of records",
            script: { $0.number % 20 == 9 ? .garbage("{\"Records\":[]}") : nil },
            losesReplies: true),
        Fault(testDescription: "a stream that is being changed") { call in
            call.number == 2 ? .refuse(400, body: json("ResourceInUseException")) : nil
        },
        Fault(testDescription: "XML where JSON is due") { call in
            guard call.number == 2 else { return nil }
            return .refuse(
                400, body: "<Error><Code>ThrottlingException</Code><Message>x</Message></Error>")
        },
    ]

    @Test(arguments: faults)
    func `order holds and nothing is lost`(_ fault: Fault) throws {
        let sink = try Sink()
        sink.server.script { $0.operation == "PutRecords" ? fault.script($0) : nil }
        let outcome = try sink.put(try Trades.frames(1...60), fault.options)
        #expect(outcome.status == 0, "\(outcome.errors)")
        try Trades.check(
            sink.server.accepted, ids: 1...60, repeats: fault.losesReplies)
        #expect(outcome.errors.contains("180 records confirmed"), "\(outcome.errors)")
        // What was confirmed is refused from now on.
        let again = try sink.put(try Trades.frames(1...60))
        #expect(
            again.status == 0 && again.errors.contains("\"refused\":180"),
            "\(again.status) \(again.errors)")
        try Trades.check(sink.server.accepted, ids: 1...60, repeats: fault.losesReplies)
    }

    @Test func `only failed entries are sent again`() throws {
        let sink = try Sink(streams: ["market-sbe-trade": 1, "market-sbe-gap": 1])
        sink.server.script { call in
            call.operation == "PutRecords" && call.number == 0
                ? .entries([1: "InternalFailure"]) : nil
        }
        let outcome = try sink.put(try Trades.frames(1...1))
        #expect(outcome.status == 0, "\(outcome.errors)")
        let calls = sink.server.calls("PutRecords").map { $0.entries.map(\.key) }
        #expect(calls == [["BTCUSDT", "ETHUSDT", "BNBUSDT"], ["ETHUSDT"]])
    }

    @Test func `a throttled shard does not hold up the others`() throws {
        let sink = try Sink(streams: ["market-sbe-trade": 2])
        let held = Switch()
        // BTCUSDT falls into the upper half, ETHUSDT into the lower one.
        sink.server.script { call in
            guard call.operation == "PutRecords", held.isOn, call.entries[0].key == "BTCUSDT"
            else { return nil }
            return .entries(
                [Int: String](
                    uniqueKeysWithValues: call.entries.indices.map {
                        ($0, "ProvisionedThroughputExceededException")
                    }))
        }
        let program = try sink.start()
        program.write(try Trades.frames(1...50, symbols: ["BTCUSDT", "ETHUSDT"]))
        #expect(waitUntil { sink.server.acceptedCount == 50 }, "\(sink.server.acceptedCount)")
        #expect(Set(sink.server.accepted.map(\.key)) == ["ETHUSDT"])
        held.turn(false)
        program.closeInput()
        #expect(program.wait() == 0, "\(program.errors)")
        try Trades.check(sink.server.accepted, ids: 1...50, symbols: ["BTCUSDT", "ETHUSDT"])
    }

    // MARK: - Who may, and where

    @Test func `a stream that is missing holds its records and no others`() throws {
        let sink = try Sink()
        let server = sink.server
        server.script { call in
            call.stream == "market-sbe-bestbidask" && call.operation != "CreateStream"
                && !server.has(call.stream)
                ? .refuse(400, body: Self.json("ResourceNotFoundException")) : nil
        }
        let program = try sink.start(["--hold-pause", "0.1"])
        for id in 1...20 as ClosedRange<Int64> {
            program.write(try Trades.frame("BTCUSDT", id, kind: .bestBidAsk))
            program.write(try Trades.frame("BTCUSDT", id))
        }
        #expect(waitUntil { sink.server.acceptedCount == 20 }, "\(sink.server.acceptedCount)")
        #expect(
            waitUntil { program.errors.contains("delivery is paused until this is fixed") },
            "\(program.errors)")
        #expect(Set(sink.server.accepted.map(\.stream)) == ["market-sbe-trade"])
        sink.server.create("market-sbe-bestbidask", shards: 1)
        program.closeInput()
        #expect(program.wait() == 0, "\(program.errors)")
        let quotes = sink.server.accepted.filter { $0.stream == "market-sbe-bestbidask" }
        try Trades.check(quotes, ids: 1...20, symbols: ["BTCUSDT"])
    }

    @Test(
        arguments: [("AccessDeniedException", 77), ("KMSAccessDeniedException", 77)]
            as [(String, Int32)])
    func `what only a person can mend ends the run after the input, and keeps all`(
        _ code: String, _ status: Int32
    ) throws {
        let sink = try Sink()
        sink.server.script { _ in .refuse(400, body: Self.json(code)) }
        let outcome = try sink.put(try Trades.frames(1...10))
        #expect(outcome.status == status, "\(outcome.errors)")
        #expect(outcome.errors.contains("30 records stay"), "\(outcome.errors)")
        sink.server.script { _ in nil }
        let next = try sink.put(try Trades.frames(11...20))
        #expect(next.status == 0, "\(next.errors)")
        try Trades.check(sink.server.accepted, ids: 1...20)
    }

    @Test func `streams are made when asked`() throws {
        let sink = try Sink(streams: [:])
        let server = sink.server
        server.script { call in
            server.has(call.stream) || call.operation == "CreateStream"
                ? nil : .refuse(400, body: Self.json("ResourceNotFoundException"))
        }
        let outcome = try sink.put(
            try Trades.frames(1...20), ["--create-streams", "--shards", "4"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        try Trades.check(sink.server.accepted, ids: 1...20)
        #expect(sink.server.calls("CreateStream").count == 1)
    }

    @Test func `who may write but not list sends all the same`() throws {
        for options in [[], ["--aggregate"]] {
            let sink = try Sink()
            sink.server.script { call in
                call.operation == "ListShards"
                    ? .refuse(400, body: Self.json("AccessDeniedException")) : nil
            }
            let outcome = try sink.put(try Trades.frames(1...20), options)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.errors.contains("without the shard map"))
        }
    }

    @Test func `a skewed clock is set by the answer, once`() throws {
        let sink = try Sink()
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        let date = formatter.string(from: Date().addingTimeInterval(3600))
        formatter.dateFormat = "yyyyMMdd'T'HH"
        let hour = formatter.string(from: Date().addingTimeInterval(3600))
        let nextHour = formatter.string(from: Date().addingTimeInterval(7200))
        sink.server.script { call in
            let stamp = call.headers["x-amz-date"] ?? ""
            if stamp.hasPrefix(hour) || stamp.hasPrefix(nextHour) { return nil }
            return .refuse(
                400, body: Self.json("InvalidSignatureException", "Signature expired"),
                headers: [("Date", date)])
        }
        let outcome = try sink.put(try Trades.frames(1...20))
        #expect(outcome.status == 0, "\(outcome.errors)")
        try Trades.check(sink.server.accepted, ids: 1...20)
    }

    /// At the end of the input, where what needs a person ends the run at once.
    @Test(arguments: [(2, Int32(0)), (1000, 77)])
    func `a call whose bytes changed on the way goes again, and a wrong secret ends the run`(
        mismatches: Int, status: Int32
    ) throws {
        let sink = try Sink()
        sink.server.script { call in
            guard call.operation == "PutRecords", call.number < mismatches else { return nil }
            return .refuse(400, body: Self.json("InvalidSignatureException", "does not match"))
        }
        let outcome = try sink.put(try Trades.frames(1...20))
        #expect(outcome.status == status, "\(outcome.errors)")
        if status == 0 { try Trades.check(sink.server.accepted, ids: 1...20) }
    }

    @Test func `expired credentials are renewed and the call goes again`() throws {
        let sink = try Sink()
        func pair(_ key: String) -> FaultServer.Answer {
            .respond(
                200,
                body:
                    "{\"AccessKeyId\":\"\(key)\",\"SecretAccessKey\":\"s\",\"Token\":\"t-\(key)\","
                    + "\"Expiration\":\"2099-01-01T00:00:00Z\"}")
        }
        let agent = FaultServer([pair("FIRST"), pair("SECOND")])
        defer { agent.stop() }
        sink.server.script { call in
            call.number > 0 && call.operation == "PutRecords"
                && call.headers["authorization"]?.contains("Credential=FIRST") == true
                ? .refuse(400, body: Self.json("ExpiredTokenException")) : nil
        }
        let outcome = try sink.put(
            try Trades.frames(1...30),
            environment: [
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": agent.url + "/", "AWS_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
                "AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
            ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        try Trades.check(sink.server.accepted, ids: 1...30)
        #expect(
            sink.server.calls("PutRecords").last?.headers["x-amz-security-token"] == "t-SECOND")
    }

    // MARK: - Bad records

    @Test(arguments: [[], ["--order", "relaxed"]])
    func `a record that the service will not take goes to the quarantine, alone`(
        _ options: [String]
    ) throws {
        let sink = try Sink(streams: ["market-sbe-trade": 1, "market-sbe-gap": 1])
        let bad = try Trades.frame("ETHUSDT", 7)
        let id = try Trades.identity(bad)
        sink.server.script { call in
            let isBad = call.entries.contains { entry in
                Trades.isRecord(entry.data, of: id)
            }
            return isBad
                ? .refuse(400, body: Self.json("InvalidArgumentException", "no such record")) : nil
        }
        let outcome = try sink.put(try Trades.frames(1...20), options)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try sink.acceptedRecords == 59)
        #expect(try sink.quarantineGaps == ["ETHUSDT trade 7...7"])
        #expect(!sink.server.accepted.contains { Trades.isRecord($0.data, of: id) })
        let quarantine = try String(
            contentsOfFile: sink.place.path("state/quarantine.ndjson"), encoding: .utf8)
        #expect(quarantine.split(separator: "\n").count == 1)
        #expect(quarantine.contains("no such record"))
        #expect(outcome.errors.contains("\"quarantined\":1"), "\(outcome.errors)")
    }

    @Test func `a record that is too long, or no record, goes to the quarantine`() throws {
        let sink = try Sink(streams: ["market-sbe-trade": 3, "market-sbe-gap": 1])
        var broken = try Trades.frame("BTCUSDT", 2)
        // A block too short for a trade: the root block ends after the prefix.
        broken[6] = 72
        broken[7] = 0
        let good = try Trades.frame("BTCUSDT", 1)
        let last = try Trades.frame("BTCUSDT", 3)
        let outcome = try sink.put(good + broken + last, ["--format", "avro"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(sink.server.acceptedCount == 3, "the trades, and a gap record")
        #expect(outcome.errors.contains("\"quarantined\":1"), "\(outcome.errors)")
    }

    @Test func `bytes that are no frames end with 65 after what came before is delivered`() throws {
        let sink = try Sink()
        let outcome = try sink.put(try Trades.frames(1...20) + Array("garbage!".utf8))
        #expect(outcome.status == 65, "\(outcome.errors)")
        try Trades.check(sink.server.accepted, ids: 1...20)
    }

    // MARK: - Shards that change

    @Test(arguments: [[], ["--aggregate", "--format", "sbe"]])
    func `order holds through a reshard`(_ options: [String]) throws {
        let sink = try Sink(streams: ["market-sbe-trade": 2])
        let program = try sink.start(options + ["--shard-refresh", "0.1"])
        for round in 0..<6 as Range<Int64> {
            let before = sink.server.acceptedCount
            program.write(try Trades.frames(round * 20 + 1...round * 20 + 20))
            #expect(
                waitUntil { sink.server.acceptedCount > before }, "\(sink.server.acceptedCount)")
            if round == 1 || round == 3 {
                sink.server.reshard("market-sbe-trade", to: round == 1 ? 5 : 1)
            }
        }
        // The map is read again while there is something to send.
        var last: Int64 = 120
        #expect(
            try waitUntil {
                if program.errors.contains("the shards have changed") { return true }
                last += 1
                program.write(try Trades.frames(last...last))
                return false
            })
        program.closeInput()
        #expect(program.wait() == 0, "\(program.errors)")
        if options.isEmpty {
            try Trades.check(sink.server.accepted, ids: 1...last)
        } else {
            // Containers are taken apart by a stranger elsewhere; here their order counts.
            #expect(sink.server.accepted.allSatisfy { !$0.shard.isEmpty })
        }
    }
}

/// A switch between threads.
final class Switch: @unchecked Sendable {
    private let lock = NSLock()
    private var value = true

    var isOn: Bool { lock.withLock { value } }
    func turn(_ value: Bool) { lock.withLock { self.value = value } }
}
