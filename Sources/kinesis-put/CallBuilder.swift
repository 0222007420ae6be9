import AWS
import Posix
import Records
import Sink
import Stage
import Transport

/// Builds the bodies of `PutRecords` calls: single records, or one container of many.
struct CallBuilder: ~Copyable {
    /// Bytes that Kinesis bills as one payload unit.
    static let payloadUnit = 25_600

    /// A call that is ready to be sent.
    struct Built {
        let call: SendScheduler.Call
        /// Entries of the request; fewer than the call's records when they are in a container.
        let entries: Int
        let body: HTTPBuffer
    }

    var options: KinesisOptions
    private let confirmations: ConfirmationLog
    private var form: PayloadForm
    private var scratch = Bytes(capacity: 4096)
    private var container = AggregatedRecord()
    /// Memory of bodies that were sent.
    private var buffers: [HTTPBuffer] = []

    init(_ options: KinesisOptions, _ confirmations: ConfirmationLog) throws {
        self.options = options
        self.confirmations = confirmations
        form = try PayloadForm(options.format, isCompressed: options.isCompressed)
    }

    /// Takes back the memory of a body that is no longer needed.
    mutating func recycle(_ body: HTTPBuffer) { buffers.append(body) }

    /// A call for a shard; nil when nothing could go into it.
    mutating func build(
        _ stream: StreamQueue, _ shard: ShardQueue, now: Int64
    ) throws -> Built? {
        let buffer = buffers.popLast() ?? HTTPBuffer(Bytes(capacity: 128 << 10))
        var memory = Bytes(capacity: 1)
        buffer.change { swap(&$0, &memory) }
        var body = PutRecordsBody(stream.stream, reusing: memory)
        let isAggregated = options.rules.order == .aggregated
        var call =
            isAggregated
            ? try fillContainer(stream, shard, &body, now: now)
            : try fillBatch(stream, shard, &body, now: now)
        guard call != nil else {
            buffers.append(buffer)
            return nil
        }
        let (entries, payload) = (body.count, body.payloadBytes)
        memory = body.finish()
        buffer.change { swap(&$0, &memory) }
        call?.cost =
            isAggregated
            ? ShardRateLimit.cost(bytes: payload)
            : max(Double(entries) / 1000, ShardRateLimit.cost(bytes: payload))
        return call.map { Built(call: $0, entries: entries, body: buffer) }
    }

    // MARK: - Single records

    private mutating func fillBatch(
        _ stream: StreamQueue, _ shard: ShardQueue, _ body: inout PutRecordsBody, now: Int64
    ) throws -> SendScheduler.Call? {
        let longest = longestRecord(of: stream)
        let most = options.batchBytes
        var before: PartitionKeyQueue?
        return try stream.fill(shard, confirmations, now: now) { key, bytes in
            if key !== before {
                before = key
                body.choose(key.suffix)
            }
            // A record that is sent as it is need not be copied to be looked at.
            if form.isFrame, bytes.byteCount + body.keyLength <= longest {
                let length = body.payloadBytes + bytes.byteCount + body.keyLength
                guard length <= most || body.count == 0 else { return .full }
                body.append(bytes)
                return .added
            }
            scratch.removeAll()
            switch try encode(bytes, key, longest: longest) {
            case .rejected: return .rejected
            case .full: return .full
            case .added: break
            }
            let length = body.payloadBytes + scratch.count + body.keyLength
            guard length <= most || body.count == 0 else { return .full }
            body.append(scratch.span)
            return .added
        }
    }

    /// The longest record, data and key: what is set, but never more than the stream takes.
    private func longestRecord(of stream: StreamQueue) -> Int {
        min(options.recordBytes, stream.discovery.recordBytes)
    }

    /// Puts a record's data into ``scratch``; a record that can never be sent into the quarantine.
    private mutating func encode(
        _ bytes: RawSpan, _ key: PartitionKeyQueue, longest: Int
    ) throws -> SendScheduler.Fit {
        let frame = try FrameView(bytes)
        do {
            try form.append(frame, to: &scratch)
        } catch let error as FrameError {
            try confirmations.putAside(frame, .brokenMessage, because: "\(error)")
            return .rejected
        }
        let length = scratch.count + key.name.utf8.count
        guard length <= longest else {
            try confirmations.putAside(
                frame, .tooLong,
                because: "\(length) bytes are more than a record of this stream may have "
                    + "(\(longest))")
            return .rejected
        }
        return .added
    }

    // MARK: - Containers

    private mutating func fillContainer(
        _ stream: StreamQueue, _ shard: ShardQueue, _ body: inout PutRecordsBody, now: Int64
    ) throws -> SendScheduler.Call? {
        guard let first = shard.next else { return nil }
        let longest = longestRecord(of: stream)
        let hash = stream.scheduler.map.isKnown ? shard.shard.start : first.hash
        container.reset(explicitHash: hash)
        // Whole payload units, as far as that many bytes wait.
        let guess = Int(Double(shard.waitingBytes) * stream.packing) / Self.payloadUnit
        let most = min(options.aggregateBytes, longest) / Self.payloadUnit
        let limit = min(max(1, guess), max(1, most)) * Self.payloadUnit - first.name.utf8.count
        var framed = 0
        let call = try stream.fill(shard, confirmations, now: now) { key, bytes in
            scratch.removeAll()
            switch try encode(bytes, key, longest: longest) {
            case .rejected: return .rejected
            case .full: return .full
            case .added: break
            }
            let growth = AggregatedRecord.growth(data: scratch.count, key: key.name.utf8.count)
            guard container.count == 0 || container.length + growth <= limit else { return .full }
            Self.add(scratch, key.name, to: &container)
            framed += bytes.byteCount
            return .added
        }
        guard let call, let item = call.items.first else { return nil }
        if framed > 0 { stream.recordPacking(Double(container.length) / Double(framed)) }
        scratch.removeAll()
        if container.count > 1 {
            // Nothing less than the whole may go: all of it is confirmed with the call.
            guard Self.write(container, to: &scratch) else {
                throw StageFailure(
                    .configuration,
                    "OpenSSL no longer computes MD5, which KPL containers need: --no-aggregate")
            }
            body.append(
                scratch.span, RecordSuffix(partitionKey: item.key.name, explicitHash: hash))
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
