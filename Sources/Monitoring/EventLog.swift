/// What happened lately: stages that came, went and changed, rules that fired and cleared, errors
/// that were noted. Found by comparing each look with the one before.
public struct EventLog: Sendable {
    /// Something that happened.
    public struct Event: Sendable, Equatable {
        /// The sort of it.
        public enum Kind: String, Sendable {
            /// A stage is there for the first time, or in another state.
            case state
            /// A rule fired.
            case raised
            /// What a rule found is over.
            case cleared
            /// A stage noted a warning or an error.
            case error
        }

        /// Counts up.
        public let number: Int
        /// ns since the epoch.
        public let time: Int64
        /// The sort of it.
        public let kind: Kind
        /// The id of the stage; empty for the whole.
        public let stage: String
        /// One sentence.
        public let text: String
    }

    private struct Known {
        var state: String
        var errorTime: Int64
        /// When its last error was noted here.
        var notedAt = Int64.min
    }

    /// Events that are kept.
    public static let length = 200
    /// Between two errors of a stage that are noted, ns: one that warns without end must not push
    /// out what else happened.
    private static let pause: Int64 = 10_000_000_000
    /// Characters of an event that are kept.
    private static let longest = 300

    /// The newest last.
    public private(set) var events: [Event] = []
    private var stages: [String: Known] = [:]
    private var problems: [String: Problem] = [:]
    private var number = 0

    /// Begins with nothing.
    public init() {}

    /// Takes a look in.
    public mutating func take(_ overview: Overview) {
        noteStates(overview)
        noteProblems(overview)
        noteErrors(overview)
        if events.count > Self.length { events.removeFirst(events.count - Self.length) }
    }

    private mutating func add(_ time: Int64, _ kind: Event.Kind, _ stage: String, _ text: String) {
        number += 1
        let text = text.count > Self.longest ? text.prefix(Self.longest) + "…" : text
        events.append(Event(number: number, time: time, kind: kind, stage: stage, text: text))
    }

    private mutating func noteStates(_ overview: Overview) {
        let shown = Set(overview.members.map(\.id))
        for id in stages.keys.sorted() where !shown.contains(id) {
            add(overview.time, .state, id, "is no longer shown")
            stages[id] = nil
        }
        for stage in overview.members {
            let old = stages[stage.id]
            guard old?.state != stage.state else { continue }
            stages[stage.id] = Known(
                state: stage.state, errorTime: old?.errorTime ?? 0, notedAt: old?.notedAt ?? .min)
            add(
                overview.time, .state, stage.id,
                old.map { "is \(stage.state), was \($0.state)" }
                    ?? "is \(stage.state) (process \(stage.pid))")
        }
    }

    private mutating func noteProblems(_ overview: Overview) {
        var now: [String: Problem] = [:]
        for problem in overview.problems {
            let key = "\(problem.code.rawValue) \(problem.stage ?? "")"
            now[key] = problem
            if problems[key] == nil {
                add(
                    overview.time, .raised, problem.stage ?? "",
                    "\(problem.code.rawValue): \(problem.message)")
            }
        }
        for (key, problem) in problems.sorted(by: { $0.key < $1.key }) where now[key] == nil {
            let age = overview.time.seconds(since: problem.since)
            add(
                overview.time, .cleared, problem.stage ?? "",
                "\(problem.code.rawValue) ended after \(Readable.duration(age))")
        }
        problems = now
    }

    private mutating func noteErrors(_ overview: Overview) {
        for stage in overview.stages {
            guard let error = stage.lastError, var known = stages[stage.id],
                error.time != known.errorTime,
                overview.time.subtractingClamped(known.notedAt) >= Self.pause
            else { continue }
            known.errorTime = error.time
            known.notedAt = overview.time
            stages[stage.id] = known
            add(error.time, .error, stage.id, error.text)
        }
    }
}
