import AWS
import Foundation
import Stats
import TestSupport
import Testing

@testable import healthd

/// healthd tells CloudWatch: read back from two servers of strangers, and through an outage.
struct CloudWatchTests {
    /// Where data points go.
    struct Place {
        let environment: [String: String]
        let python: String
        /// Keeps the server alive.
        let server: AnyObject

        static func moto() throws -> Place {
            let python = try #require(Python.path)
            let script = packageRoot.appendingPathComponent("Tests/HealthTests/moto_cloudwatch.py")
            let server = try BackgroundProgram(python, [script.path])
            let words = server.firstLine().split(separator: " ").map(String.init)
            try #require(words.count == 3, "moto did not start")
            return Place(
                environment: [
                    "AWS_ENDPOINT_URL": words[0], "AWS_ACCESS_KEY_ID": words[1],
                    "AWS_SECRET_ACCESS_KEY": words[2], "AWS_REGION": "us-east-1",
                ], python: python, server: server)
        }

        static func ministack() throws -> Place {
            let server = try MiniStack()
            return Place(
                environment: server.environment, python: try #require(MiniStack.python),
                server: server)
        }

        /// What it holds.
        func read() throws -> [String: [String: Any]] {
            let script = packageRoot.appendingPathComponent("Tests/HealthTests/read_metrics.py")
            let outcome = try Program.run(
                python,
                [script.path]
                    + ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
                    .compactMap { environment[$0] } + ["Test/Ingestor"])
            try #require(outcome.status == 0, "\(outcome.errors)")
            let json = try JSONSerialization.jsonObject(with: Data(outcome.output))
            return json as? [String: [String: Any]] ?? [:]
        }
    }

    private static let arguments = [
        "--cloudwatch", "api", "--metrics-namespace", "Test/Ingestor",
    ]

    /// A sink whose figures are known.
    private static func sink(_ health: Health) throws -> StatsWriter {
        // What was there before the first look is not counted.
        try #require(try waitUntil { try health.get("/overview").status == 200 })
        let stats = try StatsWriter(
            directory: health.stats, stage: "s3-put", instance: "fake", pipeline: "main")
        stats.counter("records_out", help: "").add(1200)
        stats.counter("objects_out", labels: "kind=\"trade\"", help: "").add(3)
        stats.counter("bytes_out", help: "").add(4096)
        stats.gauge("records_waiting", help: "").set(17)
        let delay = stats.histogram("ack_delay", help: "")
        // More buckets than CloudWatch takes values.
        for power in 0..<230 { delay.record(Int64(1000 * pow(1.07, Double(power))), count: 2) }
        stats.enter(.running)
        return stats
    }

    @Test(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
    func `moto reads back what stages counted`() throws { try checkReadBack("moto") }

    @Test(.enabled(if: MiniStack.python != nil, "\(MiniStack.absence)"))
    func `MiniStack reads back what stages counted`() throws { try checkReadBack("ministack") }

    private func checkReadBack(_ name: String) throws {
        let place = try name == "moto" ? Place.moto() : Place.ministack()
        let health = try Health(
            ["heartbeat_seconds: 600"], arguments: Self.arguments, environment: place.environment,
            lines: ["metrics:", "  cloudwatch_interval_seconds: 1"])
        let stats = try Self.sink(health)
        var metrics: [String: [String: Any]] = [:]
        _ = try waitUntil(30) {
            metrics = try place.read()
            return metrics["S3FilesWritten{Pipeline=main,Stage=s3-put}"]?["sum"] as? Double == 3
        }
        func check(_ name: String, _ statistic: String, _ value: Double) {
            #expect(
                metrics[name]?[statistic] as? Double == value, "\(name): \(metrics[name] ?? [:])")
        }
        check("S3RecordsWritten{Pipeline=main,Stage=s3-put}", "sum", 1200)
        // Asked without dimensions, both servers add up what has some, too; CloudWatch does not.
        check("RecordsWrittenS3", "sum", 2400)
        check("S3BytesWritten", "sum", 8192)
        check("ServiceRunning", "max", 1)
        check("RecordsWaiting{Pipeline=main,Stage=s3-put}", "max", 17)
        check("ProcessingDelay{Pipeline=main,Stage=s3-put}", "count", 460)
        let delay = metrics["ProcessingDelay{Pipeline=main,Stage=s3-put}"] ?? [:]
        let sum = (0..<230).reduce(0) { $0 + 2 * (1000 * pow(1.07, Double($1))) } / 1e6
        let found = try #require(delay["sum"] as? Double)
        #expect(abs(found - sum) / sum < 0.13, "\(found) instead of \(sum)")
        withExtendedLifetime(stats) {}
    }

