public import Transport

/// The connections that follow each other in one place, as a value: when to open one, when to
/// open its successor, and when the old one may go. Times are the caller's, in ns.
///
/// ```
///   waiting ──> opening ──> open ─────────────── old enough, or the venue shuts down ──┐
///      ^           │         │                                                          │
///      └── lost ───┴─────────┘       next: waiting ──> opening ──> open <───────────────┘
///                                                                   │ has delivered
///                                    the old one is closed, next takes its place
/// ```
public struct ConnectionRotation: Sendable {
    /// Which of the two connections.
    public enum Role: Sendable {
        /// The one that delivers.
        case current
        /// The one that is to replace it.
        case next
    }

    /// How far a connection is.
    public enum ConnectionState: Sendable, Equatable {
        /// Not to be opened before a time.
        case waiting(until: Int64)
        /// It is being opened.
        case opening
        /// Messages come.
        case open(since: Int64)
    }

    /// What the caller is to do.
    public enum Step: Sendable, Equatable {
        /// Open it, and call ``opening(_:)``; or, if it must not be opened yet, ``wait(_:until:)``.
        case connect(Role)
        /// Close the current one: the next one has taken its place.
        case retire
    }

    /// What it keeps to; times in ns.
    public struct Rules: Sendable {
        /// Age at which a connection is replaced; the venue cuts it at 24 hours.
        public var maximumAge: Int64 = 23 * 3600 * 1_000_000_000
        /// Longest time that both run when the new one does not deliver on every stream.
        public var overlap: Int64 = 10_000_000_000
        /// Time that a connection has to last for the next loss to count as the first. Short, since
        /// every second without a connection is data lost; the budget of connects (300 in five
        /// minutes) keeps a connection that is cut all the time from becoming a flood of them.
        public var steady: Int64 = 2_000_000_000
        /// Pauses before connecting again.
        public var backoff = Backoff(base: 1, cap: 60)

        /// The defaults.
        public init() {}
    }

    /// The connection that delivers.
    public private(set) var current: ConnectionState
    /// Its successor, while there is one.
    public private(set) var next: ConnectionState?
    /// Losses and refusals in a row.
    public private(set) var attempts = 0
    private var retireAt = Int64.max
    private let rules: Rules

    /// Nothing is open.
    public init(_ rules: Rules, at now: Int64) {
        self.rules = rules
        current = .waiting(until: now)
    }

    /// What is to be done now; to be called until it is nil.
    ///
    /// - Parameters:
    ///   - hasCaughtUp: true when the next connection has delivered on each stream.
    ///   - mayRetire: false while the current one may hold data that was not read yet.
    public mutating func step(
        at now: Int64, hasCaughtUp: Bool = false, mayRetire: Bool = true
    ) -> Step? {
        if case .waiting(let until) = current, until <= now { return .connect(.current) }
        if case .waiting(let until) = next, until <= now { return .connect(.next) }
        guard case .open = current else { return nil }
        if next == nil, now >= retireAt {
            next = .waiting(until: now)
            return .connect(.next)
        }
        if case .open(let since) = next, mayRetire, hasCaughtUp || now - since >= rules.overlap {
            promote()
            return .retire
        }
        return nil
    }

    /// True while something is to be done soon: a connection to be opened, or to be replaced.
    public var isWaiting: Bool {
        if case .waiting = current { return true }
        return next != nil
    }

    /// Notes that a connection is being opened.
    public mutating func opening(_ role: Role) { set(role, .opening) }

    /// Puts off opening a connection.
    public mutating func wait(_ role: Role, until time: Int64) {
        set(role, .waiting(until: time))
    }

    /// Notes that a connection is open.
    public mutating func opened(
        _ role: Role, at now: Int64, using generator: inout some RandomNumberGenerator
    ) {
        set(role, .open(since: now))
        // Redundant connections should not all be replaced in the same second.
        let early = Int64.random(in: 0...(rules.maximumAge / 20), using: &generator)
        let (end, overflow) = now.addingReportingOverflow(rules.maximumAge - early)
        if role == .current { retireAt = overflow ? .max : end }
        if role == .next { nextRetireAt = overflow ? .max : end }
    }

    /// Notes that the venue announced the end of a connection: its successor is wanted at once.
    public mutating func announceEnd(of role: Role, at now: Int64) {
        if role == .current { retireAt = min(retireAt, now) } else { nextRetireAt = now }
    }

    /// Notes that a connection is lost, or was refused.
    ///
    /// - Parameter least: shortest pause before the next attempt, ns.
    /// - Returns: true when the next connection has taken the current one's place.
    @discardableResult
    public mutating func lost(
        _ role: Role, at now: Int64, least: Int64 = 0,
        using generator: inout some RandomNumberGenerator
    ) -> Bool {
        let state = role == .current ? current : next
        if case .open(let since) = state, now - since >= rules.steady { attempts = 0 }
        if role == .current, next != nil {
            promote()
            return true
        }
        attempts += 1
        let pause = Int64(rules.backoff.delay(attempt: attempts, using: &generator) * 1e9)
        set(role, .waiting(until: now + max(pause, least)))
        return false
    }

    // MARK: - Inside

    private var nextRetireAt = Int64.max

    private mutating func set(_ role: Role, _ state: ConnectionState) {
        if role == .current { current = state } else { next = state }
    }

    private mutating func promote() {
        guard let next else { return }
        current = next
        retireAt = nextRetireAt
        nextRetireAt = .max
        self.next = nil
    }
}
