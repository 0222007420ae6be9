import AWS
import Avro
import Glibc
import Posix
import Stage
import StageAWS
import Stats

/// Sends data points on a thread of its own, so that no answer of healthd waits for CloudWatch.
///
/// What a call did not get through stays in the queue and is sent with the next one, with its own
/// time.
final class CloudWatchSender: Sendable {
    private struct State {
        var queue = MetricQueue()
        /// When the last try must be over, ns of the monotonic clock; nil while all goes on.
        var deadline: Int64?
    }

    /// For the last data points, when healthd ends.
    private static let patience: Int64 = 5_000_000_000

    private let state = Locked(State())
    private let wake: Signal
    private let done: Signal
    private let namespace: String
    private let log: Log
    private let sent: Counter
    private let refused: Counter
    private let calls: Counter
    private let failed: Counter

    /// Starts the thread.
    init(
        _ location: ServiceLocation, _ credentials: ConfiguredCredentials, namespace: String,
        in stage: borrowing Stage
    ) throws {
        self.namespace = namespace
        log = stage.log
        wake = try Signal()
        done = try Signal()
        let stats = stage.stats
        sent = stats.counter(
            "cloudwatch_points_out", help: "Data points that CloudWatch has accepted.")
        refused = stats.counter(
            "cloudwatch_points_refused", labels: "by=\"service\"",
            help: "Data points that break a rule of CloudWatch.")
        calls = stats.counter("cloudwatch_calls", help: "Calls of CloudWatch that succeeded.")
        failed = stats.counter(
            "cloudwatch_calls_failed", help: "Calls of CloudWatch that failed and are retried.")
        let provider = credentials.provider(stage.log)
        // A client that cannot begin is an error of the configuration: it shows at once.
        _ = try CloudWatchClient(location, policy: RetryPolicy(), credentials: provider)
        try BackgroundThread.start("cloudwatch") { [self] in work(location, provider) }
    }

    // MARK: - For the thread that looks

    /// Takes data points in.
    ///
    /// - Parameter isDue: send them, and what waits, now.
    /// - Returns: how many wait, and how many went for want of room so far.
    func take(_ entries: [MetricQueue.Entry], isDue: Bool) -> (waiting: Int, dropped: Int) {
        let counts = state.withLock { state in
            state.queue.append(entries)
            return (state.queue.count, state.queue.dropped)
        }
        if isDue { wake.raise() }
        return counts
    }

    /// Sends what waits, for a few seconds at most.
    func stop() {
        state.withLock { $0.deadline = Clock.monotonicNanoseconds() + Self.patience }
        wake.raise()
        done.wait(seconds: Double(Self.patience) / 1e9 + 1)
    }

    // MARK: - On the thread

    private func work(_ location: ServiceLocation, _ provider: CredentialsProvider) {
        defer { done.raise() }
        var policy = RetryPolicy()
        policy.shouldStop = { [self] in
            state.withLock { $0.deadline.map { Clock.monotonicNanoseconds() > $0 } ?? false }
        }
        do throws(AWSError) {
            var client = try CloudWatchClient(location, policy: policy, credentials: provider)
            var isFailing = false
            while true {
                wake.wait(seconds: 3600)
                let isLast = state.withLock { $0.deadline != nil }
                do throws(AWSError) {
                    try sendAll(&client)
                    if isFailing { log.info("CloudWatch accepts data points again") }
                    isFailing = false
                } catch {
                    failed.add()
                    // Once an outage; the counter tells the rest.
                    if !isFailing { log.warning("data points for CloudWatch wait: \(error)") }
                    isFailing = true
                }
                if isLast { return }
            }
        } catch { log.error("cannot send metrics to CloudWatch: \(error)") }
    }

    private func sendAll(_ client: inout CloudWatchClient) throws(AWSError) {
        var limit = MetricRules.maximumData
        var hasTold = false
        while true {
            let now = Clock.realtimeNanoseconds() / 1_000_000
            let size = limit
            let (batch, dropped) = state.withLock { state in
                (state.queue.next(limit: size, now: now), state.queue.dropped)
            }
            guard !batch.isEmpty else { return }
            do throws(AWSError) {
                let (body, isGzip) = body(batch)
                try client.put(body, isGzip: isGzip, subject: namespace)
                calls.add()
                sent.add(batch.count)
                limit = min(MetricRules.maximumData, limit * 2)
            } catch {
                guard error.category == .protocolBroken, error.status >= 400 else { throw error }
                // Something in it is refused although our rules let it pass: halves find it.
                if batch.count > 1 {
                    limit = batch.count / 2
                    continue
                }
                refused.add()
                // Once a round; the counter tells the rest.
                if !hasTold {
                    log.error("CloudWatch refuses a data point, which is dropped: \(error)")
                }
                hasTold = true
            }
            state.withLock { $0.queue.remove(batch, droppedBefore: dropped) }
        }
    }

    private func body(_ batch: [MetricQueue.Entry]) -> (bytes: [UInt8], isGzip: Bool) {
        let plain = CloudWatchClient.body(namespace: namespace, batch.lazy.map(\.json))
        var compressed = Bytes(capacity: plain.count / 4 + 64)
        do throws(CompressionError) {
            let compressor = try StreamCompressor(.gzip)
            try compressor.compress(plain.span.bytes, ends: true, to: &compressed)
            return (compressed.array, true)
        } catch {
            // No memory for it; the service takes both.
            return (plain, false)
        }
    }
}

/// Something that one thread waits for and another says.
private final class Signal: Sendable {
    private let reading: Descriptor
    private let writing: Descriptor

    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError("make", "a signal pipe") }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        reading = Descriptor(adopting: ends[0], name: "a signal pipe")
        writing = Descriptor(adopting: ends[1], name: "a signal pipe")
    }

    func raise() {
        var byte: UInt8 = 1
        _ = write(writing.raw, &byte, 1)
    }

    /// Waits until it was raised since the last wait, or time is up.
    func wait(seconds: Double) {
        Descriptor.waitUntilReadable(reading.raw, seconds: seconds)
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(reading.raw, &bytes, bytes.count) > 0 {}
    }
}
