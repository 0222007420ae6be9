import AWS
import Transport

/// When to ask which shards a stream has, and what to make of the answers: also whether the
/// stream is there at all, and making it. A value; times are ns of a monotonic clock.
struct ShardWatch {
    /// What to ask next.
    enum Question: Equatable {
        case list(nextToken: String?)
        case create
        case describe
    }

    /// A stray record causes a new reading, but not more often than this.
    private static let strayPause: Int64 = 2_000_000_000
    /// After a refusal to list, the next try comes this much later.
    private static let refusalPause: Int64 = 300_000_000_000

    private let createsStream: Bool
    private let refresh: Int64
    private let hold: Int64
    private let pause = Backoff(base: 0.2, cap: 10)
    private var question = Question.list(nextToken: nil)
    private var listing = ShardListing()
    private var dueAt: Int64 = 0
    private var isAsking = false
    private var attempts = 0
    private var listedAt: Int64 = .min / 2

    /// True once records may be sent: the shards are known, or will not be told.
    private(set) var isOpen = false

    init(createsStream: Bool, refresh: Int64, hold: Int64) {
        self.createsStream = createsStream
        self.refresh = refresh
        self.hold = hold
    }

    /// The question to ask now, which is then under way; nil for none.
    mutating func ask(at now: Int64) -> Question? {
        guard !isAsking, dueAt <= now else { return nil }
        isAsking = true
        return question
    }

    /// When the next question is due; nil while one is under way.
    var nextTime: Int64? { isAsking ? nil : dueAt }

    /// Notes that the question could not even be asked.
    mutating func postpone(at now: Int64) {
        isAsking = false
        dueAt = now + hold
    }

    /// Ends a pause before a question.
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
        /// These are the shards.
        case map(ShardMap)
        /// Records may be sent, but nobody says which shards there are.
        case closedBook(AWSError)
        /// A person is needed.
        case trouble(AWSError)
        /// The stream was made.
        case created
    }

    /// Takes the answer to the question under way.
    mutating func take(_ result: Result<[UInt8], KinesisFailure>, at now: Int64) -> Effect {
        isAsking = false
        switch result {
        case .success(let body): return succeed(body, now)
        case .failure(let failure): return fail(failure, now)
        }
    }

    private mutating func succeed(_ body: [UInt8], _ now: Int64) -> Effect {
        attempts = 0
        switch question {
        case .create:
            question = .describe
            dueAt = now
            return .created
        case .describe:
            let isActive = KinesisClient.status(body) == "ACTIVE"
            question = isActive ? .list(nextToken: nil) : .describe
            dueAt = isActive ? now : now + 500_000_000
            return .nothing
        case .list:
            do throws(ShardListing.Broken) {
                if let map = try listing.add(body) {
                    begin(at: now + refresh)
                    listedAt = now
                    isOpen = true
                    return .map(map)
                }
                question = .list(nextToken: listing.nextToken)
                dueAt = now
            } catch { retry(now) }
            return .nothing
        }
    }

    private mutating func fail(_ failure: KinesisFailure, _ now: Int64) -> Effect {
        let code = failure.error.code
        if code == "ResourceNotFoundException", createsStream {
            question = .create
            dueAt = now
            return .nothing
        }
        if question == .create, code == "ResourceInUseException" {
            question = .describe
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
            // Who asks wrongly would write wrongly as well; a stream that takes records goes on.
            begin(at: now + hold)
            return isOpen ? .nothing : .trouble(failure.error)
        case .attention:
            // Who may write need not be one who may list; a stream that is not there is no stream
            // to write to either.
            let isListing = question != .create
            if isListing, code != "ResourceNotFoundException", failure.error.transport == nil {
                begin(at: now + Self.refusalPause)
                let wasOpen = isOpen
                isOpen = true
                return wasOpen ? .nothing : .closedBook(failure.error)
            }
            begin(at: now + hold)
            return .trouble(failure.error)
        }
    }

    private mutating func retry(_ now: Int64) {
        attempts += 1
        let delay = Int64(pause.delay(attempt: attempts) * 1e9)
        if case .list = question { begin(at: now + delay) } else { dueAt = now + delay }
    }

    private mutating func begin(at time: Int64) {
        question = .list(nextToken: nil)
        listing = ShardListing()
        dueAt = time
    }
}
