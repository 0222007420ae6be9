import Posix
public import Transport

/// Amazon Kinesis Data Streams: many requests under way on one thread, none of them tried again
/// by itself, since only the caller knows what may be sent after what.
///
/// Keeps what outlives a request: connections, credentials, the signing key, the clock's offset.
///
/// Source: Amazon Kinesis Data Streams API Reference, 2013-12-02, in JSON 1.1.
public struct KinesisClient: ~Copyable {
    /// A request of the interface.
    public enum Operation: String, Sendable {
        case putRecords = "PutRecords"
        case listShards = "ListShards"
        case describeStreamSummary = "DescribeStreamSummary"
        case createStream = "CreateStream"
    }

    /// The end of one request.
    public struct Completion: Sendable {
        /// Of ``submit(_:_:stream:token:)``.
        public let token: Int
        /// The body of a good answer, or why there is none.
        public let result: Result<[UInt8], KinesisFailure>
        /// From submitting to the end.
        public let nanoseconds: Int64
    }

    private struct Pending {
        let operation: Operation
        let subject: String
        let started: Int64
        /// What it was signed with.
        let credentials: Credentials
        /// And the clock's offset then, seconds: several may find the clock wrong at once.
        let clockOffset: Int64
    }

    /// After renewed credentials were refused as well, the next renewal comes this much later, s.
    private static let renewalPause: Int64 = 30
    private static let service = "kinesis"

    private let configuration: KinesisConfiguration
    private let url: String
    private var signer: PostSigner
    private var http: HTTPClient
    private let provider: CredentialsProvider
    private var pending: [Int: Pending] = [:]
    private var renewedAt: Int64?
    private var clock = ServiceClock()
    /// When the credentials in use end, seconds since the epoch; nil for never.
    public private(set) var credentialsExpiration: Int64?

    /// A client without connections.
    ///
    /// - Throws: when the endpoint is no URL.
    public init(
        _ configuration: KinesisConfiguration, credentials: CredentialsProvider
    ) throws(AWSError) {
        let endpoint = try configuration.location.resolved()
        let authority = endpoint.authority()
        let path = endpoint.prefix + "/"
        do throws(TransportError) {
            http = try HTTPClient(
                connections: configuration.connections,
                authorities: configuration.location.authorities)
        } catch {
            throw AWSError(error, service: Self.service, operation: "start", subject: authority)
        }
        self.configuration = configuration
        url = "\(endpoint.isTLS ? "https" : "http")://\(authority)\(path)"
        signer = PostSigner(
            authority: authority, path: path, region: configuration.location.region,
            service: Self.service, contentType: "application/x-amz-json-1.1")
        provider = credentials
    }

    /// Finds credentials, so that a program without any ends before it takes anything in.
    public mutating func checkCredentials() throws(AWSError) {
        let credentials = try provider.credentials(at: Clock.realtimeNanoseconds() / 1_000_000_000)
        credentialsExpiration = credentials.expiration
    }

    // MARK: - Requests

    /// Starts a request; its end comes from ``wait(timeoutMilliseconds:alsoReadable:)``.
    ///
    /// - Parameters:
    ///   - body: left alone until the request ends.
    ///   - token: names the request; must not be in use.
    /// - Throws: when there are no credentials, or the library has no memory.
    public mutating func submit(
        _ operation: Operation, _ body: HTTPBuffer, stream: StreamReference, token: Int
    ) throws(AWSError) {
        let now = Clock.realtimeNanoseconds() / 1_000_000_000
        let credentials = try provider.credentials(at: now)
        credentialsExpiration = credentials.expiration
        let headers = body.withBytes { bytes in
            signer.headers(
                target: "Kinesis_20131202.\(operation.rawValue)", body: bytes.span,
                credentials: credentials, now: now + clock.offset)
        }
        let request = HTTPRequest(
            method: "POST", url: url, headers: headers, body: .buffer(body),
            timeout: configuration.requestTimeout, connectTimeout: 5, maximumResponse: 8 << 20)
        do throws(TransportError) { try http.submit(request, token: token) } catch {
            throw AWSError(
                error, service: Self.service, operation: operation.rawValue,
                subject: stream.description)
        }
        pending[token] = Pending(
            operation: operation, subject: stream.description,
            started: Clock.monotonicNanoseconds(),
            credentials: credentials, clockOffset: clock.offset)
    }

    /// Of the descriptors that the last wait was for those that are readable; nil when it did not look.
    public var readable: [Int32]? { http.readable }

    /// Works on every request until one ends, a descriptor is readable, or time is up.
    ///
    /// - Parameters:
    ///   - timeout: longest wait, ms.
    ///   - descriptors: end the wait when readable; negative ones are ignored.
    public mutating func wait(
        timeoutMilliseconds timeout: Int32, alsoReadable descriptors: [Int32]
    ) throws(AWSError) -> [Completion] {
        let ended: [HTTPClient.Completion]
        do throws(TransportError) {
            ended = try http.wait(timeoutMilliseconds: timeout, alsoReadable: descriptors)
        } catch {
            throw AWSError(error, service: Self.service, operation: "wait", subject: url)
        }
        var completions: [Completion] = []
        for end in ended {
            guard let call = pending.removeValue(forKey: end.token) else { continue }
            completions.append(
                Completion(
                    token: end.token, result: judge(end.result, call),
                    nanoseconds: Clock.monotonicNanoseconds() - call.started))
        }
        return completions
    }

    private mutating func judge(
        _ result: Result<HTTPResponse, TransportError>, _ call: Pending
    ) -> Result<[UInt8], KinesisFailure> {
        let name = call.operation.rawValue
        switch result {
        case .failure(let error):
            return .failure(
                KinesisFailure(
                    AWSError(error, service: Self.service, operation: name, subject: call.subject)))
        case .success(let response):
            guard
                let error = AWSError(
                    response, service: Self.service, operation: name, subject: call.subject)
            else { return .success(response.body) }
            if clock.corrects(error, response, signedWith: call.clockOffset)
                || renewsCredentials(error, call.credentials)
            {
                return .failure(KinesisFailure(error, remedy: .again))
            }
            return .failure(KinesisFailure(error))
        }
    }

    // MARK: - Credentials

    private mutating func renewsCredentials(_ error: AWSError, _ used: Credentials) -> Bool {
        guard RetryDecision(error, isSkewed: false, conflictIsFinal: true) == .renewCredentials
        else {
            return false
        }
        // Calls that were under way with them as well need no further renewal. A source that gave
        // the same again has nothing better, for a while.
        if provider.isReplacing(used) { return true }
        let now = Clock.monotonicNanoseconds() / 1_000_000_000
        if let renewedAt, now - renewedAt < Self.renewalPause { return false }
        guard provider.invalidate(used) else { return false }
        renewedAt = now
        return true
    }
}
