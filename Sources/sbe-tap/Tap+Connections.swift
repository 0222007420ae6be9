import Binance
import Glibc
import Posix
import Stage
import Stats
import Transport

/// The lives of the connections.
extension Tap {
    /// Does what a seat's lane wants done now.
    mutating func advance(_ place: Int, at now: Int64) throws {
        while let step = seats[place].lane.step(
            at: now, hasCaughtUp: hasCaughtUp(place), mayRetire: isReadEmpty(place))
        {
            switch step {
            case .connect(let role): try connect(place, role, at: now)
            case .retire: retire(place)
            }
        }
    }

    /// True when the current connection holds nothing that was not read, as far as is known: what its
    /// buffers hold would be lost with it, and the successor may have begun after it.
    private func isReadEmpty(_ place: Int) -> Bool {
        guard let current = seats[place].current else { return true }
        return !delivery.isFull && !current.isReadable && current.backlog == nil
    }

    /// True when a successor has delivered on each stream and nothing waits for the old one.
    private func hasCaughtUp(_ place: Int) -> Bool {
        guard let next = seats[place].next, next.lacking == 0 else { return false }
        return !plan.streams.groups[seats[place].group].contains { merge.isWaiting($0) }
    }

    private mutating func connect(_ place: Int, _ role: Lane.Role, at now: Int64) throws {
        let delay = max(connectBudget.delay(at: now), pausedUntil - now)
        guard delay <= 0, connectBudget.take(at: now) else {
            return seats[place].lane.wait(role, until: now + max(delay, 1_000_000))
        }
        let group = seats[place].group
        var headers = [("User-Agent", "bitcoin-ingestor")]
        if let key = plan.apiKey { headers.append(("X-MBX-APIKEY", key)) }
        do throws(WebSocketFailure) {
            let connection = try WebSocketConnection(
                url: plan.streams.url(base: plan.baseURL, group: group), headers: headers,
                authorities: plan.authorities, maximumMessage: Self.maximumMessage)
            let link = Link(
                number: nextNumber, group: group, seat: seats[place].index,
                streams: plan.streams.groups[group].count, connection: connection, at: now)
            nextNumber += 1
            seats[place].lane.opening(role)
            if role == .current { seats[place].current = link } else { seats[place].next = link }
        } catch {
            throw StageFailure(.configuration, "\(error)")
        }
    }

    /// A record's frame may have 1 MiB, and is a little longer than its message.
    static let maximumMessage = (1 << 20) - 256

    private mutating func retire(_ place: Int) {
        let old = seats[place].current
        seats[place].current = seats[place].next
        seats[place].next = nil
        counters.rotations.add()
        guard let old else { return }
        say(goodbyeTo: old)
        log.info(
            "connection replaced",
            [
                "connection": "\(old.number)", "by": "\(seats[place].current?.number ?? 0)",
                "seconds": "\((Clock.monotonicNanoseconds() - old.openedAt) / 1_000_000_000)",
            ])
    }

    /// Sends a close frame and does not wait for the answer: the successor delivers.
    private func say(goodbyeTo link: Link) {
        link.connection.socket.close(code: 1000)
        _ = try? link.connection.flush()
    }

    /// Closes all connections, with a moment for their answers.
    mutating func farewell() {
        let open = seats.flatMap(\.links).filter { $0.connection.phase == .open }
        for link in open { say(goodbyeTo: link) }
        let deadline = Clock.monotonicNanoseconds() + 300_000_000
        var left = open
        while !left.isEmpty, Clock.monotonicNanoseconds() < deadline {
            var watched = left.map {
                pollfd(fd: $0.connection.descriptor, events: Int16(POLLIN), revents: 0)
            }
            _ = poll(&watched, UInt(watched.count), 50)
            left.removeAll { link in Self.hasAnswered(&link.connection) }
        }
    }

    private static func hasAnswered(_ connection: inout WebSocketConnection) -> Bool {
        do {
            _ = try connection.read()
            while try connection.socket.next() != nil {}
            return connection.socket.hasPeerClosed
        } catch { return true }
    }

    // MARK: - Working on them

