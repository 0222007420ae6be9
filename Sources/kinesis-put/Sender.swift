import AWS
import Posix
import Records
import Sink
import Stage
import StageAWS
import Stats
import Transport

/// The way to the service: starts calls, asks about streams, and does what their ends ask for.
struct Sender: ~Copyable {
    private let options: KinesisOptions
    private let log: Log
    private let confirmations: ConfirmationLog
    private let counters: DeliveryCounters
    private var builder: CallBuilder
    private let credentials: CredentialsProvider
    private var client: KinesisClient
    private var calls: [Int: PendingCall] = [:]
    private var requests: [Int: StreamQueue] = [:]
    private var nextToken = 1
    /// When records were stored last, ns of the monotonic clock.
    private(set) var lastSuccess = Clock.monotonicNanoseconds()

    /// A PutRecords call under way.
    private struct PendingCall {
        let stream: StreamQueue
        let built: CallBuilder.Built
    }

    /// - Throws: without credentials, so that such a program ends before it takes anything in.
    init(
        _ options: KinesisOptions, _ confirmations: ConfirmationLog, _ counters: DeliveryCounters,
        _ log: Log
    ) throws {
        let builder = try CallBuilder(options, confirmations)
        let credentials = options.credentials.provider(log)
        let client = try Self.makeClient(options, credentials)
        self.credentials = credentials
        self.options = options
        self.log = log
        self.confirmations = confirmations
        self.counters = counters
        self.builder = builder
        self.client = client
    }

    /// Asks about the streams before anything is sent.
    mutating func probe(stop: Int32) throws(AWSError) -> StartProbe {
        var probe = StartProbe(options)
        try probe.run(&client, stop: stop)
        return probe
    }

    /// Asks about the streams, says what was found, and does nothing else: for `--check`.
    static func check(_ options: KinesisOptions, _ log: Log, stop: Int32) throws {
        var client = try makeClient(options, options.credentials.provider(log))
        var probe = StartProbe(options)
        try probe.run(&client, stop: stop)
        let finding = probe.finding(isCheck: true)
        for warning in finding.warnings { log.warning(warning) }
        if let failure = finding.failure { throw failure }
        let found = probe.contacts.filter { $0.summary != nil }.map { "\($0.stream)" }
        log.info("Kinesis answers", ["streams": "\(found.joined(separator: ", "))"])
    }

    /// Takes over a new configuration.
    mutating func takeOver(_ options: KinesisOptions) {
        builder.options = options
        credentials.takeOver(options.credentials.provider(log))
    }

    private static func makeClient(
        _ options: KinesisOptions, _ credentials: CredentialsProvider
    ) throws(AWSError) -> KinesisClient {
        var client = try KinesisClient(options.kinesis, credentials: credentials)
        do throws(AWSError) { try client.checkCredentials() } catch {
            // A stop meanwhile is seen before anything is read.
            guard error.category == .stopped else { throw error }
        }
        return client
    }

    /// Calls under way.
    var callsInFlight: Int { calls.count }
    /// True when another call may start.
    var hasRoom: Bool { calls.count < options.kinesis.connections }
    /// When the credentials in use end, seconds since the epoch; nil for never.
    var credentialsExpiration: Int64? { client.credentialsExpiration }

    /// Begins to count silence again, for ``lastSuccess``.
    mutating func restartPatience(at now: Int64) { lastSuccess = max(lastSuccess, now) }

    // MARK: - Records

    /// Starts a call for each shard that has something to send and may.
    mutating func send(_ streams: [StreamQueue]) throws {
        let now = Clock.monotonicNanoseconds()
        for stream in streams where stream.discovery.isOpen && stream.scheduler.waiting > 0 {
            for shard in stream.scheduler.shardQueues
            where stream.scheduler.isDue(shard, now: now) {
                guard hasRoom else { return }
                guard stream.health.breaker.allows(at: now) else { break }
                if try !start(stream, shard, now: now) { stream.health.breaker.recordNothing() }
            }
        }
    }

    private mutating func start(
        _ stream: StreamQueue, _ shard: ShardQueue, now: Int64
    ) throws -> Bool {
        guard let built = try builder.build(stream, shard, now: now) else { return false }
        shard.rateLimit.spend(built.call.cost)
        let token = nextToken
        nextToken += 1
        counters.bytesSent.add(built.body.count)
        stream.counters.requests.add()
        do throws(AWSError) {
            try client.submit(.putRecords, built.body, stream: stream.stream, token: token)
        } catch {
            // It may have been the probe of a half-open circuit: another one may go.
            stream.health.breaker.recordNothing()
            hold(stream, error)
            retry(stream, built.call, .attention, isUnknown: false)
            builder.recycle(built.body)
            return true
        }
        calls[token] = PendingCall(stream: stream, built: built)
        return true
    }

