import AWS
import Posix
import Records
import Stage
import Stats
import Transport

/// What becomes of answers.
extension Delivery {
    /// How often a stream's trouble is logged, ns.
    private static let complaintPause: Int64 = 30_000_000_000

    // MARK: - PutRecords

    /// Takes the end of a call.
    mutating func finish(_ pending: PendingCall, _ completion: KinesisClient.Completion) throws {
        let channel = pending.channel
        buffers.append(pending.body)
        channel.counters.duration.record(completion.nanoseconds)
        switch completion.result {
        case .success(let body):
            guard
                let reply = PutRecordsReply(
                    body, count: pending.entries, shard: pending.call.lane.shard.id)
            else {
                complain(channel, "the answer to PutRecords is none: \(body.count) bytes")
                channel.breaker.recordFailure(at: Clock.monotonicNanoseconds())
                return fail(channel, pending.call, isUnknown: true, .transient)
            }
            take(reply, channel, pending.call)
        case .failure(let failure):
            try take(failure, channel, pending.call)
        }
    }

    private mutating func take(
        _ reply: PutRecordsReply, _ channel: StreamChannel, _ call: Lanes.Call
    ) {
        let now = Clock.monotonicNanoseconds()
        channel.breaker.recordSuccess(at: now)
        if channel.trouble != nil {
            channel.trouble = nil
            log.info("the stream takes records again", ["stream": "\(channel.stream)"])
        }
        if reply.hasStrayed { channel.shards.noteStray(at: now) }
        var failed: [Int: Bool] = [:]
        for failure in reply.failures {
            failed[failure.index] = failure.isThrottle
            if !failure.isThrottle, failure.code != "InternalFailure" {
                complain(channel, "an entry failed: \(failure.code): \(failure.message)")
            }
        }
        if let first = reply.failures.first {
            channel.counters.failedEntries.add(reply.failures.count)
            log.debug(
                "\(reply.failures.count) entries failed: \(first.code): \(first.message)",
                ["stream": "\(channel.stream)"])
        }
        // One look at the clock for all of a call: the delay of its first record.
        if let first = call.items.first, failed[0] == nil {
            let received = first.key.withFrame(at: first.place) { try? FrameView($0).ingestTime }
            if let received { counters.common.flow.noteOut(receivedAt: received) }
        }
        let effect = channel.lanes.settle(call, .answered(failed: failed), now: now) {
            confirm(channel, $0, $1, $2)
        }
        tally.recordsOut += Int64(effect.delivered)
        if effect.throttled { channel.counters.throttles.add() }
        if effect.delivered > 0 {
            lastSuccess = now
            channel.notePassing(now: now)
            let share = Double(effect.delivered) / Double(call.items.count)
            call.lane.pace.stored(call.cost * share, at: now)
        }
        channel.counters.records.add(effect.delivered)
    }

    /// Books a record that is done with.
    private mutating func confirm(
        _ channel: StreamChannel, _ bytes: RawSpan, _ batch: UInt32, _ isDelivered: Bool
    ) {
        channel.release(batch)
        guard isDelivered, let frame = try? FrameView(bytes) else { return }
        books.confirm(frame)
        tally.bytesOut += Int64(bytes.byteCount)
    }

    private mutating func take(
        _ failure: KinesisFailure, _ channel: StreamChannel, _ call: Lanes.Call
    ) throws {
        let now = Clock.monotonicNanoseconds()
        let isUnknown = failure.isOutcomeUnknown
        switch failure.remedy {
        case .transient:
            channel.breaker.recordFailure(at: now)
            complain(channel, "\(failure.error)")
            fail(channel, call, isUnknown: isUnknown, .transient)
        case .throttle:
            channel.breaker.recordSuccess(at: now)
            fail(channel, call, isUnknown: isUnknown, .throttle)
        case .again:
            channel.breaker.recordSuccess(at: now)
            log.info("sending again: \(failure.error)")
            fail(channel, call, isUnknown: false, .again)
        case .notReady:
            channel.breaker.recordSuccess(at: now)
            complain(channel, "\(failure.error)")
            fail(channel, call, isUnknown: false, .notReady)
        case .attention:
            channel.breaker.recordSuccess(at: now)
            fail(channel, call, failure.error, .attention)
        case .badRequest, .tooLarge:
            channel.breaker.recordSuccess(at: now)
            try isolate(channel, call, failure.error)
        }
    }

    /// Puts a call's records back, to be sent again after a pause.
    private mutating func fail(
        _ channel: StreamChannel, _ call: Lanes.Call, isUnknown: Bool, _ kind: Lanes.KindOfFailure
    ) {
        if isUnknown { channel.counters.unknownOutcomes.add(call.items.count) }
        switch kind {
        case .transient, .again, .notReady: channel.counters.retriesTransient.add()
        case .throttle:
            channel.counters.retriesThrottle.add()
            channel.counters.throttles.add()
        case .attention: channel.counters.retriesHeld.add()
        }
        _ = channel.lanes.settle(
            call, .failed(kind), now: Clock.monotonicNanoseconds()
        ) { confirm(channel, $0, $1, $2) }
    }

