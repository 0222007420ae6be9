import AWS
import Posix
import Stage
import StageAWS

/// What is asked before a byte is read: whether the streams are there and these credentials count.
///
/// A stream that is missing holds up no other: only what makes every delivery impossible, or a
/// missing stream that someone named, ends the run. Nothing is created here.
struct StartProbe {
    /// Longest time that reading is put off, ns.
    private static let patience: Int64 = 10_000_000_000
    /// Failures of the way to the service after which reading starts anyway.
    private static let tries = 2

    /// Codes of credentials that no stream will ever take.
    static let unusableCredentials: Set<String> = [
        "ExpiredToken", "ExpiredTokenException", "IncompleteSignature",
        "IncompleteSignatureException", "InvalidClientTokenId", "InvalidSignatureException",
        "MissingAuthenticationToken", "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch", "UnrecognizedClientException",
    ]

    /// What is known of one stream.
    struct Contact {
        let stream: StreamReference
        /// Its answer, or why there is none.
        var summary: StreamSummary?
        var trouble: AWSError?
        var lastFailure: String?
        fileprivate var discovery: ShardDiscovery

        /// True while an answer may still come.
        fileprivate var isOpen: Bool {
            !discovery.isFound && trouble == nil && discovery.failures < StartProbe.tries
        }
        /// True when the way to the service is wrong, as with a certificate that is not trusted: nothing
        /// is delivered before a person has helped.
        var hasWrongWay: Bool { trouble?.transport != nil }
        /// A web page that came in the place of an answer.
        var page: AWSError?
        /// True when the service did not answer.
        var isSilent: Bool { !discovery.isFound && trouble == nil }
    }

    /// What was found.
    struct Finding {
        var warnings: [String] = []
        var failure: StageFailure?
    }

    private(set) var contacts: [Contact] = []
    private let options: KinesisOptions

    init(_ options: KinesisOptions) {
        self.options = options
        for stream in options.streams.byTemplate
        where !contacts.contains(where: { $0.stream == stream }) {
            contacts.append(
                Contact(
                    stream: stream,
                    discovery: ShardDiscovery(
                        createsStream: false, refresh: .max / 4, hold: Self.patience)))
        }
    }

    /// Asks, all at once, until every stream has answered, the service seems away, time is up or a
    /// signal comes.
    mutating func run(_ client: inout KinesisClient, stop: Int32) throws(AWSError) {
        let deadline = Clock.monotonicNanoseconds() + Self.patience
        while contacts.contains(where: \.isOpen), !Descriptor.isReadable(stop) {
            let now = Clock.monotonicNanoseconds()
            guard now < deadline else { return }
            var next = deadline
            for index in contacts.indices where contacts[index].isOpen {
                if contacts[index].discovery.ask(at: now) != nil {
                    let stream = contacts[index].stream
                    try client.submit(
                        .describeStreamSummary, KinesisClient.describeBody(stream),
                        stream: stream, token: -1 - index)
                }
                if let time = contacts[index].discovery.nextTime { next = min(next, time) }
            }
            let left = max(0, next - now)
            let completions = try client.wait(
                timeoutMilliseconds: Int32((left + 999_999) / 1_000_000), alsoReadable: [stop])
            for completion in completions { accept(completion) }
        }
    }

    private mutating func accept(_ completion: KinesisClient.Completion) {
        let index = -1 - completion.token
        guard contacts.indices.contains(index) else { return }
        if case .failure(let failure) = completion.result {
            contacts[index].lastFailure = "\(failure.error)"
            if failure.error.code == "HTMLPage" { contacts[index].page = failure.error }
        }
        let now = Clock.monotonicNanoseconds()
        switch contacts[index].discovery.accept(completion.result, at: now) {
        case .described(let summary): contacts[index].summary = summary
        case .trouble(let error): contacts[index].trouble = error
        case .nothing, .map, .listDenied, .created: break
        }
    }

    // MARK: - What it means

    /// What the answers mean for the run.
    ///
    /// - Parameter isCheck: silence is a failure then, and not waited out.
    func finding(isCheck: Bool) -> Finding {
        var finding = Finding()
        if let error = contacts.lazy.compactMap(\.trouble)
            .first(where: { Self.unusableCredentials.contains($0.code) })
        {
            finding.failure = StageFailure(error)
            return finding
        }
        if let error = contacts.first(where: \.hasWrongWay)?.trouble {
            finding.failure = StageFailure(error)
            return finding
        }
        if isCheck, let page = contacts.lazy.compactMap(\.page).first {
            finding.failure = StageFailure(page)
            return finding
        }
        let missing = contacts.filter {
            $0.trouble?.code == "ResourceNotFoundException"
                && !(options.createsStreams && $0.stream.place == nil)
        }
        let named = missing.filter { options.streams.named.contains($0.stream) }
        let fatal = missing.count == contacts.count ? missing : named
        if let error = fatal.first?.trouble {
            finding.failure = StageFailure(error.exitStatus, "\(error)\(Self.list(fatal))")
            return finding
        }
        if !missing.isEmpty {
            finding.warnings.append(
                "streams that do not exist yet hold their records on disk until they do"
                    + Self.list(missing))
        }
        if let silent = contacts.first(where: \.isSilent) {
            let reason = silent.lastFailure ?? "no answer in time"
            if isCheck {
                finding.failure = StageFailure(.gaveUp, reason)
            } else {
                finding.warnings.append(
                    "Kinesis could not be asked about the streams; reading starts anyway: \(reason)"
                )
            }
        }
        return finding
    }

    private static func list(_ contacts: [Contact]) -> String {
        ": " + contacts.map { "\($0.stream)" }.joined(separator: ", ")
    }
}