    // MARK: - Streams

    /// Asks what has to be known about streams.
    mutating func ask(_ streams: [StreamQueue]) {
        let now = Clock.monotonicNanoseconds()
        for stream in streams {
            guard let request = stream.discovery.ask(at: now) else { continue }
            let reference = stream.stream
            let token = nextToken
            nextToken += 1
            do throws(AWSError) {
                switch request {
                case .list(let nextToken):
                    try client.submit(
                        .listShards,
                        KinesisClient.listShardsBody(reference, nextToken: nextToken),
                        stream: reference, token: token)
                case .create:
                    try client.submit(
                        .createStream,
                        KinesisClient.createBody(reference, shards: options.shards),
                        stream: reference, token: token)
                case .describe:
                    try client.submit(
                        .describeStreamSummary, KinesisClient.describeBody(reference),
                        stream: reference, token: token)
                }
            } catch {
                hold(stream, error)
                stream.discovery.postpone(at: now)
                continue
            }
            requests[token] = stream
        }
    }

    // MARK: - Ends

    /// Of the descriptors that the last wait was for those that are readable; nil when it did not look.
    var readable: [Int32]? { client.readable }

    /// Waits until a call ends, a descriptor is readable or time is up, and does what the ends ask
    /// for.
    mutating func wait(timeoutMilliseconds timeout: Int32, alsoReadable: [Int32]) throws {
        let completions = try client.wait(
            timeoutMilliseconds: timeout, alsoReadable: alsoReadable)
        for completion in completions {
            if let call = calls.removeValue(forKey: completion.token) {
                try finish(call, completion)
            } else if let stream = requests.removeValue(forKey: completion.token) {
                try answer(stream, completion)
            }
        }
    }

    private mutating func finish(
        _ pending: PendingCall, _ completion: KinesisClient.Completion
    ) throws {
        let (stream, call) = (pending.stream, pending.built.call)
        builder.recycle(pending.built.body)
        stream.counters.duration.record(completion.nanoseconds)
        let outcome: CallOutcome
        switch completion.result {
        case .success(let body):
            let reply = PutRecordsReply(
                body, count: pending.built.entries, shard: call.queue.shard.id)
            outcome = reply.map { .reply($0) } ?? .unreadable(bytes: body.count)
        case .failure(let failure): outcome = .failure(failure)
        }
        for action in outcome.decide(records: call.items.count, health: stream.health) {
            try perform(action, outcome, stream, call)
        }
    }

    private mutating func perform(
        _ action: CallOutcome.Action, _ outcome: CallOutcome, _ stream: StreamQueue,
        _ call: SendScheduler.Call
    ) throws {
        let now = Clock.monotonicNanoseconds()
        switch action {
        case .recordSuccess: stream.health.breaker.recordSuccess(at: now)
        case .recordFailure: stream.health.breaker.recordFailure(at: now)
        case .endTrouble:
            if stream.health.endTrouble() {
                log.info("the stream accepts records again", ["stream": "\(stream.stream)"])
            }
        case .readShards: stream.discovery.noteStray(at: now)
        case .complete(let failed): complete(stream, call, failed: failed, now: now)
        case .retry(let reason, let isUnknown):
            retry(stream, call, reason, isUnknown: isUnknown)
        case .isolate(let mayGiveUp):
            if let error = outcome.error {
                try isolate(stream, call, error, mayGiveUp: mayGiveUp, now: now)
            }
        case .recordMismatch: stream.health.recordMismatch(at: now)
        case .hold: if let error = outcome.error { hold(stream, error) }
        case .remember(let words): stream.health.recordFailure(words)
        case .complain(let words): complain(stream, words)
        case .mention(let words): log.info("sending again: \(words)")
        }
    }