    /// Puts a call's records back until a person has helped.
    mutating func fail(
        _ channel: StreamChannel, _ call: Lanes.Call, _ error: AWSError,
        _ kind: Lanes.KindOfFailure
    ) {
        note(channel, error)
        fail(channel, call, isUnknown: false, kind)
    }

    /// Finds the record that the service will not take: halves of the call go again by themselves
    /// until it is alone. It goes to the quarantine when the stream takes others; where it takes
    /// none, the call is wrong for another reason, and all wait.
    private mutating func isolate(
        _ channel: StreamChannel, _ call: Lanes.Call, _ error: AWSError
    ) throws {
        complain(channel, "\(error); looking for the record in \(call.items.count)")
        let now = Clock.monotonicNanoseconds()
        let othersPass = channel.refusalsLeft > 0
        let effect = channel.lanes.settle(call, .refused(othersPass: othersPass), now: now) {
            confirm(channel, $0, $1, $2)
        }
        guard let bad = effect.bad else {
            // A key that is still to be tried may show that the service takes records.
            if !othersPass, channel.lanes.isHeld {
                channel.counters.retriesHeld.add()
                note(channel, error)
            }
            return
        }
        channel.refusalsLeft -= 1
        try bad.key.withFrame(at: bad.place) { bytes in
            try quarantine.add(try FrameView(bytes), because: "\(error)")
        }
        tally.notePutAside(.refusedByService)
        log.error("a record was put into \(quarantine.path): \(error)")
        channel.lanes.discard(bad) { confirm(channel, $0, $1, $2) }
    }

    // MARK: - Shards

    /// Asks what has to be known about the streams.
    mutating func ask() throws {
        let now = Clock.monotonicNanoseconds()
        for channel in channels where !channel.isEmpty {
            guard let question = channel.shards.ask(at: now) else { continue }
            let stream = channel.stream
            let token = nextToken
            nextToken += 1
            do throws(AWSError) {
                switch question {
                case .list(let nextToken):
                    try client.submit(
                        .listShards, KinesisClient.listShardsBody(stream, nextToken: nextToken),
                        stream: stream, token: token)
                case .create:
                    try client.submit(
                        .createStream, KinesisClient.createBody(stream, shards: plan.shards),
                        stream: stream, token: token)
                case .describe:
                    try client.submit(
                        .describeStreamSummary, KinesisClient.describeBody(stream),
                        stream: stream, token: token)
                }
            } catch {
                note(channel, error)
                channel.shards.postpone(at: now)
                continue
            }
            questions[token] = channel
        }
    }

    /// Takes an answer about a stream.
    mutating func answer(_ channel: StreamChannel, _ completion: KinesisClient.Completion) {
        let now = Clock.monotonicNanoseconds()
        if case .failure(let failure) = completion.result, failure.remedy == .transient {
            complain(channel, "\(failure.error)")
        }
        switch channel.shards.take(completion.result, at: now) {
        case .nothing: break
        case .created: log.info("made the stream", ["stream": "\(channel.stream)"])
        case .trouble(let error): note(channel, error)
        case .closedBook(let error):
            log.warning("sending without the map of shards: \(error)")
        case .map(let map):
            let wasKnown = channel.lanes.map.isKnown
            if channel.trouble != nil { channel.trouble = nil }
            guard channel.lanes.adopt(map, now: now) else { return }
            let change = wasKnown ? "the shards have changed" : "the shards are known"
            log.info(
                change, ["stream": "\(channel.stream)", "shards": "\(map.shards.count)"])
        }
    }

    // MARK: - Words

    /// Notes that a person is needed, in a line from time to time.
    private mutating func note(_ channel: StreamChannel, _ error: AWSError) {
        let isNew = channel.trouble?.code != error.code
        channel.trouble = error
        let now = Clock.monotonicNanoseconds()
        channel.troubledAt = now
        guard isNew || now - channel.complainedAt >= Self.complaintPause else { return }
        channel.complainedAt = now
        log.error(
            "records are held until this is mended: \(error)",
            ["stream": "\(channel.stream)", "waiting": "\(channel.waiting)"])
    }

    private func complain(_ channel: StreamChannel, _ words: String) {
        let now = Clock.monotonicNanoseconds()
        guard now - channel.complainedAt >= Self.complaintPause else { return }
        channel.complainedAt = now
        log.warning(
            "sending again: \(words)",
            ["stream": "\(channel.stream)", "waiting": "\(channel.waiting)"])
    }
}
