import Posix

/// Holds credentials and renews those that end, before they do and beside the work.
///
/// From ten minutes before they end on, a thread asks their source for new ones; until it has
/// them, and also when it fails, the old ones stay in use. Only who has none, or ended ones,
/// waits. What is given out is one snapshot of key, secret and token. May be shared by threads.
public final class CredentialsProvider: Sendable {
    /// Temporary credentials are renewed this long before they end, seconds, less up to
    /// ``jitter``: several processes must not ask at once.
    static let renewalWindow: Int64 = 600
    static let jitter: Int64 = 60
    /// Seconds until the next try after a renewal failed.
    static let retryPause: ClosedRange<Int64> = 15...60
    /// Seconds until the next try when the source itself gave credentials that have ended: its
    /// service is in trouble, and AWS goes on accepting them then.
    static let stabilityPause: ClosedRange<Int64> = 120...600

    /// Something that an operator may want to read; it holds no secret.
    public enum Event: Sendable {
        /// New credentials are in use.
        case found(Credentials)
        /// The source failed; the old ones stay in use.
        case renewalFailed(AWSError)
    }

    private struct State {
        var held: Credentials?
        /// When a renewal is due, seconds since the epoch.
        var renewal = Int64.max
        /// True after a service refused what is held.
        var isRefused = false
        var isRenewing = false
    }

    private struct Source: Sendable {
        let find: @Sendable () throws(AWSError) -> Credentials
        /// Counts the sources that there were.
        var number = 0
    }

    private let source: Locked<Source>
    private let onEvent: @Sendable (Event) -> Void
    private let state = Locked(State())
    /// Held while the source is asked, so that one asks and the others wait.
    private let asking = Locked(())

    /// Looks where AWS's own tools look; see ``CredentialChain``.
    ///
    /// - Parameters:
    ///   - region: for the Security Token Service; nil for the environment's.
    ///   - endpoint: of the Security Token Service, instead of AWS's and the environment's.
    ///   - onEvent: called on whichever thread it happens.
    public convenience init(
        environment: Environment = .process, region: String? = nil, endpoint: String? = nil,
        onEvent: @escaping @Sendable (Event) -> Void = { _ in }
    ) {
        let chain = CredentialChain(environment: environment, region: region, endpoint: endpoint)
        self.init(onEvent: onEvent) { () throws(AWSError) in try chain.find() }
    }

    /// Gives always the same.
    public convenience init(
        _ credentials: Credentials, onEvent: @escaping @Sendable (Event) -> Void = { _ in }
    ) {
        self.init(onEvent: onEvent) { credentials }
    }

    /// Asks a source.
    init(
        onEvent: @escaping @Sendable (Event) -> Void = { _ in },
        source: @escaping @Sendable () throws(AWSError) -> Credentials
    ) {
        self.source = Locked(Source(find: source))
        self.onEvent = onEvent
    }

    /// Credentials for a request at a time, seconds since the epoch.
    ///
    /// - Throws: when none were ever found, or a service refused them and no new ones come.
    public func credentials(at now: Int64) throws(AWSError) -> Credentials {
        let (usable, isDue) = state.withLock { state -> (Credentials?, Bool) in
            let usable = Self.usable(state, now)
            guard usable != nil, now >= state.renewal, !state.isRenewing else {
                return (usable, false)
            }
            state.isRenewing = true
            return (usable, true)
        }
        guard let usable else { return try renewNow(now) }
        if isDue { renewBeside(now) }
        return usable
    }

    /// Takes over the source of another provider, since the configuration changed: it is asked beside
    /// the next request, and what it has is used from then on. Until then, and when it fails, the old
    /// credentials stay in use.
    public func takeOver(_ other: CredentialsProvider) {
        let find = other.source.withLock { $0.find }
        source.withLock { $0 = Source(find: find, number: $0.number + 1) }
        state.withLock { $0.renewal = 0 }
    }

    /// Seconds until the credentials in use end; nil when they do not, or there are none.
    public func secondsLeft(at now: Int64) -> Int64? {
        state.withLock { $0.held?.expiration.map { $0 - now } }
    }

    /// Notes that a service refused credentials.
    ///
    /// - Returns: false when there is nothing to renew them from.
    func invalidate(_ used: Credentials) -> Bool {
        guard used.isRenewable else { return false }
        state.withLock { if $0.held == used { $0.isRefused = true } }
        return true
    }

    /// True when the next request gets others than these, or none: they were given up already.
    func isReplacing(_ used: Credentials) -> Bool {
        state.withLock { $0.held != used || $0.isRefused }
    }

    // MARK: - Renewing

    /// What may be used without waiting.
    private static func usable(_ state: State, _ now: Int64) -> Credentials? {
        guard let held = state.held, !state.isRefused else { return nil }
        // Ended ones wait for new ones, save right after that failed.
        let isOver = held.expiration.map { now >= $0 } ?? false
        return isOver && now >= state.renewal ? nil : held
    }

    private func renewBeside(_ now: Int64) {
        do throws(SystemError) {
            try BackgroundThread.start("credentials") { [self] in
                _ = try? renew(now)
                state.withLock { $0.isRenewing = false }
            }
        } catch {
            state.withLock { $0.isRenewing = false }
        }
    }

    private func renewNow(_ now: Int64) throws(AWSError) -> Credentials {
        do throws(AWSError) { return try renew(now) } catch {
            let (held, isRefused) = state.withLock { ($0.held, $0.isRefused) }
            guard let held else { throw error }
            // The service decides about ended ones; it may be more patient.
            guard isRefused else { return held }
            throw AWSError(
                .unavailable, service: "", operation: "renew credentials",
                message: "\(held) were refused, and cannot be renewed: \(error)")
        }
    }

    /// Asks the source, unless another thread just did.
    private func renew(_ now: Int64) throws(AWSError) -> Credentials {
        try asking.withLock { (_) throws(AWSError) in
            let fresh = state.withLock { state -> Credentials? in
                now < state.renewal ? Self.usable(state, now) : nil
            }
            if let fresh { return fresh }
            // Without any so far nothing was delivered, and nothing will be before the end.
            if StopRequest.isMade, state.withLock({ $0.held == nil }) {
                throw LookupTime.stopped("find credentials")
            }
            do throws(AWSError) {
                let asked = source.withLock { $0 }
                let found = try asked.find()
                let isCurrent = source.withLock { $0.number == asked.number }
                let isNew = state.withLock { state -> Bool in
                    defer {
                        state.held = found
                        state.isRefused = false
                        // Another source came while this one was asked.
                        state.renewal = isCurrent ? Self.renewal(of: found, now: now) : 0
                    }
                    return state.held != found
                }
                if isNew { onEvent(.found(found)) }
                return found
            } catch {
                let isHeld = state.withLock { state -> Bool in
                    state.renewal = now + Int64.random(in: Self.retryPause)
                    return state.held != nil
                }
                if isHeld { onEvent(.renewalFailed(error)) }
                throw error
            }
        }
    }

    private static func renewal(of found: Credentials, now: Int64) -> Int64 {
        guard let expiration = found.expiration else { return .max }
        if expiration <= now { return now + Int64.random(in: stabilityPause) }
        // Ones that last less than the window are not asked for at every request.
        return max(
            expiration - renewalWindow + Int64.random(in: 0...jitter),
            now + Int64.random(in: retryPause))
    }
}
