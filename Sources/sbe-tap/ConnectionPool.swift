import Binance
import Glibc
import Posix
import Stage
import Stats
import Transport

/// The connections of a tap: when each is opened, replaced and opened again.
struct ConnectionPool: ~Copyable {
    private let plan: TapOptions
    private let subscriptions: Subscriptions
    private let log: Log
    private let counters: TapCounters
    private(set) var slots: [ConnectionSlot] = []
    /// Connections lost, by group.
    private(set) var losses: [UInt32]
    /// True once a connection was open.
    private(set) var hasEverOpened = false
    /// When the first connection was open, or else the start; monotonic ns.
    private(set) var startedAt = Clock.monotonicNanoseconds()
    /// Why the last connection was refused, for a run that never had one.
    private(set) var lastRefusal = ""
    /// All of the process together: the venue allows 300 in 5 minutes to an address, and others may
    /// use the same one.
    private var connectBudget = SlidingWindow(limit: 250, window: 300_000_000_000)
    /// The venue's `Retry-After`: no connection is made before it, monotonic ns.
    private var pausedUntil: Int64 = 0
    private var nextNumber = 1
    private var nextRequest = 1
    private var generator = SystemRandomNumberGenerator()

    init(
        _ plan: TapOptions, _ subscriptions: Subscriptions, _ counters: TapCounters, log: Log
    ) {
        self.plan = plan
        self.counters = counters
        self.log = log
        self.subscriptions = subscriptions
        losses = []
        for group in subscriptions.groups.indices { addGroup(group) }
    }

    private mutating func addGroup(_ group: Int) {
        losses.append(0)
        let now = Clock.monotonicNanoseconds()
        for index in 0..<plan.connections {
            slots.append(
                ConnectionSlot(
                    group: group, index: index,
                    rotation: ConnectionRotation(plan.rotation, at: now)))
        }
    }

    // MARK: - Other streams

    /// Tells open connections of other streams; a group that is new gets connections. What is being
    /// opened now asks for the difference once it is open.
    mutating func take(_ changes: [Subscriptions.Change], removed places: [Int]) {
        for change in changes {
            guard change.group < losses.count else {
                addGroup(change.group)
                continue
            }
            for slot in slots where slot.group == change.group {
                for connection in slot.connections {
                    let texts = SubscriptionRequest.texts(
                        for: change, subscriptions.encoding, number: &nextRequest)
                    connection.ask(texts, removed: places)
                }
            }
        }
    }

    /// Connections over which messages come.
    var openConnections: Int { slots.reduce(0) { $0 + $1.openConnections } }

    /// Where a message of a group's connections comes from, for the merge.
    static func origin(
        ofGroup group: Int, _ slots: [ConnectionSlot], _ losses: [UInt32]
    ) -> StreamMerge.Origin {
        let copies = slots.reduce(0) { $0 + ($1.group == group ? $1.openConnections : 0) }
        return StreamMerge.Origin(copies: copies, losses: losses[group])
    }

    /// The same for a stream, by its place in the merge.
    static func origin(
        of place: Int, _ subscriptions: Subscriptions, _ slots: [ConnectionSlot],
        _ losses: [UInt32]
    ) -> StreamMerge.Origin {
        origin(ofGroup: subscriptions.group(of: place), slots, losses)
    }

    /// Notes that the stage did not read: what came meanwhile waits at the venue.
    func noteBacklog(at now: Int64) {
        for slot in slots {
            for connection in slot.connections { connection.noteBacklog(at: now) }
        }
    }

    // MARK: - Opening and replacing

    /// Does what a slot's rotation wants done now.
    ///
    /// - Parameters:
    ///   - hasCaughtUp: true when the successor has delivered all that the old one did.
    ///   - mayRetire: false while the current connection may hold unread data.
    mutating func advance(
        _ place: Int, at now: Int64, hasCaughtUp: Bool, mayRetire: Bool
    ) throws {
        while let step = slots[place].rotation.step(
            at: now, hasCaughtUp: hasCaughtUp, mayRetire: mayRetire)
        {
            switch step {
            case .connect(let role): try connect(place, role, at: now)
            case .retire: retire(place)
            }
        }
    }

