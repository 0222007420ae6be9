import Encoding
import Monitoring
import Stage

/// The answers about health, with the shapes and status codes of the service that this replaces.
struct HealthAnswers {
    let overview: Overview
    let mode: String

    static let componentPrefix = "/health/components/"

    /// The components of the service that this replaces, and the stages that do their work.
    private static let aliases = [
        "sbe_client": "sbe-tap", "kinesis_producer": "kinesis-put", "s3_writer": "s3-put",
    ]

    func answer(_ path: String) -> Answer {
        switch path {
        case "/": index
        case "/health": health
        case "/health/detailed": detailed
        case "/stats": .json(.object([timestamp, ("stats", .object(stats))]))
        case "/ready": probe(Self.notReady, "ready")
        case "/fresh": probe(Self.notFresh, "fresh")
        case "/complete": complete
        case "/overview": .json(overview.json)
        default: component(String(path.dropFirst(Self.componentPrefix.count)))
        }
    }

    private var timestamp: (String, JSONValue) {
        ("timestamp", .string(Timestamp.milliseconds(nanoseconds: overview.time)))
    }
    private var service: (String, JSONValue) { ("service", .string(overview.service)) }
    private var status: String { overview.isHealthy ? "healthy" : "unhealthy" }
    private var code: Int { overview.isHealthy ? 200 : 503 }

    // MARK: - The old answers

    private var index: Answer {
        .json(
            .object([
                service, ("version", .string(Version.text)),
                ("description", .string("Market data of Binance Spot, complete and once")),
                ("endpoints", .array(Answers.paths.map { .string($0) })), timestamp,
            ]))
    }

    private var health: Answer {
        var members = [("status", JSONValue.string(status)), timestamp, service]
        if !overview.problems.isEmpty {
            let bad = overview.problems.filter(\.code.isUnhealthy)
            members.append(("issues", .array(bad.map { .string($0.message) })))
            members.append(("reasons", .array(overview.problems.map(\.json))))
        }
        return .json(.object(members), status: code)
    }

    private var detailed: Answer {
        .json(
            .object([
                timestamp, service, ("overall_status", .string(status)),
                ("components", .object(components.map { ($0.name, details($0.stages)) })),
                ("stats", .object(stats)),
                ("problems", .array(overview.problems.map(\.json))),
                ("links", .array(overview.links.map(\.json))),
            ]), status: code)
    }

    private func component(_ name: String) -> Answer {
        guard let component = components.first(where: { $0.name == name }) else {
            return .error(
                404, "no such component: \(name)",
                [("available_components", .array(components.map { .string($0.name) }))])
        }
        let isHealthy = component.stages.allSatisfy(\.isHealthy)
        return .json(
            .object([
                timestamp, ("component", .string(name)),
                ("status", .string(isHealthy ? "healthy" : "unhealthy")),
                ("details", details(component.stages)),
            ]), status: isHealthy ? 200 : 503)
    }

    // MARK: - Components

    /// Every stage by its id, by its name when that is not its id, and by the old names.
    private var components: [(name: String, stages: [StageView])] {
        var found: [(name: String, stages: [StageView])] = []
        for stage in overview.stages { found.append((stage.id, [stage])) }
        let groups = Dictionary(grouping: overview.stages.filter(isCurrent), by: \.stage)
        for (name, stages) in groups.sorted(by: { $0.key < $1.key }) {
            found.append((name, stages))
        }
        for (alias, name) in Self.aliases.sorted(by: { $0.key < $1.key }) {
            if let stages = groups[name] { found.append((alias, stages)) }
        }
        return found
    }

    /// A process that ended in order and has a successor says nothing about its stage any more.
    private func isCurrent(_ stage: StageView) -> Bool {
        stage.isRunning
            || !overview.stages.contains {
                $0.stage == stage.stage && $0.startTime > stage.startTime
            }
    }

