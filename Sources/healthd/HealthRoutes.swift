import Encoding
import Monitoring
import NIOCore
import Stage
import Stats

/// The answers about health, with the shapes and status codes of the service that this replaces.
struct HealthRoutes {
    let overview: Overview
    let deployment: Deployment

    static let componentPrefix = "/health/components/"

    /// The components of the service that this replaces, and the stages that do their work.
    private static let aliases = [
        "sbe_client": "sbe-tap", "kinesis_producer": "kinesis-put", "s3_writer": "s3-put",
    ]

    func answer(_ path: String) -> Response {
        switch path {
        case "/": index
        case "/health": health
        case "/health/detailed": detailed
        case "/stats": .json(.object([timestamp, ("stats", .object(stats))]))
        case "/ready": probe(Self.notReady, "ready")
        case "/fresh": probe(Self.notFresh, "fresh")
        case "/complete": complete
        case "/overview": .json(overview.json)
        case let path where Self.stageOfSettings(path) != nil:
            settings(of: Self.stageOfSettings(path) ?? "")
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

    private var index: Response {
        .json(
            .object([
                service, ("version", .string(Version.text)),
                ("description", .string("Market data of Binance Spot, complete, each record once")),
                ("endpoints", .array(Router.paths.map { .string($0) })), timestamp,
            ]))
    }

    private var health: Response {
        var members = [("status", JSONValue.string(status)), timestamp, service]
        if !overview.problems.isEmpty {
            let bad = overview.problems.filter(\.isUnhealthy)
            members.append(("issues", .array(bad.map { .string($0.message) })))
            members.append(("reasons", .array(overview.problems.map(\.json))))
        }
        return .json(.object(members), status: code)
    }

    private var detailed: Response {
        .json(
            .object([
                timestamp, service, ("overall_status", .string(status)),
                ("components", .object(components.map { ($0.name, details($0.stages)) })),
                ("stats", .object(stats)),
                ("problems", .array(overview.problems.map(\.json))),
                ("links", .array(overview.links.map(\.json))),
            ]), status: code)
    }

    private func component(_ name: String) -> Response {
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

    // MARK: - Settings

    /// The stage that `/stages/STAGE/settings` names; nil for other paths.
    static func stageOfSettings(_ path: String) -> String? {
        let (start, end) = ("/stages/", "/settings")
        guard path.hasPrefix(start), path.hasSuffix(end), path.count > start.count + end.count
        else { return nil }
        return String(path.dropFirst(start.count).dropLast(end.count))
    }

    /// What a running stage goes by; no secret is in it.
    private func settings(of stage: String) -> Response {
        guard let text = SettingsFile.json(of: stage, in: deployment.directory) else {
            return .error(
                404, "no such stage runs: \(stage)",
                [("stages", .array(overview.members.map { .string($0.id) }))])
        }
        return Response(body: ByteBuffer(string: text + "\n"))
    }

    // MARK: - Components

    /// Every member by its id, by its stage when that is not its id, and by the old names. Visitors
    /// are in /overview only.
    private var components: [(name: String, stages: [StageView])] {
        var found: [(name: String, stages: [StageView])] = []
        for stage in overview.members { found.append((stage.id, [stage])) }
        let groups = Dictionary(grouping: overview.members.filter(isCurrent), by: \.stage)
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
            || !overview.members.contains {
                $0.stage == stage.stage && $0.startTime > stage.startTime
            }
    }

    private func details(_ stages: [StageView]) -> JSONValue {
        let ids = Set(stages.map(\.id))
        let problems = overview.problems.filter { $0.stage.map(ids.contains) ?? false }
        let isHealthy = problems.allSatisfy { !$0.isUnhealthy }
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
            overview.members.filter { names.contains($0.stage) }
                .reduce(0) { $0 &+ ($1.figures[figure] ?? 0) }
        }
        let errors = [
            FigureName.decodeErrors, FigureName.recordsQuarantined, FigureName.requestRetries,
            FigureName.retries,
        ]
        let all = overview.members.reduce(Int64(0)) { total, stage in
            errors.reduce(total) { $0 &+ (stage.figures[$1] ?? 0) }
        }
        let last = overview.members.compactMap { $0.figures[FigureName.lastRecordTime] }.max()
        let whole: [(String, JSONValue)] = [
            ("mode", .string(deployment.mode)),
            ("environment", .string(deployment.environment)),
            ("uptime_seconds", .number(overview.time.seconds(since: overview.startTime))),
            ("running", .bool(overview.members.contains(where: \.isRunning))),
            ("messages_processed", .integer(sum(["sbe-tap", "rest-pull"], FigureName.recordsOut))),
            ("records_written_s3", .integer(sum(["s3-put"], FigureName.recordsOut))),
            ("records_sent_kinesis", .integer(sum(["kinesis-put"], FigureName.recordsOut))),
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

    private func probe(_ codes: Set<Problem.Code>, _ word: String) -> Response {
        reply(overview.problems.filter { codes.contains($0.code) }.map(\.json), word)
    }

    /// Something runs, no hole is open in any ledger, however young, and nothing disappeared on the
    /// way. What is declared missing permanently is a number beside that.
    private var complete: Response {
        var reasons = overview.problems.filter {
            [.nothingRuns, .objectConflict, .conservationOpen, .linkBroken].contains($0.code)
        }.map(\.json)
        var declared: [JSONValue] = []
        var total: Int64 = 0
        for stage in overview.members where stage.isRunning || !stage.isReplaced {
            for coverage in stage.coverage {
                if coverage.holes > 0 { reasons.append(Self.hole(coverage, stage)) }
                guard coverage.declared > 0 else { continue }
                total &+= coverage.declared
                declared.append(
                    .object([
                        ("stage", .string(stage.id)), ("sequence", .string(coverage.sequence)),
                        ("ids", .integer(coverage.declared)),
                    ]))
            }
        }
        return reply(
            reasons, "complete",
            [("declared_ids", .integer(total)), ("declared", .array(declared))])
    }

    private static func hole(_ coverage: SequenceCoverage, _ stage: StageView) -> JSONValue {
        let holes = "\(coverage.holes) \(coverage.holes == 1 ? "hole" : "holes")"
        let ids = "\(coverage.missing) \(coverage.missing == 1 ? "id" : "ids") missing"
        var message = "\(coverage.sequence): \(holes), \(ids)"
        if let repair = coverage.repair {
            message += "; stop \(stage.id) and pipe into it: \(repair)"
        }
        var problem = Problem(.holeOpen, stage: stage.id, message)
        problem.since = coverage.oldestHole
        return problem.json
    }

    private func reply(
        _ reasons: [JSONValue], _ word: String, _ more: [(String, JSONValue)] = []
    ) -> Response {
        .json(
            .object(
                [
                    ("status", .string(reasons.isEmpty ? word : "not \(word)")), timestamp,
                    ("reasons", .array(reasons)),
                ] + more), status: reasons.isEmpty ? 200 : 503)
    }
}