    /// Goes on with opening a connection.
    ///
    /// - Returns: true once it is open.
    mutating func open(_ connection: TapConnection, _ place: Int) throws -> Bool {
        do throws(WebSocketFailure) { try connection.transport.open() } catch {
            try refused(connection, place, error)
            return false
        }
        guard connection.transport.phase == .open else { return false }
        let now = Clock.monotonicNanoseconds()
        connection.openedAt = now
        connection.lastHeard = now
        if !hasEverOpened { startedAt = now }
        hasEverOpened = true
        let role = slots[place].role(of: connection)
        slots[place].rotation.opened(role, at: now, using: &generator)
        counters.connects.add()
        log.info(
            "connected",
            [
                "connection": "\(connection.number)", "slot": "\(connection.slot)",
                "streams": "\(subscriptions.groups[connection.group].count)",
                "role": role == .current ? "current" : "next",
            ])
        return true
    }

    /// Notes that the venue announced the end of a connection.
    mutating func announceEnd(of connection: TapConnection, _ place: Int) {
        slots[place].rotation.announceEnd(
            of: slots[place].role(of: connection), at: Clock.monotonicNanoseconds())
    }

    private mutating func connect(_ place: Int, _ role: ConnectionRotation.Role, at now: Int64)
        throws
    {
        let delay = max(connectBudget.delay(at: now), pausedUntil - now)
        guard delay <= 0, connectBudget.take(at: now) else {
            return slots[place].rotation.wait(role, until: now + max(delay, 1_000_000))
        }
        let group = slots[place].group
        guard !subscriptions.groups[group].isEmpty else {
            // Nothing is asked of this group any more; it may be again.
            return slots[place].rotation.wait(role, until: now + 1_000_000_000)
        }
        var headers = [("User-Agent", "bitcoin-ingestor")]
        if plan.streams.encoding == .sbe, let key = plan.apiKey {
            headers.append(("X-MBX-APIKEY", key))
        }
        do throws(WebSocketFailure) {
            let transport = try WebSocketConnection(
                url: subscriptions.url(base: plan.baseURL, group: group), headers: headers,
                authorities: plan.authorities, maximumMessage: Self.maximumMessage)
            let connection = TapConnection(
                number: nextNumber, group: group, slot: slots[place].index,
                streams: subscriptions.groups[group].map(\.place), transport: transport, at: now)
            nextNumber += 1
            slots[place].rotation.opening(role)
            if role == .current {
                slots[place].current = connection
            } else {
                slots[place].next = connection
            }
        } catch {
            throw StageFailure(.configuration, "\(error)")
        }
    }

    /// A record's frame may have 1 MiB, and is a little longer than its message.
    static let maximumMessage = (1 << 20) - 256

    private mutating func retire(_ place: Int) {
        let old = slots[place].current
        slots[place].current = slots[place].next
        slots[place].next = nil
        counters.rotations.add()
        guard let old else { return }
        say(goodbyeTo: old)
        log.info(
            "connection replaced",
            [
                "connection": "\(old.number)", "by": "\(slots[place].current?.number ?? 0)",
                "seconds": "\((Clock.monotonicNanoseconds() - old.openedAt) / 1_000_000_000)",
            ])
    }

    /// Sends a close frame and does not wait for the answer: the successor delivers.
    private func say(goodbyeTo connection: TapConnection) {
        connection.transport.socket.close(code: 1000)
        _ = try? connection.transport.flush()
    }

    /// Closes all connections, with a moment for their answers.
    mutating func farewell() {
        let open = slots.flatMap(\.connections).filter { $0.transport.phase == .open }
        for connection in open { say(goodbyeTo: connection) }
        let deadline = Clock.monotonicNanoseconds() + 300_000_000
        var left = open
        while !left.isEmpty, Clock.monotonicNanoseconds() < deadline {
            var watched = left.map {
                pollfd(fd: $0.transport.descriptor, events: Int16(POLLIN), revents: 0)
            }
            _ = poll(&watched, UInt(watched.count), 50)
            left.removeAll { connection in Self.hasAnswered(&connection.transport) }
        }
    }

