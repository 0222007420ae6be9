import Foundation
import Identity
import Records
import TestSupport
import Testing

/// What kinesis-put does when it is told nothing about containers and order.
struct DefaultTests {
    /// Without the options that other tests add.
    private func put(
        _ sink: Sink, _ input: [UInt8], _ options: [String] = [],
        environment: [String: String] = [:]
    ) throws -> Program.Outcome {
        try Program.run(
            "kinesis-put",
            [
                "--endpoint-url", sink.server.url, "--state-dir", sink.place.path("state"),
                "--format", "sbe", "--stats-dir", sink.place.path("stats"), "--instance", "test",
            ] + options, input: input, environment: Sink.credentials.merging(environment) { $1 })
    }

    @Test func `one busy symbol is in order and needs few calls`() throws {
        let sink = try Sink()
        sink.server.script { $0.operation == "PutRecords" ? .slow(0.01) : nil }
        let outcome = try put(sink, try Trades.frames(1...20_000, symbols: ["BTCUSDT"]))
        #expect(outcome.status == 0, "\(outcome.errors)")
        let records = sink.server.accepted.flatMap(Container.records)
        try Trades.check(records, ids: 1...20_000, symbols: ["BTCUSDT"])
        // 3000 a second at 10 ms a call are 30 records a call; 100 leave room for a far region.
        let calls = sink.server.calls("PutRecords").count
        #expect(calls <= 200, "\(calls) calls for 20000 records")
    }

    @Test func `containers that fail go again, in order and without a loss`() throws {
        let sink = try Sink()
        sink.server.script { call in
            guard call.operation == "PutRecords" else { return nil }
            switch call.number {
            case 1: return .entries([0: "ProvisionedThroughputExceededException"])
            case 3, 5: return .entries([0: "InternalFailure"])
            case 7: return .refuse(500, body: "{\"__type\":\"InternalFailure\"}")
            default: return nil
            }
        }
        let outcome = try put(
            sink, try Trades.frames(1...800), ["--linger", "0", "--aggregate-bytes", "25600"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        try Trades.check(sink.server.accepted.flatMap(Container.records), ids: 1...800)
    }

    @Test(
        arguments: [
            (["--no-aggregate"], [:], false), (["--aggregate"], [:], true),
            ([], ["KINESIS__AGGREGATE": "false"], false),
            (["--aggregate"], ["KINESIS__AGGREGATE": "false"], true),
            (["--no-aggregate", "--order", "strict"], [:], false),
            (["--order", "strict"], [:], true),
        ] as [([String], [String: String], Bool)])
    func `single records are sent when asked for, by flag or variable`(
        _ options: [String], _ environment: [String: String], _ isAggregated: Bool
    ) throws {
        let sink = try Sink()
        let outcome = try put(
            sink, try Trades.frames(1...50), options, environment: environment)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let accepted = sink.server.accepted
        #expect((accepted.count < 150) == isAggregated, "\(accepted.count) Kinesis records")
        try Trades.check(accepted.flatMap(Container.records), ids: 1...50)
    }
}
