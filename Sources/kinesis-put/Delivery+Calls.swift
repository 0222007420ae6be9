import AWS
import Posix
import Records
import Stage
import Stats
import Transport

/// Building calls, and sending them.
extension Delivery {
    /// Starts a call for each lane that has something to send and may.
    mutating func send() throws {
        let now = Clock.monotonicNanoseconds()
        for channel in channels where channel.shards.isOpen && channel.lanes.waiting > 0 {
            for lane in channel.lanes.lanes where channel.lanes.isDue(lane, now: now) {
                guard calls.count < plan.kinesis.connections else { return }
                guard channel.breaker.allows(at: now) else { break }
                if try !start(channel, lane, now: now) { channel.breaker.recordNothing() }
            }
        }
    }

    private mutating func start(
        _ channel: StreamChannel, _ lane: Lane, now: Int64
    ) throws -> Bool {
        let buffer = buffers.popLast() ?? HTTPBuffer(Bytes(capacity: 128 << 10))
        var memory = Bytes(capacity: 1)
        buffer.change { swap(&$0, &memory) }
        var body = PutRecordsBody(channel.stream, reusing: memory)
        let isAggregated = plan.rules.order == .aggregated
        var call =
            isAggregated
            ? try fillContainer(channel, lane, &body, now: now)
            : try fillBatch(channel, lane, &body, now: now)
        guard call != nil else {
            buffers.append(buffer)
            return false
        }
        let (entries, payload) = (body.count, body.payloadBytes)
        memory = body.finish()
        buffer.change { swap(&$0, &memory) }
        let cost =
            isAggregated
            ? Pace.cost(bytes: payload) : max(Double(entries) / 1000, Pace.cost(bytes: payload))
        call?.cost = cost
        guard let call else { return false }
        lane.pace.spend(cost)
        let token = nextToken
        nextToken += 1
        counters.bytesSent.add(buffer.count)
        channel.counters.requests.add()
        do throws(AWSError) {
            try client.submit(.putRecords, buffer, stream: channel.stream, token: token)
        } catch {
            // It may have been the probe of a half-open circuit: another one may go.
            channel.breaker.recordNothing()
            fail(channel, call, error, .attention)
            buffers.append(buffer)
            return true
        }
        calls[token] = PendingCall(channel: channel, call: call, entries: entries, body: buffer)
        return true
    }

    // MARK: - Records as they are

    private mutating func fillBatch(
        _ channel: StreamChannel, _ lane: Lane, _ body: inout PutRecordsBody, now: Int64
    ) throws -> Lanes.Call? {
        try channel.lanes.fill(lane, now: now) { key, bytes in
            scratch.removeAll()
            let length = key.name.utf8.count
            switch try encode(bytes, key) {
            case .rejected: return .rejected
            case .full: return .full
            case .added: break
            }
            guard body.payloadBytes + scratch.count + length <= plan.batchBytes || body.count == 0
            else { return .full }
            body.append(scratch.span, key.suffix)
            return .added
        } settled: { _, batch, _ in
            // What is settled here was put elsewhere.
            channel.release(batch)
        }
    }

    /// Puts a record's data into ``scratch``; a record that can never be sent into the quarantine.
    private mutating func encode(_ bytes: RawSpan, _ key: KeyQueue) throws -> Lanes.Fit {
        let frame = try FrameView(bytes)
        do {
            try form.append(frame, to: &scratch)
        } catch let error as FrameError {
            try quarantine.add(frame, because: "\(error)")
            tally.notePutAside(.brokenMessage)
            log.warning("a record was put into \(quarantine.path): \(error)")
            return .rejected
        }
        let length = scratch.count + key.name.utf8.count
        guard length <= plan.recordBytes else {
            let reason = "\(length) bytes are more than a record may have (\(plan.recordBytes))"
            try quarantine.add(frame, because: reason)
            tally.notePutAside(.tooLong)
            log.warning("a record was put into \(quarantine.path): \(reason)")
            return .rejected
        }
        return .added
    }

    // MARK: - Containers

    private mutating func fillContainer(
        _ channel: StreamChannel, _ lane: Lane, _ body: inout PutRecordsBody, now: Int64
    ) throws -> Lanes.Call? {
        guard let first = lane.next else { return nil }
        let hash = channel.lanes.map.isKnown ? lane.shard.start : first.hash
        container.reset(explicitHash: hash)
        // Whole payload units, as far as that many bytes wait.
        let guess = Int(Double(lane.waitingBytes) * channel.packing) / Self.payloadUnit
        let most = min(plan.aggregateBytes, plan.recordBytes) / Self.payloadUnit
        let limit =
            min(max(1, guess), max(1, most)) * Self.payloadUnit - first.name.utf8.count
        var framed = 0
        let call = try channel.lanes.fill(lane, now: now) { key, bytes in
            scratch.removeAll()
            switch try encode(bytes, key) {
            case .rejected: return .rejected
            case .full: return .full
            case .added: break
            }
            let growth = AggregatedRecord.growth(data: scratch.count, key: key.name.utf8.count)
            guard container.count == 0 || container.length + growth <= limit else { return .full }
            Self.add(scratch, key.name, to: &container)
            framed += bytes.byteCount
            return .added
        } settled: { _, batch, _ in
            channel.release(batch)
        }
        guard let call, let item = call.items.first else { return nil }
        if framed > 0 {
            let packed = Double(container.length) / Double(framed)
            channel.packing = channel.packing * 0.9 + packed * 0.1
        }
        scratch.removeAll()
        if container.count > 1 {
            // Nothing less than the whole may go: all of it is booked when the call is confirmed.
            guard Self.write(container, to: &scratch) else {
                throw StageFailure(
                    .configuration,
                    "OpenSSL no longer computes MD5, which KPL containers need: --no-aggregate")
            }
            body.append(
                scratch.span,
                RecordSuffix(partitionKey: item.key.name, explicitHash: hash))
        } else {
            // A container of one record is sent plain.
            container.withFirst { body.append($0, item.key.suffix) }
        }
        return call
    }

    private static func add(
        _ data: borrowing Bytes, _ key: String, to container: inout AggregatedRecord
    ) {
        container.append(data.span, partitionKey: key)
    }

    /// Apart from `self`, whose parts may not be lent and changed at once.
    private static func write(
        _ container: borrowing AggregatedRecord, to bytes: inout Bytes
    ) -> Bool {
        container.write(to: &bytes)
    }
}