    /// Confirms what was stored; the rest of the call goes again.
    private mutating func complete(
        _ stream: StreamQueue, _ call: SendScheduler.Call, failed: [Int: Bool], now: Int64
    ) {
        if !failed.isEmpty { stream.counters.failedEntries.add(failed.count) }
        // One look at the clock for all of a call: the delay of its first record.
        if let first = call.items.first, failed[0] == nil {
            let received = first.key.withFrame(at: first.place) { try? FrameView($0).ingestTime }
            if let received { counters.common.flow.noteOut(receivedAt: received) }
        }
        let effect = stream.complete(call, .answered(failed: failed), confirmations, now: now)
        confirmations.tally.recordsOut += Int64(effect.delivered)
        if effect.throttled { stream.counters.throttles.add() }
        if effect.delivered > 0 {
            lastSuccess = now
            if stream.health.recordStored() { stream.scheduler.hurryKeys(now: now) }
            let share = Double(effect.delivered) / Double(call.items.count)
            call.queue.rateLimit.stored(call.cost * share, at: now)
        }
        stream.counters.records.add(effect.delivered)
    }

    private mutating func retry(
        _ stream: StreamQueue, _ call: SendScheduler.Call, _ reason: SendScheduler.RetryReason,
        isUnknown: Bool
    ) {
        if isUnknown { stream.counters.unknownOutcomes.add(call.items.count) }
        switch reason {
        case .transient, .again, .notReady: stream.counters.retriesTransient.add()
        case .throttle:
            stream.counters.retriesThrottle.add()
            stream.counters.throttles.add()
        case .attention: stream.counters.retriesHeld.add()
        }
        _ = stream.complete(
            call, .failed(reason), confirmations, now: Clock.monotonicNanoseconds())
    }

    /// Finds the record that the service will not take: halves of the call go again by themselves
    /// until it is alone. It goes to the quarantine when the stream takes others; where it takes
    /// none, the call is wrong for another reason, and all wait.
    private mutating func isolate(
        _ stream: StreamQueue, _ call: SendScheduler.Call, _ error: AWSError, mayGiveUp: Bool,
        now: Int64
    ) throws {
        let effect = stream.complete(
            call, .refused(mayGiveUp: mayGiveUp), confirmations, now: now)
        guard let bad = effect.bad else {
            // A key that is still to be tried may show that the service takes records.
            if !mayGiveUp, stream.scheduler.isHeld {
                stream.counters.retriesHeld.add()
                hold(stream, error)
            }
            return
        }
        stream.health.recordRefusal()
        try bad.key.withFrame(at: bad.place) { bytes in
            try confirmations.putAside(
                try FrameView(bytes), .refusedByService, because: "\(error)")
        }
        stream.discard(bad, confirmations)
    }

    private mutating func answer(
        _ stream: StreamQueue, _ completion: KinesisClient.Completion
    ) throws {
        let now = Clock.monotonicNanoseconds()
        if case .failure(let failure) = completion.result, failure.remedy == .transient {
            complain(stream, "\(failure.error)")
            stream.health.recordFailure("\(failure.error)")
        }
        switch stream.discovery.accept(completion.result, at: now) {
        case .nothing: break
        case .created: log.info("the stream was created", ["stream": "\(stream.stream)"])
        case .described(let summary): try options.claimAccount(stream.stream, summary)
        case .trouble(let error): hold(stream, error)
        case .listDenied(let error):
            log.warning("sending without the shard map: \(error)")
        case .map(let map):
            let wasKnown = stream.scheduler.map.isKnown
            _ = stream.health.endTrouble()
            guard stream.scheduler.adopt(map, now: now) else { return }
            log.info(
                wasKnown ? "the shards have changed" : "the shards are known",
                ["stream": "\(stream.stream)", "shards": "\(map.shards.count)"])
        }
    }

    // MARK: - Words

    /// Notes that a person is needed, in a line from time to time.
    private func hold(_ stream: StreamQueue, _ error: AWSError) {
        let now = Clock.monotonicNanoseconds()
        guard let unsaid = stream.health.recordTrouble(error, at: now) else { return }
        log.error(
            "delivery is paused until this is fixed: \(error)\(Self.leftOut(unsaid))",
            ["stream": "\(stream.stream)", "waiting": "\(stream.waiting)"])
    }

    private func complain(_ stream: StreamQueue, _ words: String) {
        let now = Clock.monotonicNanoseconds()
        guard let unsaid = stream.health.complaint(at: now) else { return }
        log.warning(
            "sending again: \(words)\(Self.leftOut(unsaid))",
            ["stream": "\(stream.stream)", "waiting": "\(stream.waiting)"])
    }

    private static func leftOut(_ lines: Int) -> String {
        lines > 0 ? " (\(lines) like it were not logged)" : ""
    }
}

extension CallOutcome {
    /// The error of a call without a good answer.
    fileprivate var error: AWSError? {
        if case .failure(let failure) = self { return failure.error }
        return nil
    }
}