    /// Goes on with each connection as far as it goes now.
    mutating func work() throws {
        for place in seats.indices {
            if !delivery.isFull { seats[place].current?.reviewBacklog() }
            for link in seats[place].links {
                if link.connection.phase == .open {
                    try receiveInTurn(link, place)
                } else {
                    try open(link, place)
                }
                if hasReachedLimit { return }
            }
        }
    }

    private mutating func open(_ link: Link, _ place: Int) throws {
        do throws(WebSocketFailure) { try link.connection.open() } catch {
            return try refused(link, place, error)
        }
        guard link.connection.phase == .open else { return }
        let now = Clock.monotonicNanoseconds()
        link.openedAt = now
        link.lastHeard = now
        if !hasEverOpened { startedAt = now }
        hasEverOpened = true
        let role = seats[place].role(of: link)
        seats[place].lane.opened(role, at: now, using: &generator)
        counters.connects.add()
        log.info(
            "connected",
            [
                "connection": "\(link.number)", "seat": "\(link.seat)",
                "streams": "\(plan.streams.groups[link.group].count)",
                "role": role == .current ? "current" : "next",
            ])
        try receiveInTurn(link, place)
    }

    /// True when messages of a connection may be read now. A successor waits while the old one has a
    /// backlog: its records would be ahead for longer than anything waits for others.
    func isRead(_ link: Link, _ seat: Seat) -> Bool {
        !delivery.isFull && (link !== seat.next || seat.current?.backlog == nil)
    }

    private mutating func receiveInTurn(_ link: Link, _ place: Int) throws {
        if isRead(link, seats[place]) { return try receive(link, place) }
        link.noteBacklog(at: Clock.monotonicNanoseconds())
    }

    /// A handshake that failed: a wrong setting ends the program, unless a connection that was open
    /// before shows that the setting worked; everything else is waited out.
    private mutating func refused(
        _ link: Link, _ place: Int, _ failure: WebSocketFailure
    ) throws {
        var least: Int64 = 0
        if let code = Self.exitCode(for: failure, atStart: !hasEverOpened) {
            // A firewall or a proxy may refuse what it let pass for years, and let it pass again.
            guard hasEverOpened else {
                let hint =
                    plan.apiKey == nil
                    ? "; BINANCE_API_KEY is not set, and the venue wants one" : ""
                throw StageFailure(code, "\(plan.baseURL): \(failure)\(hint)")
            }
            least = 10_000_000_000
            log.error("\(failure)", ["connection": "\(link.number)"])
        }
        if case .refused(let refusal) = failure, let seconds = refusal.retryAfter {
            let pause = Int64(min(max(0, seconds), 86_400) * 1e9)
            pausedUntil = max(pausedUntil, Clock.monotonicNanoseconds() + pause)
        }
        let cause: LossCause = if case .refused = failure { .refused } else { .network }
        lose(link, place, cause, "\(failure)", least: least)
    }

    private static func exitCode(
        for failure: WebSocketFailure, atStart: Bool
    ) -> ExitCode? {
        switch failure {
        case .refused(let refusal):
            switch refusal.status {
            case 401, 403: return .notPermitted
            case 400, 404, 405, 410, 414, 426, 431: return .configuration
            default: return nil
            }
        case .transport(let error):
            // A certificate that nobody vouches for, or a URL that is none.
            return atStart && !error.isRetryable ? .configuration : nil
        case .broken, .ended: return nil
        }
    }

    /// Takes leave of a connection that is gone.
    mutating func lose(
        _ link: Link, _ place: Int, _ cause: LossCause, _ words: String, least: Int64 = 0
    ) {
        let now = Clock.monotonicNanoseconds()
        let wasOpen = link.connection.phase == .open
        if wasOpen {
            losses[link.group] += 1
            // A stalled server may still be there; it should know that nobody listens.
            say(goodbyeTo: link)
        }
        counters.reconnects[LossCause.allCases.firstIndex(of: cause) ?? 0].add()
        let role = seats[place].role(of: link)
        let isReplaced = seats[place].lane.lost(role, at: now, least: least, using: &generator)
        if role == .next {
            seats[place].next = nil
        } else {
            seats[place].current = isReplaced ? seats[place].next : nil
            seats[place].next = nil
        }
        log.warning(
            wasOpen ? "connection lost" : "connection refused",
            [
                "connection": "\(link.number)", "seat": "\(link.seat)", "cause": cause.rawValue,
                "reason": words,
            ])
    }
}
