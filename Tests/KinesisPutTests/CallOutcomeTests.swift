import AWS
import Testing
import Transport

@testable import kinesis_put

/// What follows from the end of a call: the table, row by row.
struct CallOutcomeTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let outcome: @Sendable () throws -> CallOutcome
        var health: @Sendable () -> StreamHealth = { CallOutcomeTests.health }
        let actions: [CallOutcome.Action]
    }

    private static var health: StreamHealth {
        StreamHealth(breaker: CircuitBreaker(failures: 5, coolDown: 10))
    }

    /// One that has taken records, and then fell into trouble.
    private static var troubled: StreamHealth {
        var health = health
        _ = health.recordStored()
        _ = health.recordTrouble(error("AccessDeniedException"), at: 0)
        return health
    }

    /// Of a stream whose signature did not fit three times.
    private static func mismatched(everySeconds: Int64, hasStored: Bool) -> StreamHealth {
        var health = health
        if hasStored { _ = health.recordStored() }
        for time in 0..<3 { health.recordMismatch(at: Int64(time) * everySeconds * 1_000_000_000) }
        return health
    }

    private static func error(_ code: String, status: Int = 400) -> AWSError {
        KinesisFailure.example(code, status: status).error
    }

    private static func failure(_ code: String, status: Int = 400) -> @Sendable () -> CallOutcome {
        { .failure(KinesisFailure.example(code, status: status)) }
    }

    private static func words(_ code: String, status: Int = 400) -> String {
        "\(error(code, status: status))"
    }

    private static func reply(
        _ entries: String, shard: String = "s"
    ) -> @Sendable () throws -> CallOutcome {
        {
            let body = Array("{\"Records\":[\(entries)]}".utf8)
            return .reply(try #require(PutRecordsReply(body, count: 2, shard: shard)))
        }
    }

    private static let stored = #"{"SequenceNumber":"1","ShardId":"s"}"#
    private static let throttle = "ProvisionedThroughputExceededException"

    static let rows = [
        Row(
            testDescription: "all stored", outcome: reply("\(stored),\(stored)"),
            actions: [.recordSuccess, .complete(failed: [:])]),
        Row(
            testDescription: "all stored, after trouble", outcome: reply("\(stored),\(stored)"),
            health: { troubled }, actions: [.recordSuccess, .endTrouble, .complete(failed: [:])]),
        Row(
            testDescription: "stored in another shard",
            outcome: reply("\(stored),\(stored)", shard: "t"),
            actions: [.recordSuccess, .readShards, .complete(failed: [:])]),
        Row(
            testDescription: "an entry throttled",
            outcome: reply("\(stored),{\"ErrorCode\":\"\(throttle)\",\"ErrorMessage\":\"Rate\"}"),
            actions: [
                .recordSuccess, .remember("the shard is throttled (\(throttle)): Rate"),
                .complete(failed: [1: true]),
            ]),
        Row(
            testDescription: "an entry failed inside, another for a reason nobody knows",
            outcome: reply(
                #"{"ErrorCode":"InternalFailure"},{"ErrorCode":"Surprise","ErrorMessage":"x"}"#),
            actions: [
                .recordSuccess, .complain("an entry failed: Surprise: x"),
                .remember("entries fail: Surprise: x"), .complete(failed: [0: false, 1: false]),
            ]),
        Row(
            testDescription: "unreadable", outcome: { .unreadable(bytes: 12) },
            actions: [
                .complain("unreadable PutRecords response (12 bytes)"), .recordFailure,
                .remember("unreadable PutRecords response"), .retry(.transient, isUnknown: true),
            ]),
        Row(
            testDescription: "500", outcome: failure("InternalFailure", status: 500),
            actions: [
                .recordFailure, .complain(words("InternalFailure", status: 500)),
                .remember(words("InternalFailure", status: 500)),
                .retry(.transient, isUnknown: true),
            ]),
        Row(
            testDescription: "throttled as a whole", outcome: failure(throttle),
            actions: [
                .recordSuccess, .remember("the stream is throttled: \(words(throttle))"),
                .retry(.throttle, isUnknown: false),
            ]),
        Row(
            testDescription: "KMS throttled", outcome: failure("KMSThrottlingException"),
            actions: [
                .recordSuccess,
                .remember("the stream is throttled: \(words("KMSThrottlingException"))"),
                .retry(.throttle, isUnknown: false),
            ]),
        Row(
            testDescription: "being changed", outcome: failure("ResourceInUseException"),
            actions: [
                .recordSuccess, .complain(words("ResourceInUseException")),
                .remember(words("ResourceInUseException")), .retry(.notReady, isUnknown: false),
            ]),
        Row(
            testDescription: "missing", outcome: failure("ResourceNotFoundException"),
            actions: [.recordSuccess, .hold, .retry(.attention, isUnknown: false)]),
        Row(
            testDescription: "denied", outcome: failure("AccessDeniedException"),
            actions: [.recordSuccess, .hold, .retry(.attention, isUnknown: false)]),
        Row(
            testDescription: "other bytes than those that were signed",
            outcome: failure("InvalidSignatureException"),
            actions: [
                .recordSuccess, .recordMismatch, .complain(words("InvalidSignatureException")),
                .remember(words("InvalidSignatureException")),
                .retry(.transient, isUnknown: false),
            ]),
        Row(
            testDescription: "a signature that does not fit again and again, where none ever did",
            outcome: failure("InvalidSignatureException"),
            health: { mismatched(everySeconds: 0, hasStored: false) },
            actions: [.recordSuccess, .hold, .retry(.attention, isUnknown: false)]),
        Row(
            testDescription: "calls side by side that were changed, of a stream that took records",
            outcome: failure("InvalidSignatureException"),
            health: { mismatched(everySeconds: 0, hasStored: true) },
            actions: [
                .recordSuccess, .recordMismatch, .complain(words("InvalidSignatureException")),
                .remember(words("InvalidSignatureException")),
                .retry(.transient, isUnknown: false),
            ]),
        Row(
            testDescription: "a signature that does not fit any more for ten seconds",
            outcome: failure("InvalidSignatureException"),
            health: { mismatched(everySeconds: 5, hasStored: true) },
            actions: [.recordSuccess, .hold, .retry(.attention, isUnknown: false)]),
        Row(
            testDescription: "refused, before the stream took anything",
            outcome: failure("InvalidArgumentException"),
            actions: [
                .recordSuccess,
                .complain(
                    "\(words("InvalidArgumentException")); looking for the record in 2"),
                .remember(words("InvalidArgumentException")), .isolate(mayGiveUp: false),
            ]),
        Row(
            testDescription: "too large, by a stream that takes records",
            outcome: failure("RequestEntityTooLarge", status: 413), health: { troubled },
            actions: [
                .recordSuccess,
                .complain(
                    "\(words("RequestEntityTooLarge", status: 413)); looking for the record in 2"),
                .remember(words("RequestEntityTooLarge", status: 413)),
                .isolate(mayGiveUp: true),
            ]),
    ]

    @Test(arguments: rows)
    func `each end of a call has its actions`(_ row: Row) throws {
        let actions = try row.outcome().decide(records: 2, health: row.health())
        #expect(actions == row.actions)
    }

    // MARK: - Health

    @Test func `complaints are paced, and those left out are counted`() {
        var health = Self.health
        let second: Int64 = 1_000_000_000
        var lines: [Int?] = []
        for time in [0, 1, 2, 31, 32] as [Int64] {
            lines.append(health.complaint(at: time * second))
        }
        #expect(lines == [0, nil, nil, 2, nil])
        // Trouble of another kind is said at once, the same again is not.
        let denied = Self.error("AccessDeniedException")
        let first = health.recordTrouble(denied, at: 33 * second)
        let again = health.recordTrouble(denied, at: 34 * second)
        let other = health.recordTrouble(Self.error("KMSNotFoundException"), at: 35 * second)
        #expect(first == 1 && again == nil && other == 1)
        #expect(health.trouble?.code == "KMSNotFoundException")
        let (ended, endedAgain) = (health.endTrouble(), health.endTrouble())
        #expect(ended && !endedAgain)
    }

    @Test func `records are given up only while others are stored, and ten at most`() {
        var health = Self.health
        #expect(!health.mayGiveUp)
        let isFirst = health.recordStored()
        #expect(isFirst, "what was refused before may be tried at once")
        for _ in 0..<10 {
            #expect(health.mayGiveUp)
            health.recordRefusal()
        }
        #expect(!health.mayGiveUp)
        health.recordFailure("x")
        let isFirstAgain = health.recordStored()
        #expect(isFirstAgain && health.lastFailure == nil)
    }
}
