import Encoding
import Posix
public import Transport

/// Fetches files of the venue's archive into a directory: pieces in parallel, begun files gone on
/// with, each checked against the archive's own checksum.
///
/// One thread, no callbacks: the caller queues files, then calls ``wait(timeout:unless:)`` in its
/// loop; files come out in the order in which they were queued.
public struct ArchiveClient: ~Copyable {
    /// How to talk to the archive.
    public struct Options: Sendable {
        /// Base URL; files are below it.
        public var baseURL = "https://data.binance.vision"
        /// Where files are while they are read.
        public var directory = ""
        /// Pieces under way at once.
        public var parallel = 8
        /// Bytes of a piece.
        public var pieceLength: Int64 = 4 << 20
        /// Time for one piece, seconds.
        public var timeout = 60.0
        /// Attempts at one piece.
        public var maximumAttempts = 8
        /// Longest first and longest later pause between attempts, seconds.
        public var backoff = (initial: 1.0, longest: 60.0)
        /// A file of certificate authorities instead of the system's.
        public var authorities: String?

        /// The defaults.
        public init() {}
    }

    /// What came of a file.
    public struct Outcome: Sendable {
        /// Which.
        public let file: ArchiveFile
        /// Its URL.
        public let url: String
        /// Where it is, or why it is not.
        public let result: Result<String, ArchiveError>
        /// Requests and answers, with their times: the evidence for what it does not have.
        public let evidence: String
        /// True when the archive has no checksum for it.
        public let isUnchecked: Bool
        /// When its last byte came, ns since the epoch.
        public let arrival: Int64
    }

    /// Figures since the start.
    public struct Counts: Sendable {
        /// Requests sent.
        public var requests = 0
        /// Requests that were repeats.
        public var retries = 0
        /// Bytes received.
        public var bytes = 0
    }

    /// Figures since the start.
    public private(set) var counts = Counts()
    /// Gets a sentence for each thing that an operator may want to see.
    public var report: (_ isWarning: Bool, _ text: String) -> Void = { _, _ in }
    private let options: Options
    private var http: HTTPClient
    private var queue: [ArchiveDownload] = []
    private var calls: [Int: (download: ArchiveDownload, call: ArchiveDownload.Call)] = [:]
    private var nextToken = 1

    /// A client; nothing is sent yet.
    public init(_ options: Options) throws(TransportError) {
        self.options = options
        http = try HTTPClient(authorities: options.authorities)
    }

    /// Files that were queued and have not come out.
    public var outstanding: Int { queue.count }

    /// Queues a file.
    public mutating func submit(_ file: ArchiveFile) {
        queue.append(ArchiveDownload(file, options))
    }

    /// Works on what is queued.
    ///
    /// - Parameters:
    ///   - timeout: longest wait, seconds.
    ///   - stop: a descriptor that ends the wait when readable.
    /// - Returns: the first file of the queue once it is there; nil otherwise.
    public mutating func wait(
        timeout: Double, unless stop: Int32
    ) throws(ArchiveError) -> Outcome? {
        if let outcome = takeFirst() { return outcome }
        try work(milliseconds: timeout * 1000, unless: stop)
        return takeFirst()
    }

    private mutating func work(milliseconds: Double, unless stop: Int32) throws(ArchiveError) {
        let pause = send()
        let wait = min(milliseconds, pause.map { Double($0) } ?? .infinity)
        let completions: [HTTPClient.Completion]
        do throws(TransportError) {
            completions = try http.wait(
                timeoutMilliseconds: Int32(max(0, min(wait, 60_000))),
                alsoReadable: [stop])
        } catch { throw ArchiveError(.unavailable, "waiting for \(options.baseURL): \(error)") }
        for completion in completions {
            guard let (download, call) = calls.removeValue(forKey: completion.token) else {
                continue
            }
            if case .success(let response) = completion.result {
                counts.bytes += response.body.count
            }
            if let notice = download.settle(call, completion.result) {
                report(notice.isWarning, notice.text)
            }
        }
        _ = send()
    }

    /// Goes on with what is under way, without waiting: to be called now and then while a file is
    /// read.
    public mutating func poke() throws(ArchiveError) {
        guard !queue.isEmpty, queue[0].outcome == nil else { return }
        try work(milliseconds: 0, unless: -1)
    }

    private mutating func takeFirst() -> Outcome? {
        guard let first = queue.first, let outcome = first.outcome else { return nil }
        queue.removeFirst()
        return outcome
    }

    /// - Returns: ms until something more may be sent; nil when nothing waits for its time.
    private mutating func send() -> Int64? {
        var pause: Int64?
        let now = Clock.monotonicNanoseconds()
        for download in queue where download.outcome == nil {
            while calls.count < options.parallel {
                guard let call = download.nextCall(at: now) else { break }
                let token = nextToken
                nextToken += 1
                counts.requests += 1
                if call.attempt > 1 { counts.retries += 1 }
                do throws(TransportError) {
                    try http.submit(download.request(for: call), token: token)
                    calls[token] = (download, call)
                } catch { _ = download.settle(call, .failure(error)) }
            }
            if let due = download.due(after: now) {
                pause = min(pause ?? .max, (due - now) / 1_000_000 + 1)
            }
        }
        return pause
    }
}
