import Binance
import Posix
import Records
import Stage
import Stats
import Transport

/// What the messages of all connections go through: the merge, the output, and the quarantine of
/// those that are not understood.
struct MessagePump: ~Copyable {
    private let plan: TapOptions
    private let log: Log
    private let counters: TapCounters
    var merge: StreamMerge
    var output: OutputBuffer
    private var quarantine: Quarantine
    /// Binary messages so far.
    private var arrivals: Int64 = 0
    /// Raw records written.
    private(set) var captured = 0
    /// Raw records left out because the reader is slow.
    private(set) var uncaptured = 0
    /// True once as many records as were asked for are in the output.
    private(set) var hasReachedLimit = false
    /// When the oldest record in the buffer was received, ns; 0 when it is empty.
    private var oldestWaiting: Int64 = 0

    init(_ plan: TapOptions, _ counters: TapCounters, log: Log) throws {
        let output = try OutputBuffer(plan.output)
        self.plan = plan
        self.counters = counters
        self.log = log
        self.output = output
        merge = StreamMerge(plan.streams.subscriptions, rules: plan.merge)
        quarantine = Quarantine(plan.output, counters, log: log)
    }

    /// Records that were written so far, raw ones included.
    var records: Int { output.merged.records + captured }

    /// Writes what there is.
    ///
    /// - Parameter time: ns since the epoch.
    mutating func push(at time: Int64) throws {
        let isEmpty = try output.push(&merge, at: time)
        if isEmpty, oldestWaiting != 0 {
            counters.flow.noteOut(receivedAt: oldestWaiting)
            oldestWaiting = 0
        }
    }

    // MARK: - Messages

    /// Notes that bytes came, whose records wait from then on.
    ///
    /// - Parameter time: ns since the epoch.
    mutating func noteArrival(at time: Int64) {
        if oldestWaiting == 0 { oldestWaiting = time }
    }

    /// Notes that all of them were worked through.
    ///
    /// - Parameter before: ``records`` before it.
    mutating func noteDone(before: Int) {
        if records == before, output.buffered == 0 { oldestWaiting = 0 }
    }

    /// How the server closed a connection.
    struct Close {
        let code: UInt16
        let reason: String
    }

    /// What came besides records.
    struct Outcome {
        /// How the server closed the connection; nil when it did not.
        var close: Close?
        /// True when the server announced that it is about to go.
        var announcesEnd = false
    }

    /// Works through the messages that were received.
    ///
    /// - Parameters:
    ///   - time: when they were, ns since the epoch.
    ///   - now: the same on the monotonic clock.
    mutating func consume(
        _ socket: inout WebSocket, _ connection: TapConnection, _ origin: StreamMerge.Origin,
        at time: Int64, _ now: Int64
    ) throws -> Outcome {
        var outcome = Outcome()
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
                    RecordTimes(event: event, ingest: time), isLive: lastEvent != 0, at: time)
            }
        }
        while let event = try socket.next() {
            switch event.kind {
            case .binary,
                .text where isData(event.kind, event.payload):
                // Messages show that the venue lives; bytes of one that never ends do not.
                connection.lastHeard = now
                messages += 1
                arrivals += 1
                if plan.capturesRaw {
                    if capture(event.payload, at: time) { fresh += 1 }
                } else {
                    do throws(StreamError) {
                        let start = output.merged.bytes.count
                        let taken = try take(
                            event.payload, isText: event.kind == .text, origin, time)
                        guard let taken else {
                            // A reply or an announcement is no record.
                            (messages, arrivals) = (messages - 1, arrivals - 1)
                            if read(StreamNotice(event.payload), connection) {
                                outcome.announcesEnd = true
                            }
                            continue
                        }
                        fresh += taken.fresh
                        if taken.eventTime != 0 { lastEvent = taken.eventTime }
                        if connection.lacking > 0 { connection.note(taken.place) }
                        if let limit = plan.limit { cut(at: limit, from: start) }
                    } catch {
                        quarantine.add(event.payload, because: error, number: arrivals, at: time)
                    }
                }
                if hasReachedLimit { return outcome }
                if output.merged.bytes.count >= OutputBuffer.batch, output.merged.isKeeping {
                    try push(at: Clock.realtimeNanoseconds())
                }
            case .text:
                if read(StreamNotice(event.payload), connection) { outcome.announcesEnd = true }
            case .ping:
                connection.lastHeard = now
                counters.pings.add()
                connection.owesPong = true
            case .pong: break
            case .close:
                let reason = event.payload.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
                outcome.close = Close(code: event.closeCode, reason: reason)
                return outcome
            }
        }
        return outcome
    }

    /// True for a frame that has market data, as far as it shows without reading all of it.
    private func isData(_ kind: WebSocket.Kind, _ payload: RawSpan) -> Bool {
        guard kind == .text, plan.streams.encoding == .json else { return kind == .binary }
        // Of texts a capture keeps what is wrapped as a stream's, announcements apart.
        return !plan.capturesRaw || StreamNotice.isStreamData(payload)
    }

    /// - Returns: nil for a text that is not market data.
    private mutating func take(
        _ message: RawSpan, isText: Bool, _ origin: StreamMerge.Origin, _ time: Int64
    ) throws(StreamError) -> StreamMerge.Taken? {
        guard isText else {
            return try merge.take(message, from: origin, at: time, into: &output.merged)
        }
        return try merge.take(json: message, from: origin, at: time, into: &output.merged)
    }

    /// - Returns: false when it was left out.
    private mutating func capture(_ message: RawSpan, at time: Int64) -> Bool {
        guard output.merged.isKeeping else {
            uncaptured += 1
            return false
        }
        // Longer messages than fit in a frame are not received at all.
        guard
            output.merged.bytes.append(
                raw: message, number: arrivals, at: time,
                source: plan.streams.encoding == .json ? .json : .sbe)
        else { return false }
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

    /// - Returns: true when the server is about to go.
    private func read(_ notice: StreamNotice, _ connection: TapConnection) -> Bool {
        switch notice {
        case .shutdown:
            log.info(
                "the server is about to shut down", ["connection": "\(connection.number)"],
                cause: "server_shutdown")
            return true
        case .error(let error):
            counters.venueErrors.add()
            log.warning(
                "the venue reports an error", ["error": "\(error)"], cause: "venue_error")
            return false
        case .other: return false
        }
    }
}
