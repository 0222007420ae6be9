import AWS
import Transport

/// When to ask what a stream is and which shards it has, and what to make of the answers: also
/// whether the stream is there at all, and making it. A value; times are ns of a monotonic clock.
///
/// A stream is described once, then its shards are listed, and listed again from time to time.
struct ShardDiscovery {
    /// What to ask next.
    enum Request: Equatable {
        case describe
        case create
        case list(nextToken: String?)
    }

    /// A stray record causes a new reading, but not more often than this.
    private static let strayPause: Int64 = 2_000_000_000
    /// After a refusal to list, the next try comes this much later.
    private static let refusalPause: Int64 = 300_000_000_000
    /// How often a stream that is being made is looked at.
    private static let creationPause: Int64 = 500_000_000

    private let createsStream: Bool
    private let refresh: Int64
    private let hold: Int64
    private let pause = Backoff(base: 0.2, cap: 10)
    private var request = Request.describe
    private var listing = ShardListing()
    private var dueAt: Int64 = 0
    private var isAsking = false
    private var attempts = 0
    private var listedAt: Int64 = .min / 2
    /// True once the stream was described, or a description was denied.
    private var isDescribed = false
    /// True once this stream was made here: then it has to become active first.
    private var isMaking = false

    /// True once records may be sent: the shards are known, or will not be told.
    private(set) var isOpen = false
    /// The longest record that the stream takes, bytes; 1 MiB until it says more.
    private(set) var recordBytes = StreamSummary.standardRecordBytes

    init(createsStream: Bool, refresh: Int64, hold: Int64) {
        self.createsStream = createsStream
        self.refresh = refresh
        self.hold = hold
    }

    /// The request to send now, which is then under way; nil for none.
    mutating func ask(at now: Int64) -> Request? {
        guard !isAsking, dueAt <= now else { return nil }
        isAsking = true
        return request
    }

    /// True when the stream is known to exist, or asking is not permitted.
    var isFound: Bool { isDescribed }
    /// Answers without success in a row.
    var failures: Int { attempts }

    /// When the next request is due; nil while one is under way.
    var nextTime: Int64? { isAsking ? nil : dueAt }

    /// Notes that the request could not even be sent.
    mutating func postpone(at now: Int64) {
        isAsking = false
        attempts += 1
        dueAt = now + hold
    }

    /// Ends a pause before a request.
    mutating func hurry(at now: Int64) {
        if !isAsking { dueAt = min(dueAt, now) }
    }

    /// Notes that a record came to another shard than expected.
    mutating func noteStray(at now: Int64) {
        guard !isAsking else { return }
        dueAt = min(dueAt, max(now, listedAt + Self.strayPause))
    }

    /// What an answer meant.
    enum Effect {
        case nothing
        /// The stream is there, and this is what it is.
        case described(StreamSummary)
        /// These are the shards.
        case map(ShardMap)
        /// Records may be sent, but listing the shards is denied.
        case listDenied(AWSError)
        /// A person is needed.
        case trouble(AWSError)
        /// The stream was made.
        case created
    }

    /// Notes the answer to the request under way.
    mutating func accept(_ result: Result<[UInt8], KinesisFailure>, at now: Int64) -> Effect {
        isAsking = false
        switch result {
        case .success(let body): return succeed(body, now)
        case .failure(let failure): return fail(failure, now)
        }
    }

    private mutating func succeed(_ body: [UInt8], _ now: Int64) -> Effect {
        attempts = 0
        switch request {
        case .create:
            isMaking = true
            request = .describe
            dueAt = now
            return .created
        case .describe: return describe(StreamSummary(body), now)
        case .list:
            do throws(ShardListing.Broken) {
                if let map = try listing.add(body) {
                    begin(at: now + refresh)
                    listedAt = now
                    isOpen = true
                    return .map(map)
                }
                request = .list(nextToken: listing.nextToken)
                dueAt = now
            } catch { retry(now) }
            return .nothing
        }
    }

    private mutating func describe(_ summary: StreamSummary?, _ now: Int64) -> Effect {
        // One that was made here is not ready before it says so; of others it counts little:
        // UPDATING streams take records, and a server may not know the request.
        let isReady = summary?.status == "ACTIVE" || summary?.status == "UPDATING"
        guard isReady || !isMaking && summary?.status != "CREATING" else {
            dueAt = now + Self.creationPause
            return .nothing
        }
        isDescribed = true
        isMaking = false
        begin(at: now)
        guard let summary else { return .nothing }
        recordBytes = summary.recordBytes
        return .described(summary)
    }

    private mutating func fail(_ failure: KinesisFailure, _ now: Int64) -> Effect {
        let code = failure.error.code
        if code == "ResourceNotFoundException", createsStream {
            request = .create
            dueAt = now
            return .nothing
        }
        if request == .create, code == "ResourceInUseException" {
            isMaking = true
            request = .describe
            dueAt = now
            return .nothing
        }
        switch failure.remedy {
        case .again:
            dueAt = now
            return .nothing
        case .throttle, .transient, .tooLarge:
            retry(now)
            return .nothing
        case .notReady:
            begin(at: now + 1_000_000_000)
            return .nothing
        case .badRequest:
            if request == .describe, !isMaking {
                // A server that does not know the request may know the others.
                isDescribed = true
                begin(at: now)
                return .nothing
            }
            // A rejected ListShards means that PutRecords would be rejected too; a stream that
            // takes records goes on.
            attempts += 1
            begin(at: now + hold)
            return isOpen ? .nothing : .trouble(failure.error)
        case .attention: return refuse(failure.error, now)
        }
    }

    private mutating func refuse(_ error: AWSError, _ now: Int64) -> Effect {
        // Bad credentials are refused everywhere, so that waiting for a person is right.
        let isDenied =
            error.transport == nil && error.code != "ResourceNotFoundException"
            && !StartProbe.unusableCredentials.contains(error.code)
        switch request {
        case .describe where isDenied && !isMaking:
            // Permission to write does not imply permission to describe or to list.
            isDescribed = true
            begin(at: now)
            return .nothing
        case .list where isDenied:
            begin(at: now + Self.refusalPause)
            defer { isOpen = true }
            return isOpen ? .nothing : .listDenied(error)
        default:
            attempts += 1
            begin(at: now + hold)
            return .trouble(error)
        }
    }

    private mutating func retry(_ now: Int64) {
        attempts += 1
        let delay = Int64(pause.delay(attempt: attempts) * 1e9)
        if case .list = request { begin(at: now + delay) } else { dueAt = now + delay }
    }

    private mutating func begin(at time: Int64) {
        request = isDescribed ? .list(nextToken: nil) : .describe
        listing = ShardListing()
        dueAt = time
    }
}