    private func details(_ stages: [StageView]) -> JSONValue {
        let ids = Set(stages.map(\.id))
        let problems = overview.problems.filter { $0.stage.map(ids.contains) ?? false }
        let isHealthy = problems.allSatisfy { !$0.code.isUnhealthy }
        return .object([
            ("status", .string(isHealthy ? "healthy" : "unhealthy")),
            ("issues", .array(problems.map { .string($0.message) })),
            ("reasons", .array(problems.map { .string($0.code.rawValue) })),
            ("stats", figures(stages)),
        ])
    }

    private func figures(_ stages: [StageView]) -> JSONValue {
        var sums: [String: Int64] = [:]
        for stage in stages { sums.merge(stage.figures) { $0 &+ $1 } }
        var members: [(String, JSONValue)] = [
            ("state", .string(stages.map(\.state).joined(separator: ","))),
            ("instances", .integer(Int64(stages.count))),
        ]
        members += sums.sorted { $0.key < $1.key }.map { ($0.key, .integer($0.value)) }
        if let error = stages.compactMap(\.lastError).max(by: { $0.time < $1.time }) {
            members.append(("last_error", .string(error.text)))
        }
        return .object(members)
    }

    /// Figures of the whole, then of each component.
    private var stats: [(String, JSONValue)] {
        func sum(_ names: [String], _ figure: String) -> Int64 {
            overview.stages.filter { names.contains($0.stage) }
                .reduce(0) { $0 &+ ($1.figures[figure] ?? 0) }
        }
        let errors = ["decode_errors", "records_quarantined", "request_retries", "retries"]
        let all = overview.stages.reduce(Int64(0)) { total, stage in
            errors.reduce(total) { $0 &+ (stage.figures[$1] ?? 0) }
        }
        let last = overview.stages.compactMap {
            $0.figures["last_record_time_ns"] ?? $0.figures["last_message_ns"]
        }.max()
        let whole: [(String, JSONValue)] = [
            ("mode", .string(mode)),
            ("uptime_seconds", .number(Double(overview.time - overview.startTime) / 1e9)),
            ("running", .bool(overview.stages.contains(where: \.isRunning))),
            ("messages_processed", .integer(sum(["sbe-tap", "rest-pull"], "records_out"))),
            ("records_written_s3", .integer(sum(["s3-put"], "records_out"))),
            ("records_sent_kinesis", .integer(sum(["kinesis-put"], "records_out"))),
            ("errors", .integer(all)),
            (
                "last_activity",
                last.map { $0 > 0 ? .string(Timestamp.milliseconds(nanoseconds: $0)) : .null }
                    ?? .null
            ),
        ]
        return [("service", .object(whole))] + components.map { ($0.name, figures($0.stages)) }
    }

    // MARK: - Probes

    private static let notReady: Set<Problem.Code> = [
        .nothingRuns, .stageMissing, .stageDead, .stageFailed, .connectionDown,
    ]
    private static let notFresh: Set<Problem.Code> = [
        .nothingRuns, .stageMissing, .stageDead, .stageFailed, .heartbeatStale, .noData,
        .connectionDown, .undelivered, .breakerOpen,
    ]

    private func probe(_ codes: Set<Problem.Code>, _ word: String) -> Answer {
        reply(overview.problems.filter { codes.contains($0.code) }.map(\.json), word)
    }

    /// No hole is open in any ledger, however young, and nothing disappeared on the way.
    private var complete: Answer {
        var reasons = overview.problems.filter {
            $0.code == .conservationOpen || $0.code == .linkBroken
        }.map(\.json)
        for stage in overview.stages {
            for coverage in stage.coverage where coverage.holes > 0 {
                var problem = Problem(
                    .holeOpen, stage: stage.id,
                    "\(coverage.sequence): \(coverage.holes) holes, \(coverage.missing) ids missing"
                )
                problem.since = coverage.oldestHole
                reasons.append(problem.json)
            }
        }
        return reply(reasons, "complete")
    }

    private func reply(_ reasons: [JSONValue], _ word: String) -> Answer {
        .json(
            .object([
                ("status", .string(reasons.isEmpty ? word : "not \(word)")), timestamp,
                ("reasons", .array(reasons)),
            ]), status: reasons.isEmpty ? 200 : 503)
    }
}
