import Foundation
import TestSupport
import Testing

/// kinesis-put as built, while its circuit breaker probes.
struct CircuitTests {
    @Test func `a probe that could not be sent leaves the way open for the next one`() throws {
        let sink = try Sink()
        let server = sink.server
        let hasEnded = Switch()
        hasEnded.turn(false)
        server.script { call in
            if call.headers["authorization"]?.contains("Credential=NEW/") == true { return nil }
            if call.operation == "PutRecords" { return .refuse(500, body: "") }
            return hasEnded.isOn ? .refusal("ExpiredTokenException") : nil
        }
        // A source of credentials that can fail, and counts how often it was asked.
        let (key, asked) = (sink.place.path("key"), sink.place.path("asked"))
        let source = sink.place.path("source")
        try Data("#!/bin/sh\necho x >> \(asked)\ncat \(key)\n".utf8).write(
            to: URL(fileURLWithPath: source))
        chmod(source, 0o755)
        func give(_ name: String) throws {
            let text = "{\"Version\":1,\"AccessKeyId\":\"\(name)\",\"SecretAccessKey\":\"s\"}"
            try Data(text.utf8).write(to: URL(fileURLWithPath: key), options: .atomic)
        }
        try give("OLD")
        let program = try sink.start(
            [
                "--circuit-failures", "1", "--circuit-cooldown", "0.2", "--hold-pause", "0.05",
                "--shard-refresh", "0.1",
            ], environment: try sink.profile(config: "[default]\ncredential_process = \(source)\n"))
        program.write(try Trades.frames(1...5))
        #expect(waitUntil { server.calls("PutRecords").count > 1 }, "\(program.errors)")
        try FileManager.default.removeItem(atPath: key)
        hasEnded.turn(true)
        // Long enough for a probe to be due and to find no credentials.
        #expect(
            waitUntil { ((try? Data(contentsOf: URL(fileURLWithPath: asked)))?.count ?? 0) > 40 },
            "\(program.errors)")
        try give("NEW")
        try #require(waitUntil { server.acceptedCount == 15 }, "\(program.errors)")
        program.closeInput()
        #expect(program.wait() == 0, "\(program.errors)")
    }

    @Test(arguments: [
        ["--circuit-failures", "1", "--circuit-cooldown", "0.1"], ["--connections", "1"],
    ])
    func `waiting for an answer takes no processor, though other lanes are due`(
        _ options: [String]
    ) throws {
        let sink = try Sink(streams: ["market-sbe-trade": 2])
        let server = sink.server
        let probes = options.count > 2
        server.script { call in
            guard call.operation == "PutRecords" else { return nil }
            return probes && call.number < 2 ? .refuse(500, body: "") : .stall(stored: false)
        }
        let program = try sink.start(options + ["--request-timeout", "1.5"])
        program.write(try Trades.frames(1...5, symbols: ["BTCUSDT", "ETHUSDT"]))
        let first = probes ? 3 : 1
        #expect(waitUntil { server.calls("PutRecords").count == first }, "\(program.errors)")
        let before = program.processorSeconds
        #expect(waitUntil { server.calls("PutRecords").count > first }, "\(program.errors)")
        let spent = program.processorSeconds - before
        #expect(spent < 0.3, "\(spent) s of 1.5 s")
    }
}