    /// Data points of a call that came, uncompressed.
    private func points(_ request: FaultServer.Request) throws -> [[String: Any]] {
        #expect(request.headers["content-encoding"] == "gzip")
        #expect(request.headers["content-type"] == "application/x-amz-json-1.0")
        #expect(
            request.headers["x-amz-target"] == "GraniteServiceVersion20100801.PutMetricData")
        let plain = try Program.run("gzip", ["-dc"], input: request.body)
        try #require(plain.status == 0)
        let json = try JSONSerialization.jsonObject(with: Data(plain.output))
        return (json as? [String: Any])?["MetricData"] as? [[String: Any]] ?? []
    }

    private static let fakeAccount = [
        "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "us-east-1",
    ]

    @Test func `after an outage the missed periods come with their own times, each once`() throws {
        // The first call fails with all its attempts.
        let failure = FaultServer.Answer.respond(500, body: "{\"__type\":\"InternalFailure\"}")
        let server = FaultServer([failure, failure, failure, .respond(200, body: "{}")])
        defer { server.stop() }
        let health = try Health(
            ["heartbeat_seconds: 600"],
            arguments: Self.arguments + [
                "--metrics-resolution", "1", "--endpoint-url", server.url,
            ], environment: Self.fakeAccount,
            lines: ["metrics:", "  cloudwatch_interval_seconds: 2"])
        let stats = try Self.sink(health)
        // Answers of healthd do not wait meanwhile.
        #expect(try health.get("/live").status == 200)
        #expect(waitUntil(40) { server.requests.count >= 6 }, "\(server.requests.count) requests")
        let requests = server.requests
        let lost = try points(requests[0])
        let sent = try requests.dropFirst(3).flatMap { try points($0) }
        func times(_ points: [[String: Any]]) -> [Double] {
            points.filter { $0["MetricName"] as? String == "ServiceRunning" }
                .compactMap { $0["Timestamp"] as? Double }
        }
        #expect(!lost.isEmpty && Set(times(lost)).isSubset(of: Set(times(sent))))
        // Every second once, without a hole.
        let all = times(sent).sorted()
        #expect(Set(all).count == all.count)
        for (one, next) in zip(all, all.dropFirst()) { #expect(next - one <= 2, "\(one) \(next)") }
        #expect(sent.allSatisfy { $0["StorageResolution"] as? Int == 1 })
        withExtendedLifetime(stats) {}
    }

    @Test func `a call that is refused is halved until nothing but the bad point is lost`() throws {
        let refusal = FaultServer.Answer.respond(
            400, body: "{\"__type\":\"InvalidParameterValueException\",\"message\":\"no\"}")
        let server = FaultServer([refusal, refusal, .respond(200, body: "{}")])
        defer { server.stop() }
        let health = try Health(
            ["heartbeat_seconds: 600"],
            arguments: Self.arguments + ["--endpoint-url", server.url],
            environment: Self.fakeAccount,
            lines: ["metrics:", "  cloudwatch_interval_seconds: 1"])
        let stats = try Self.sink(health)
        #expect(waitUntil(30) { server.requests.count >= 8 }, "\(server.requests.count) requests")
        let requests = server.requests
        let whole = try points(requests[0])
        #expect(try points(requests[1]).count == whole.count / 2)
        let sent = try requests.dropFirst(2).flatMap { try points($0) }
        let names = sent.compactMap { $0["MetricName"] as? String }
        // Once with dimensions, and once as the sum over all.
        let written = sent.filter { $0["MetricName"] as? String == "RecordsWrittenS3" }
        #expect(written.map { $0["Value"] as? Double } == [1200, 1200])
        #expect(written.count { $0["Dimensions"] == nil } == 1)
        #expect(Set(whole.compactMap { $0["MetricName"] as? String }).isSubset(of: Set(names)))
        withExtendedLifetime(stats) {}
    }

    @Test func `a name that breaks a rule is told in one line a period`() throws {
        let place = try TemporaryDirectory()
        let stats = try StatsWriter(
            directory: place.path("stats"), stage: "s3-put", instance: "a", pipeline: "pipéline")
        stats.enter(.running)
        let program = try LiveProgram(
            "healthd",
            [
                "--stats-dir", place.path("stats"), "--listen", "127.0.0.1:0", "--metrics-port",
                "0", "--interval", "0.1", "--cloudwatch", "emf", "--metrics-resolution", "1",
            ])
        let number = stats.counter(FigureName.recordsIn, help: "")
        let bytes = stats.counter(FigureName.bytesIn, help: "")
        #expect(
            waitUntil {
                number.add()
                bytes.add(10)
                return program.errors.contains("data points are not sent, first")
            }, "\(program.errors)")
        let lines = program.errors.split(separator: "\n").filter { $0.contains("not sent") }
        let periods = Set(lines.map { $0.prefix(40) })
        #expect(lines.count <= periods.count, "\(lines)")
        program.signalled(SIGTERM)
        #expect(program.wait() == 0)
    }

    @Test func `lines for the agent have the embedded metric format`() throws {
        let place = try TemporaryDirectory()
        let stats = try StatsWriter(
            directory: place.path("stats"), stage: "s3-put", instance: "fake", pipeline: "main")
        stats.enter(.running)
        let config = place.path("config.yaml")
        try Data("metrics:\n  cloudwatch_interval_seconds: 1\n".utf8)
            .write(to: URL(fileURLWithPath: config))
        let healthd = try LiveProgram(
            "healthd",
            [
                "--config", config, "--stats-dir", place.path("stats"), "--listen", "127.0.0.1:0",
                "--metrics-port", "0", "--interval", "0.1", "--cloudwatch", "emf",
            ])
        #expect(waitUntil { healthd.errors.contains("_aws") }, "\(healthd.errors)")
        stats.counter("records_out", help: "").add(12)
        let delay = stats.histogram("ack_delay", help: "")
        for index in 0..<1000 { delay.record(Int64(index) * 1_000_000 + 1_000_000) }
        #expect(
            waitUntil { healthd.errors.contains("\"RecordsWrittenS3\":12") }, "\(healthd.errors)")
        #expect(waitUntil { healthd.errors.contains("\"ProcessingDelay\":[") }, "\(healthd.errors)")
        let lines = healthd.errors.split(separator: "\n").filter { $0.contains("_aws") }
        for line in lines {
            let json = try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let head = try #require(json["_aws"] as? [String: Any])
            #expect((head["Timestamp"] as? Int64 ?? 0) > 1_700_000_000_000)
            let directives = try #require(head["CloudWatchMetrics"] as? [[String: Any]])
            for directive in directives {
                #expect(directive["Namespace"] as? String == "BitcoinPipeline/Ingestor")
                let sets = try #require(directive["Dimensions"] as? [[String]])
                for name in sets.joined() { #expect(json[name] is String, "\(name)") }
                for metric in directive["Metrics"] as? [[String: Any]] ?? [] {
                    let name = try #require(metric["Name"] as? String)
                    let list = json[name] as? [Double] ?? []
                    #expect(json[name] is NSNumber || (1...100).contains(list.count), "\(name)")
                }
            }
        }
        healthd.signalled(SIGTERM)
        #expect(healthd.wait() == 0)
    }

    @Test(arguments: [1, 100, 150, 151, 274])
    func `a distribution keeps every count in at most 150 values`(filled: Int) throws {
        var buckets = [UInt64](repeating: 0, count: HistogramBuckets.count)
        for index in 0..<filled { buckets[index] = UInt64(index + 1) }
        guard let value = PeriodMetrics.distribution(buckets),
            case .distribution(let values, let counts) = value
        else { throw CocoaError(.coderInvalidValue) }
        #expect(values.count <= 150 && values.count == counts.count)
        #expect(counts.reduce(0, +) == Double(filled * (filled + 1) / 2))
        #expect(values == values.sorted())
        #expect(PeriodMetrics.distribution([0, 0, 0]) == nil)
    }

    @Test func `the queue is bounded, and the oldest go first`() {
        var queue = MetricQueue()
        let now: Int64 = 1_795_000_000_000
        let text = String(repeating: "x", count: 10_000)
        for index in 0..<1000 {
            queue.append([MetricQueue.Entry(json: text, time: now + Int64(index))])
        }
        #expect(queue.count == MetricQueue.maximumBytes / 10_000)
        #expect(queue.dropped == 1000 - queue.count)
        // A call is bounded by bytes, and by number.
        let batch = queue.next(limit: 1000, now: now)
        #expect(batch.count == 99 && batch[0].time == now + Int64(queue.dropped))
        queue.remove(batch, droppedBefore: queue.dropped)
        #expect(queue.next(limit: 1000, now: now)[0].time == batch[98].time + 1)
        // What was dropped while a call was under way is not taken off twice.
        let next = queue.next(limit: 10, now: now)
        let before = queue.dropped
        queue.append((0..<105).map { _ in MetricQueue.Entry(json: text, time: now) })
        #expect(queue.dropped > before)
        let count = queue.count
        queue.remove(next, droppedBefore: before)
        #expect(queue.count == count - max(0, 10 - (queue.dropped - before)))
    }

    @Test(
        arguments: [
            (["--cloudwatch", "sometimes"], 64), (["--metrics-resolution", "7"], 64),
            (
                [
                    "--cloudwatch", "api", "--metrics-namespace", "AWS/Mine", "--region",
                    "us-east-1",
                ], 78
            ),
            (["--cloudwatch", "api", "--region", "us-east-1", "--endpoint-url", "ftp://x"], 64),
        ] as [([String], Int32)])
    func `wrong settings are refused at once`(arguments: [String], code: Int32) throws {
        let outcome = try Program.run(
            "healthd", ["--listen", "127.0.0.1:0", "--metrics-port", "0"] + arguments,
            environment: ["AWS_EC2_METADATA_DISABLED": "true"])
        #expect(outcome.status == code, "\(outcome.errors)")
    }
}
