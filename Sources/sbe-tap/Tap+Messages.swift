import Binance
import Posix
import Records
import Stage
import Stats
import Transport

/// What comes over the connections.
extension Tap {
    /// Reads what is there and works through it.
    mutating func receive(_ connection: TapConnection, _ place: Int) throws {
        let now = Clock.monotonicNanoseconds()
        guard connection.isReadable else { return tend(connection, place, at: now) }
        var failure: WebSocketFailure?
        do throws(WebSocketFailure) {
            let count = try connection.transport.read()
            connection.isReadable = connection.transport.hasMore
            if count > 0 { counters.flow.bytesIn.add(count) }
        } catch { failure = error }
        let time = Clock.realtimeNanoseconds()
        if oldestWaiting == 0 { oldestWaiting = time }
        let outBefore = output.merged.records + captured
        do {
            let origin = Self.origin(ofGroup: connection.group, slots, losses)
            let close = try consume(&connection.transport.socket, connection, origin, at: time, now)
            if let close {
                // The server may be gone already: its close frame is news enough.
                _ = try? connection.transport.flush()
                return lose(
                    connection, place, .closed,
                    "the server closed the connection with code \(close.code)"
                        + (close.reason.isEmpty ? "" : ": \(close.reason)"))
            }
        } catch let error as WebSocketError {
            _ = try? connection.transport.flush()
            return lose(connection, place, .broken, "\(error)")
        }
        if output.merged.records + captured == outBefore, output.buffered == 0 {
            oldestWaiting = 0
        }
        tend(connection, place, at: now, failure)
    }

    /// Answers pings, and sees whether the connection still lives.
    private mutating func tend(
        _ connection: TapConnection, _ place: Int, at now: Int64, _ failure: WebSocketFailure? = nil
    ) {
        do throws(WebSocketFailure) {
            if let failure { throw failure }
            if connection.owesPong || connection.isCongested {
                try answerPings(connection, at: now)
            }
        } catch {
            let cause: LossCause = if case .ended = error { .ended } else { .network }
            return lose(connection, place, cause, "\(error)")
        }
        if Double(now - connection.lastHeard) >= plan.stallTimeout * 1e9 {
            lose(
                connection, place, .stalled, "neither data nor a ping for \(plan.stallTimeout) s")
        }
    }

    private func answerPings(_ connection: TapConnection, at now: Int64) throws(WebSocketFailure) {
        if connection.owesPong, connection.messages.take(at: now) {
            connection.transport.socket.pong()
            connection.owesPong = false
            counters.pongs.add()
        }
        connection.isCongested = try !connection.transport.flush()
    }

    private struct Close {
        let code: UInt16
        let reason: String
    }

    /// Works through the messages that were received.
    ///
    /// - Returns: how the server closed the connection; nil when it did not.
    private mutating func consume(
        _ socket: inout WebSocket, _ connection: TapConnection, _ origin: StreamMerge.Origin,
        at time: Int64,
        _ now: Int64
    ) throws -> Close? {
        let firstPlace = plan.streams.groups[connection.group].lowerBound
        var messages = 0
        var fresh = 0
        var lastEvent: Int64 = 0
        defer {
            if messages > 0 {
                counters.messages.add(messages)
                counters.wins[connection.slot].add(fresh)
                if lastEvent != 0 { connection.lastEvent = lastEvent }
                let event = lastEvent == 0 ? time / 1000 : lastEvent
                counters.flow.note(
                    RecordTimes(event: event, ingest: time), isLive: lastEvent != 0)
            }
        }
        while let event = try socket.next() {
            switch event.kind {
            case .binary:
                // Messages show that the venue lives; bytes of one that never ends do not.
                connection.lastHeard = now
                messages += 1
                arrivals += 1
                if plan.capturesRaw {
                    if capture(event.payload, at: time) { fresh += 1 }
                } else {
                    do throws(StreamError) {
                        let start = output.merged.bytes.count
                        let taken = try merge.take(
                            event.payload, from: origin, at: time, into: &output.merged)
                        fresh += taken.fresh
                        lastEvent = taken.eventTime
                        if connection.lacking > 0 { connection.note(taken.place - firstPlace) }
                        if let limit = plan.limit { cut(at: limit, from: start) }
                    } catch {
                        quarantine.add(event.payload, because: error, number: arrivals, at: time)
                    }
                }
                if hasReachedLimit { return nil }
                if output.merged.bytes.count >= OutputBuffer.batch, output.merged.isKeeping {
                    try push()
                }
            case .text: read(StreamNotice(event.payload), connection)
            case .ping:
                connection.lastHeard = now
                counters.pings.add()
                connection.owesPong = true
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
        guard output.merged.isKeeping else {
            uncaptured += 1
            return false
        }
        // Longer messages than fit in a frame are not received at all.
        guard output.merged.bytes.append(raw: message, number: arrivals, at: time) else {
            return false
        }
        captured += 1
        if let limit = plan.limit, captured >= limit { hasReachedLimit = true }
        return true
    }

    /// Keeps the output to the number of records that was asked for.
    mutating func cut(at limit: Int, from start: Int) {
        guard output.merged.records >= limit else { return }
        hasReachedLimit = true
        output.merged.bytes.removeLastFrames(output.merged.records - limit, from: start)
    }

    private mutating func read(_ notice: StreamNotice, _ connection: TapConnection) {
        let now = Clock.monotonicNanoseconds()
        switch notice {
        case .shutdown:
            guard
                let place = slots.firstIndex(where: {
                    $0.connections.contains { $0 === connection }
                })
            else { return }
            if shutdownLog.allows(at: now) {
                log.info(
                    "the server is about to shut down",
                    ["connection": "\(connection.number)", "left_out": "\(shutdownLog.told())"])
            }
            slots[place].rotation.announceEnd(of: slots[place].role(of: connection), at: now)
        case .error(let error):
            counters.venueErrors.add()
            guard venueErrorLog.allows(at: now) else { return }
            log.warning(
                "the venue reports an error",
                ["error": "\(error)", "left_out": "\(venueErrorLog.told())"])
        case .other: break
        }
    }
}
