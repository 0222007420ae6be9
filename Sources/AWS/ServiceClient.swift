import Posix
import Transport

/// Sends signed calls to one service, many at once, and sends them again as its rules say.
///
/// Keeps what outlives a call: connections, credentials, the clock's offset, the retry quota and
/// the circuit breaker. One thread.
///
/// ```swift
/// client.submit(call, token: 7)
/// for completion in try client.wait(timeoutMilliseconds: 50) { … completion.result … }
/// ```
struct ServiceClient: ~Copyable {
    /// Clocks further apart than this count as skewed, seconds; the SDKs' threshold.
    static let skewThreshold: Int64 = 240

    let service: String
    var region: String
    var policy: RetryPolicy
    var http: HTTPClient
    let provider: CredentialsProvider
    var quota = RetryQuota()
    var breaker: CircuitBreaker
    /// The service's clock minus ours, seconds.
    var clockOffset: Int64 = 0
    /// Answers so far that asked for fewer requests.
    var throttles = 0
    /// Calls that were submitted and have not ended, by token.
    var pending: [Int: PendingCall] = [:]
    /// Calls that ended before anything was sent, for the next wait.
    var ended: [Completion] = []

    /// - Parameter connections: most connections to one host; as many calls as this make sense at
    ///   once.
    init(
        service: String, region: String, credentials: CredentialsProvider, policy: RetryPolicy,
        authorities: String?, connections: Int = 8
    ) throws(AWSError) {
        self.service = service
        self.region = region
        self.policy = policy
        breaker = CircuitBreaker(failures: policy.circuitFailures, coolDown: policy.circuitCoolDown)
        provider = credentials
        do throws(TransportError) {
            http = try HTTPClient(connections: connections, authorities: authorities)
        } catch {
            throw AWSError(
                .unavailable, service: service, operation: "start", message: error.reason)
        }
    }

    var circuit: CircuitBreaker.State { breaker.state(at: Clock.monotonicNanoseconds()) }
    var retryTokens: Int { quota.tokens }

    /// Sends a call until it has an answer that counts; other calls must not be under way.
    ///
    /// - Returns: the response with a status from 200 to 299.
    mutating func send(_ call: ServiceCall) throws(AWSError) -> HTTPResponse {
        precondition(pending.isEmpty, "send while calls are under way")
        submit(call, token: 0)
        while true {
            let completions: [Completion]
            do throws(AWSError) { completions = try wait(timeoutMilliseconds: 60_000) } catch {
                cancelAll()
                throw error
            }
            if let completion = completions.first { return try completion.result.get() }
        }
    }

    // MARK: - Errors

    func failure(_ error: TransportError, _ call: ServiceCall) -> AWSError {
        let category: AWSError.Category =
            switch error.kind {
            case .tls, .badRequest: .configuration
            case .unreadable: .inputOutput
            case .tooLarge: .protocolBroken
            case .resolve, .connect, .timeout, .broken, .library: .unavailable
            }
        return AWSError(
            category, service: service, operation: call.operation, message: "\(error)",
            subject: call.subject, transport: error.kind)
    }

    /// The error that a response holds; nil for a good one.
    func failure(_ response: HTTPResponse, _ call: ServiceCall) -> AWSError? {
        let isGood = (200..<300).contains(response.status)
        let body = response.body.count <= 64 << 10 ? response.body : []
        let isHidden = isGood && call.mayHideError && XMLText.first("Code", in: body) != nil
        if isGood && !isHidden { return nil }
        let code = XMLText.first("Code", in: body) ?? "HTTP\(response.status)"
        let message = XMLText.first("Message", in: body) ?? "no reason given"
        let status = !isHidden ? response.status : code == "PreconditionFailed" ? 412 : 500
        var error = AWSError(
            .unavailable, service: service, operation: call.operation, code: code,
            message: String(message.prefix(500)), status: status)
        let verdict = Verdict(error, isSkewed: false, conflictIsFinal: false)
        var retriesHelp = false
        if case .retry = verdict { retriesHelp = true }
        error = AWSError(
            AWSError.Category(code: code, status: status, retriesHelp: retriesHelp),
            service: service, operation: call.operation, code: code,
            message: String(message.prefix(500)), status: status,
            requestID: response.header("x-amz-request-id") ?? response.header("x-amzn-requestid")
                ?? XMLText.first("RequestId", in: body) ?? "",
            subject: call.subject, hint: ServiceClient.hint(code),
            bucketRegion: response.header("x-amz-bucket-region")
                ?? XMLText.first("Region", in: body))
        return error
    }

    private static func hint(_ code: String) -> String {
        switch code {
        case "NoSuchBucket": "create the bucket, or check its name and the endpoint"
        case "SignatureDoesNotMatch": "the secret access key is not the one of this key id"
        case "InvalidAccessKeyId": "the endpoint does not know this key id"
        case "AccessDenied", "HTTP403": "check the policy of the user or role, and of the bucket"
        case "ExpiredToken": "renew the temporary credentials"
        case "AuthorizationHeaderMalformed", "PermanentRedirect": "check AWS_REGION"
        default: ""
        }
    }

    func stopped(_ call: ServiceCall) -> AWSError {
        AWSError(
            .stopped, service: service, operation: call.operation,
            message: "the program is asked to stop", subject: call.subject)
    }
}
