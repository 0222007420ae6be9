import Glibc
import Posix
import Stats

/// Reads the stats files of a directory again and again, and makes an ``Overview`` of them.
public final class Monitor {
    /// When something counts as a problem; may change at any time.
    public var thresholds: Thresholds
    private let directory: String
    private let service: String
    private let startTime = Clock.realtimeNanoseconds()
    private var watches: [String: StageWatch] = [:]
    /// Since when each problem is known.
    private var known: [String: Int64] = [:]
    /// Files that are to be seen no more, though they cannot be removed.
    private var hidden: [String: UInt64] = [:]
    /// Totals of processes that are gone, for sums that must not fall.
    private(set) var retired = RetiredTotals()

    /// Adds up for exports that want differences; nil when there is none.
    private var tracker: PeriodTracker?

    /// The last exposition, for its memory.
    var kept = Bytes()

    /// What the last look found.
    private(set) var last: Overview?

    /// Stages that are followed at most; what is above is not looked at.
    public static let maximumStages = 256

    /// Looks at a directory, which need not exist yet.
    public init(directory: String, service: String, thresholds: Thresholds) {
        self.directory = directory
        self.service = service
        self.thresholds = thresholds
    }

    /// Every stage that is followed, in order.
    var stages: [StageWatch] { watches.sorted { $0.key < $1.key }.map(\.value) }

    /// Reads everything.
    public func sample() -> Overview {
        let now = Clock.monotonicNanoseconds()
        let time = Clock.realtimeNanoseconds()
        readFiles(now)
        removeOld(now)
        let overview = overview(time)
        tracker?.take(stages, overview)
        last = overview
        return overview
    }

    /// Begins to add up for ``endPeriod()``.
    public func beginPeriods() {
        tracker = PeriodTracker(time: Clock.realtimeNanoseconds())
    }

    /// What happened since it was called last, or since ``beginPeriods()``; nil before that.
    public func endPeriod() -> Period? { tracker?.end(time: Clock.realtimeNanoseconds()) }

    // MARK: - Files

    private func readFiles(_ now: Int64) {
        let names = ((try? Files.list(directory)) ?? []).filter { $0.hasSuffix(".stats") }
            .prefix(Self.maximumStages)
        let found = Set(names)
        for (name, watch) in watches where !found.contains(name) {
            retired.add(watch.snapshot)
            watches[name] = nil
        }
        for name in names {
            let path = "\(directory)/\(name)"
            guard let status = try? Files.status(path) else { continue }
            let inode = UInt64(status.st_ino)
            if hidden[name] == inode { continue }
            do throws(StatsError) {
                if let watch = watches[name], watch.file.inode == inode {
                    try watch.read(now: now)
                } else {
                    if let old = watches[name] { retired.add(old.snapshot) }
                    watches[name] = nil
                    watches[name] = try StageWatch(path: path, now: now)
                }
            } catch { watches[name] = nil }
        }
    }

    /// Forgets stages that are over for long.
    private func removeOld(_ now: Int64) {
        for (name, watch) in watches {
            guard let ended = watch.endedAt, Double(now - ended) / 1e9 > thresholds.keep else {
                continue
            }
            let path = "\(directory)/\(name)"
            retired.add(watch.snapshot)
            watches[name] = nil
            // A new process may have put its own file there since it was read.
            guard let status = try? Files.status(path),
                UInt64(status.st_ino) == watch.file.inode
            else { continue }
            if (try? Files.remove(path)) == nil { hidden[name] = watch.file.inode }
        }
    }

    // MARK: - The picture

    private func overview(_ time: Int64) -> Overview {
        let stages = stages
        let links = Links.between(stages)
        let rules = Rules(thresholds: thresholds, now: time)
        let fed = Set(links.map(\.to))
        var problems = wholeProblems(stages)
        for stage in stages {
            problems += rules.problems(
                of: stage, isReplaced: isReplaced(stage, stages), hasSource: fed.contains(stage.id))
        }
        problems += Links.problems(links, stages)
        date(&problems, time)
        let views = stages.map { stage in
            StageView(stage, problems: problems.filter { $0.stage == stage.id }.map(\.code))
        }
        return Overview(
            time: time, service: service, startTime: startTime, stages: views, links: links,
            problems: problems)
    }

    private func wholeProblems(_ stages: [StageWatch]) -> [Problem] {
        let running = stages.filter {
            $0.snapshot.life == .running && $0.snapshot.stage != "healthd"
        }
        var problems: [Problem] = []
        if running.isEmpty {
            problems.append(Problem(.nothingRuns, stage: nil, "no stage runs"))
        }
        for name in thresholds.expected
        where !running.contains(where: { $0.snapshot.stage == name || $0.id == name }) {
            problems.append(
                Problem(.stageMissing, stage: nil, "\(name) is expected and does not run"))
        }
        return problems
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
            ($0.code.isUnhealthy ? 0 : 1, $0.since) < ($1.code.isUnhealthy ? 0 : 1, $1.since)
        }
    }
}
