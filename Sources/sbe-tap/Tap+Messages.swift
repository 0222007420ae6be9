import Binance
import Posix
import Records
import Stage
import Stats
import Transport

/// What comes over the connections.
extension Tap {
    /// Reads what is there and works through it.
    mutating func receive(_ link: Link, _ place: Int) throws {
        let now = Clock.monotonicNanoseconds()
        guard link.isReadable else { return tend(link, place, at: now) }
        var failure: WebSocketFailure?
        do throws(WebSocketFailure) {
            let count = try link.connection.read()
            link.isReadable = link.connection.hasMore
            if count > 0 {
                link.lastHeard = now
                counters.flow.bytesIn.add(count)
            }
        } catch { failure = error }
        let time = Clock.realtimeNanoseconds()
        if oldestWaiting == 0 { oldestWaiting = time }
        let outBefore = merge.counts.out + captured
        do {
            let origin = Self.origin(ofGroup: link.group, seats, losses)
            let close = try consume(&link.connection.socket, link, origin, at: time)
            if let close {
                // The server may be gone already: its close frame is news enough.
                _ = try? link.connection.flush()
                return lose(
                    link, place, .closed,
                    "the server closed the connection with code \(close.code)"
                        + (close.reason.isEmpty ? "" : ": \(close.reason)"))
            }
        } catch let error as WebSocketError {
            _ = try? link.connection.flush()
            return lose(link, place, .broken, "\(error)")
        }
        if merge.counts.out + captured == outBefore, delivery.buffered(merge.output) == 0 {
            oldestWaiting = 0
        }
        tend(link, place, at: now, failure)
    }

    /// Answers pings, and sees whether the connection still lives.
    private mutating func tend(
        _ link: Link, _ place: Int, at now: Int64, _ failure: WebSocketFailure? = nil
    ) {
        do throws(WebSocketFailure) {
            if let failure { throw failure }
            if link.owesPong || link.isCongested { try answerPings(link, at: now) }
        } catch {
            let cause: LossCause = if case .ended = error { .ended } else { .network }
            return lose(link, place, cause, "\(error)")
        }
        if Double(now - link.lastHeard) >= plan.stallTimeout * 1e9 {
            lose(
                link, place, .stalled, "neither data nor a ping for \(plan.stallTimeout) s")
        }
    }

    private func answerPings(_ link: Link, at now: Int64) throws(WebSocketFailure) {
        if link.owesPong, link.messages.take(at: now) {
            link.connection.socket.pong()
            link.owesPong = false
            counters.pongs.add()
        }
        link.isCongested = try !link.connection.flush()
    }

    private struct Close {
        let code: UInt16
        let reason: String
    }

    /// Works through the messages that were received.
    ///
    /// - Returns: how the server closed the connection; nil when it did not.
    private mutating func consume(
        _ socket: inout WebSocket, _ link: Link, _ origin: StreamMerge.Origin, at time: Int64
    ) throws -> Close? {
        let firstPlace = plan.streams.groups[link.group].lowerBound
        var messages = 0
        var fresh = 0
        var lastEvent: Int64 = 0
        defer {
            if messages > 0 {
                counters.messages.add(messages)
                counters.wins[link.seat].add(fresh)
                if lastEvent != 0 { link.lastEvent = lastEvent }
                let event = lastEvent == 0 ? time / 1000 : lastEvent
                counters.flow.note(
                    RecordTimes(event: event, ingest: time), isLive: lastEvent != 0)
            }
        }
        while let event = try socket.next() {
            switch event.kind {
            case .binary:
                messages += 1
                arrivals += 1
                if plan.capturesRaw {
                    if capture(event.payload, at: time) { fresh += 1 }
                } else {
                    do throws(StreamError) {
                        let start = merge.output.count
                        let taken = try merge.take(event.payload, from: origin, at: time)
                        fresh += taken.fresh
                        lastEvent = taken.eventTime
                        if link.lacking > 0 { link.note(taken.place - firstPlace) }
                        if let limit = plan.limit { cut(at: limit, from: start) }
                    } catch {
                        refusals.add(event.payload, because: error, number: arrivals, at: time)
                    }
                }
                if hasReachedLimit { return nil }
                if merge.output.count >= Delivery.batch, !merge.isDropping { try push() }
            case .text: read(StreamNotice(event.payload), link)
            case .ping:
                counters.pings.add()
                link.owesPong = true
            case .pong: break
            case .close:
                let reason = event.payload.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
                return Close(code: event.closeCode, reason: reason)
            }
        }
        return nil
    }

    /// - Returns: false when it was left out.
    private mutating func capture(_ message: RawSpan, at time: Int64) -> Bool {
        if merge.isDropping {
            uncaptured += 1
            return false
        }
        // Longer messages than fit in a frame are not received at all.
        guard merge.output.append(raw: message, number: arrivals, at: time) else { return false }
        captured += 1
        if let limit = plan.limit, captured >= limit { hasReachedLimit = true }
        return true
    }

    /// Keeps the output to the number of records that was asked for.
    mutating func cut(at limit: Int, from start: Int) {
        guard merge.counts.out >= limit else { return }
        hasReachedLimit = true
        merge.output.removeLastFrames(merge.counts.out - limit, from: start)
    }

    private mutating func read(_ notice: StreamNotice, _ link: Link) {
        switch notice {
        case .shutdown:
            guard let place = seats.firstIndex(where: { $0.links.contains { $0 === link } })
            else { return }
            log.info("the server is about to shut down", ["connection": "\(link.number)"])
            seats[place].lane.announceEnd(
                of: seats[place].role(of: link), at: Clock.monotonicNanoseconds())
        case .error(let error):
            log.warning("the venue reports an error", ["error": "\(error)"])
        case .other: log.debug("a text frame that says nothing new")
        }
    }
}
