import Encoding
import Glibc
import Posix
import Redis
import Stage
import Stats

/// The server that several hosts ask, reached again by itself.
///
/// Names are resolved and connections opened on a thread of their own: records do not wait for that.
struct ClaimServer {
    private enum Outcome: Sendable {
        case connected(RedisConnection)
        case failed(RedisFailure)
    }

    /// Pauses between attempts, ns.
    private static let pauses: ClosedRange<Int64> = 500_000_000...15_000_000_000
    /// Pause between two looks at how many values it evicted, ns.
    private static let evictionPause: Int64 = 10_000_000_000

    let owner = LeaseOwner()
    private let options: SharedClaims.Options
    private let log: Log
    private let outcomes: WorkQueue<Outcome>
    private var current: RedisConnection?
    private var isConnecting = false
    private var nextAttempt: Int64 = 0
    private var pause = Self.pauses.lowerBound
    /// The cause that was last told; nil when all was well.
    private var told: RedisFailure.Cause?
    private var nextEvictionLook: Int64 = 0
    /// Values that the server gave up for want of memory, since it started.
    private(set) var evictions: Int64 = 0
    private var toldEvictions: Int64?

    init(_ options: SharedClaims.Options, log: Log) throws {
        self.options = options
        self.log = log
        outcomes = try WorkQueue()
    }

    /// Readable when an attempt to connect has ended.
    var descriptor: Int32 { outcomes.descriptor }

    /// True while it answers.
    var isUp: Bool { current != nil }

    /// Waits for the first attempt.
    mutating func waitForFirst(seconds: Double) {
        _ = connection(at: Clock.monotonicNanoseconds())
        var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&watched, 1, Int32(seconds * 1000))
        _ = connection(at: Clock.monotonicNanoseconds())
    }

    /// The connection, if there is one now; otherwise one is on its way.
    mutating func connection(at now: Int64) -> RedisConnection? {
        if isConnecting {
            for outcome in outcomes.takeAll() {
                isConnecting = false
                switch outcome {
                case .connected(let connection):
                    current = connection
                    pause = Self.pauses.lowerBound
                    nextEvictionLook = 0
                    log.info("claims are shared with other hosts", ["server": "\(options.address)"])
                    told = nil
                case .failed(let failure): lose(failure)
                }
            }
        }
        guard current == nil else {
            lookForEvictions(at: now)
            return current
        }
        if !isConnecting, now >= nextAttempt { connect() }
        return nil
    }

    /// Gives a connection up that failed.
    mutating func lose(_ failure: RedisFailure) {
        current = nil
        nextAttempt = Clock.monotonicNanoseconds() + pause
        pause = min(2 * pause, Self.pauses.upperBound)
        guard told != failure.cause else { return }
        told = failure.cause
        log.warning(
            "claims are not shared with other hosts: \(failure); each passes on what it has, until "
                + "the server answers again",
            ["server": "\(options.address)", "cause": "\(failure.cause.rawValue)"],
            cause: "claims_\(failure.cause.rawValue)")
    }

    private mutating func connect() {
        isConnecting = true
        let (options, outcomes) = (options, outcomes)
        do throws(SystemError) {
            try BackgroundThread.start("redis") {
                do throws(RedisFailure) {
                    let connection = try RedisConnection(
                        options.address, authorities: options.authorities,
                        seconds: max(1, options.timeout))
                    var commands = RedisCommands()
                    // Whether it takes writes shows now, and not with the first records.
                    commands.append(["SET", "\(options.name):probe", "1", "PX", "1000"])
                    let deadline = Clock.monotonicNanoseconds() + Int64(options.timeout * 1e9)
                    try connection.exchange(&commands, by: deadline) { _, _ in }
                    outcomes.add(.connected(connection))
                } catch { outcomes.add(.failed(error)) }
            }
        } catch {
            isConnecting = false
            lose(RedisFailure(.unreachable, "\(error)"))
        }
    }

    /// A server that evicts values forgets claims: records may pass on two hosts.
    private mutating func lookForEvictions(at now: Int64) {
        guard now >= nextEvictionLook, let connection = current else { return }
        nextEvictionLook = now + Self.evictionPause
        var commands = RedisCommands()
        commands.append(["INFO", "stats"])
        var text = ""
        let deadline = now + Int64(options.timeout * 1e9)
        do throws(RedisFailure) {
            try connection.exchange(&commands, by: deadline) { _, reply in text = reply.text ?? "" }
        } catch {
            // A user without the right to ask is served all the same, on another connection.
            if error.cause == .refused { nextEvictionLook = .max }
            return lose(error)
        }
        let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("evicted_keys:") }
        guard let count = line.flatMap({ Int64($0.dropFirst(13)) }) else { return }
        evictions = count
        if let toldEvictions, count > toldEvictions {
            log.warning(
                "the server evicts values, so claims are forgotten and records may pass on two hosts: "
                    + "give it more memory, or shorten --shared-expiry",
                ["server": "\(options.address)", "evicted": "\(count)"], cause: "claims_evicted")
        }
        toldEvictions = count
    }
}

/// The figures of shared claims.
struct ClaimFigures {
    private let unavailable: Gauge
    private let leases: Gauge
    private let duplicates: Counter
    private let takeovers: Counter
    private let evictions: Gauge

    init(_ stats: StatsWriter) {
        unavailable = stats.gauge(
            FigureName.claimsUnavailable,
            help: "1 while the server of shared claims does not answer, else 0.")
        leases = stats.gauge(
            "shared_leases", help: "Symbols whose records this host passes on at once.")
        duplicates = stats.counter(
            "shared_duplicates", help: "Records dropped because another host passed them on.")
        takeovers = stats.counter(
            "shared_takeovers",
            help: "Records passed on because the host with the lease did not claim them in time.")
        evictions = stats.gauge(
            "shared_evictions", help: "Values that the server gave up for want of memory.")
    }

    func noteTakeover() { takeovers.add(1) }

    func show(isDown: Bool, dropped: Int64, leases count: Int, evictions evicted: Int64) {
        unavailable.set(isDown ? 1 : 0)
        leases.set(Int64(count))
        duplicates.advance(to: dropped)
        evictions.set(evicted)
    }
}
