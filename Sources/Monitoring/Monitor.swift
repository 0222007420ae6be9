import Glibc
import Posix
import Stats

/// Reads the stats files of a directory again and again, and makes an ``Overview`` of them.
public final class Monitor {
    /// When something counts as a problem; may change at any time.
    public var thresholds: Thresholds
    private let service: String
    private let version: String
    private let startTime = Clock.realtimeNanoseconds()
    private var files: WatchedFiles
    /// Since when each problem is known.
    private var known: [String: Int64] = [:]
    /// Totals of processes that are gone, for sums that must not fall.
    private var retired = RetiredTotals()

    /// Adds up for exports that want differences; nil when there is none.
    private var tracker: PeriodTracker?

    /// The last exposition, for its memory.
    private var kept = Bytes()

    /// What the last look found.
    private var last: Overview?

    /// Stages that are followed at most, visitors included; each takes a descriptor.
    public static let maximumStages =
        WatchedFiles.maximumMembers + WatchedFiles.maximumVisitors

    /// Looks at a directory, which need not exist yet.
    ///
    /// - Parameter version: of the program that looks.
    public init(
        directory: String, service: String, version: String = "", thresholds: Thresholds
    ) {
        self.service = service
        self.version = version
        self.thresholds = thresholds
        files = WatchedFiles(directory: directory)
    }

    /// Every stage that is followed, in order.
    var stages: [StageWatch] { files.watches.sorted { $0.key < $1.key }.map(\.value) }

    /// Those that belong to the host's health.
    private var members: [StageWatch] { stages.filter { !$0.isVisitor } }

    /// Reads everything.
    public func sample() -> Overview {
        let now = Clock.monotonicNanoseconds()
        let time = Clock.realtimeNanoseconds()
        files.read(now: now, keep: thresholds.keep) { snapshot in
            if !snapshot.isVisitor { retired.add(snapshot) }
        }
        let overview = overview(time)
        tracker?.take(members, overview)
        last = overview
        return overview
    }

    /// Begins to add up for ``endPeriod()``.
    public func beginPeriods() {
        tracker = PeriodTracker(time: Clock.realtimeNanoseconds())
    }

    /// What happened since it was called last, or since ``beginPeriods()``; nil before that.
    public func endPeriod() -> Period? { tracker?.end(time: Clock.realtimeNanoseconds()) }

    /// Lends everything as Prometheus scrapes it, in UTF-8, as of the last look; nothing before the
    /// first. The text of a host with many stages is long and made each second: the memory for it
    /// is kept.
    public func withMetrics<Result>(
        isOpenMetrics: Bool, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        var text = Bytes(capacity: 0)
        swap(&text, &kept)
        defer { swap(&text, &kept) }
        text.removeAll()
        if let last {
            let metrics = HostMetrics(
                overview: last, members: members, retired: retired, version: version)
            metrics.exposition().write(isOpenMetrics ? .openMetrics : .prometheus, to: &text)
        }
        return text.span.withUnsafeBytes(body)
    }

    /// The media types of the two formats.
    public static let contentTypes = (
        prometheus: Exposition.Form.prometheus.contentType,
        openMetrics: Exposition.Form.openMetrics.contentType
    )

    // MARK: - The picture

    private func overview(_ time: Int64) -> Overview {
        let stages = stages
        let links = Links.between(stages)
        let rules = Rules(thresholds: thresholds, now: time)
        let fed = Set(links.map(\.to))
        let members = stages.filter { !$0.isVisitor }
        let replaced = Set(members.filter { isReplaced($0, members) }.map(\.id))
        var problems = wholeProblems(members, visitors: stages.count - members.count)
        for stage in members {
            problems += rules.problems(
                of: stage, isReplaced: replaced.contains(stage.id),
                hasSource: fed.contains(stage.id))
        }
        problems += Links.problems(links, members)
        date(&problems, time)
        let views = stages.map { stage in
            StageView(
                stage, isReplaced: replaced.contains(stage.id),
                problems: stage.isVisitor
                    ? [] : problems.filter { $0.stage == stage.id }.map(\.code))
        }
        return Overview(
            time: time, service: service, startTime: startTime, stages: views, links: links,
            problems: problems,
            unseen: files.unseenMembers + files.unseenFailed + files.unseenEnded)
    }

    private func wholeProblems(_ members: [StageWatch], visitors: Int) -> [Problem] {
        let running = members.filter { !$0.isOver && $0.snapshot.stage != "healthd" }
        var problems: [Problem] = []
        if running.isEmpty {
            let hint =
                visitors > 0
                ? "; visitors do not count (\(visitors) here): --instance or STAGE_INSTANCE names one"
                : ""
            problems.append(Problem(.nothingRuns, stage: nil, "no stage with a name runs\(hint)"))
        }
        if let unseen = unseenProblem { problems.append(unseen) }
        for name in thresholds.expected
        where !running.contains(where: { $0.snapshot.stage == name || $0.id == name }) {
            problems.append(
                Problem(.stageMissing, stage: nil, "\(name) is expected and does not run"))
        }
        return problems
    }

    /// Limits are told: what is not looked at may be anything.
    private var unseenProblem: Problem? {
        let (running, failed, ended) = (files.unseenMembers, files.unseenFailed, files.unseenEnded)
        guard running + failed + ended > 0 else { return nil }
        var problem = Problem(
            .stagesUnseen, stage: nil,
            "more than \(WatchedFiles.maximumMembers) stages: \(running) that run, \(failed) that "
                + "failed and \(ended) that ended are not followed")
        problem.isNote = running + failed == 0
        return problem
    }

    /// True when a process of the same stage and pipeline began after this one was over, and has
    /// not failed itself. One that ran beside it all the time does other work.
    private func isReplaced(_ stage: StageWatch, _ stages: [StageWatch]) -> Bool {
        let end = stage.lastSign
        return stages.contains { other in
            other !== stage && other.snapshot.stage == stage.snapshot.stage
                && other.snapshot.pipeline == stage.snapshot.pipeline
                && other.snapshot.startTime > end
                && other.snapshot.life != .dead && other.snapshot.state != .failed
        }
    }

    private func date(_ problems: inout [Problem], _ time: Int64) {
        var still: [String: Int64] = [:]
        for index in problems.indices {
            let key = "\(problems[index].code.rawValue) \(problems[index].stage ?? "")"
            let since = known[key] ?? time
            still[key] = since
            problems[index].since = since
        }
        known = still
        problems.sort {
            ($0.isUnhealthy ? 0 : 1, $0.since) < ($1.isUnhealthy ? 0 : 1, $1.since)
        }
    }
}