    private static func hasAnswered(_ connection: inout WebSocketConnection) -> Bool {
        do {
            _ = try connection.read()
            while try connection.socket.next() != nil {}
            return connection.socket.hasPeerClosed
        } catch { return true }
    }

    // MARK: - Losing

    /// A handshake that failed: a wrong setting ends the program, unless a connection that was open
    /// before shows that the setting worked; everything else is waited out.
    private mutating func refused(
        _ connection: TapConnection, _ place: Int, _ failure: WebSocketFailure
    ) throws {
        var least: Int64 = 0
        if let code = Self.exitCode(for: failure, atStart: !hasEverOpened) {
            // A firewall or a proxy may refuse what it let pass for years, and let it pass again.
            guard hasEverOpened else {
                throw StageFailure(
                    code, "\(plan.baseURL.withoutUserInfo): \(failure)\(hint(for: failure))")
            }
            least = 10_000_000_000
            log.error("\(failure)", ["connection": "\(connection.number)"])
        }
        if case .refused(let refusal) = failure, let seconds = refusal.retryAfter {
            let pause = Int64(min(max(0, seconds), 86_400) * 1e9)
            pausedUntil = max(pausedUntil, Clock.monotonicNanoseconds() + pause)
        }
        lastRefusal = "\(failure)"
        let cause: LossCause = if case .refused = failure { .refused } else { .network }
        lose(connection, place, cause, "\(failure)", least: least)
    }

    /// What helps against a refusal, as the end of a sentence.
    private func hint(for failure: WebSocketFailure) -> String {
        switch failure {
        case .refused(let refusal) where refusal.status == 451:
            return "; the venue does not serve this location: run it elsewhere"
        case .transport(let error) where error.kind == .tls:
            return "; \(TransportError.authorityHint)"
        case .refused(let refusal)
        where plan.streams.encoding == .sbe && [400, 401, 403].contains(refusal.status):
            return plan.apiKey == nil
                ? "; BINANCE_API_KEY is not set, and the venue requires one for its SBE streams: set it, "
                    + "or use --encoding json, which needs none"
                : "; the venue requires an API key of type Ed25519"
        case .refused(let refusal):
            let hint = VenueStatus.of(refusal.status).hint
            return hint.isEmpty ? "" : "; \(hint)"
        default: return ""
        }
    }

    private static func exitCode(
        for failure: WebSocketFailure, atStart: Bool
    ) -> ExitStatus? {
        switch failure {
        case .refused(let refusal):
            switch VenueStatus.of(refusal.status).streamCause {
            case .notPermitted: return .notPermitted
            case nil: return nil
            default: return .configuration
            }
        case .transport(let error):
            if error.kind == .proxy { return .notPermitted }
            // An untrusted certificate, or a malformed URL.
            return atStart && !error.isRetryable ? .configuration : nil
        case .broken, .ended: return nil
        }
    }

    /// Takes leave of a connection that is gone.
    mutating func lose(
        _ connection: TapConnection, _ place: Int, _ cause: LossCause, _ words: String,
        least: Int64 = 0
    ) {
        let now = Clock.monotonicNanoseconds()
        let wasOpen = connection.transport.phase == .open
        if wasOpen {
            losses[connection.group] += 1
            // A stalled server may still be there; it should know that this side is gone.
            say(goodbyeTo: connection)
        }
        counters.reconnects[LossCause.allCases.firstIndex(of: cause) ?? 0].add()
        let role = slots[place].role(of: connection)
        let isReplaced = slots[place].rotation.lost(role, at: now, least: least, using: &generator)
        if role == .next {
            slots[place].next = nil
        } else {
            slots[place].current = isReplaced ? slots[place].next : nil
            slots[place].next = nil
        }
        log.warning(
            wasOpen ? "connection lost" : "cannot connect",
            [
                "connection": "\(connection.number)", "slot": "\(connection.slot)",
                "cause": "\(cause.rawValue)",
                "reason": "\(words)",
            ])
    }
}
