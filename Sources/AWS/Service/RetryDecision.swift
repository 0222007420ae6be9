import Transport

/// What to do about an answer or its absence.
enum RetryDecision: Equatable {
    /// Send again after a pause.
    case retry(RetryQuota.Reason)
    /// Correct the clock's offset, then send again at once, one time.
    case correctClock
    /// Renew the credentials, then send again at once, one time.
    case renewCredentials
    /// Give up.
    case final

    /// Codes that ask for fewer requests. Source: botocore 1.43, `_retry.json` and
    /// `retries/standard.py`.
    private static let throttles: Set<String> = [
        "BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException",
        "KMS.ThrottlingException", "KMSThrottlingException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "SlowDown",
        "ThrottledException", "Throttling", "ThrottlingException", "TooManyRequestsException",
        "TransactionInProgressException",
    ]
    /// Failures that pass: the service's own, and bytes damaged on the way.
    private static let transients: Set<String> = [
        "BadDigest", "IDPCommunicationError", "IncompleteBody", "InternalError",
        "InternalFailure", "InternalFailureException", "InternalServiceFault",
        "PriorRequestNotComplete", "RequestTimeout",
        "RequestTimeoutException", "ServiceUnavailable", "XAmzContentSHA256Mismatch",
    ]
    /// Another write was under way.
    private static let conflicts: Set<String> = ["ConditionalRequestConflict", "OperationAborted"]
    private static let skews: Set<String> = [
        "RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed",
    ]
    /// What a service says of a signature that is wrong for any reason, a wrong clock included.
    private static let signatureCodes: Set<String> = [
        "AuthFailure", "InvalidSignatureException", "SignatureDoesNotMatch",
    ]
    private static let credentialCodes: Set<String> = [
        "ExpiredToken", "ExpiredTokenException", "IncompleteSignatureException",
        "InvalidAccessKeyId", "InvalidToken", "MissingAuthenticationTokenException",
        "InvalidClientTokenId", "TokenRefreshRequired", "UnrecognizedClientException",
    ]

    /// Judges a failed call.
    ///
    /// - Parameter isSkewed: the service's clock and ours are far apart.
    init(_ error: AWSError, isSkewed: Bool, conflictIsFinal: Bool) {
        if let kind = error.transport {
            let isRetryable: Bool =
                switch kind {
                case .resolve, .connect, .timeout, .broken: true
                case .tls, .tooLarge, .badRequest, .unreadable, .libcurl: false
                }
            self = isRetryable ? .retry(.transient) : .final
        } else if RetryDecision.skews.contains(error.code)
            || isSkewed
                && (error.status == 403 || RetryDecision.signatureCodes.contains(error.code))
        {
            self = .correctClock
        } else if RetryDecision.credentialCodes.contains(error.code)
            || error.operation.hasPrefix("Head") && [400, 403].contains(error.status)
        {
            self = .renewCredentials
        } else if RetryDecision.throttles.contains(error.code) || error.status == 429 {
            self = .retry(.throttle)
        } else if RetryDecision.conflicts.contains(error.code) {
            self = conflictIsFinal ? .final : .retry(.transient)
        } else if RetryDecision.transients.contains(error.code)
            || [500, 502, 503, 504].contains(error.status)
        {
            self = .retry(.transient)
        } else {
            self = .final
        }
    }
}

extension AWSError.Category {
    /// What an answer with an error means to the caller.
    init(code: String, status: Int, retriesHelp: Bool) {
        let places: Set<String> = [
            "AuthorizationHeaderMalformed", "IllegalLocationConstraintException",
            "InvalidBucketName", "NoSuchBucket", "PermanentRedirect",
            "ResourceNotFoundException", "TemporaryRedirect",
            // A key of KMS that is missing, disabled or being deleted: Kinesis's words, then S3's.
            "KMSDisabledException", "KMSInvalidStateException", "KMSNotFoundException",
            "KMSOptInRequired", "KMS.DisabledException", "KMS.InvalidStateException",
            "KMS.KMSInvalidStateException", "KMS.NotFoundException",
        ]
        let refusals: Set<String> = [
            "AccessDenied", "AccessDeniedException", "ExpiredToken", "InvalidAccessKeyId",
            "InvalidToken", "ExpiredTokenException", "IncompleteSignature",
            "IncompleteSignatureException", "MissingAuthenticationTokenException",
            "InvalidClientTokenId",
            "InvalidSignatureException", "MissingAuthenticationToken", "SignatureDoesNotMatch",
            "UnrecognizedClientException", "KMSAccessDeniedException",
            "KMS.AccessDeniedException", "RequestExpired", "RequestInTheFuture",
            "RequestTimeTooSkewed",
        ]
        // Damage that stays is no damage on the way.
        let damages: Set<String> = ["BadDigest", "IncompleteBody", "XAmzContentSHA256Mismatch"]
        if damages.contains(code) {
            self = .protocolBroken
        } else if places.contains(code) || (300..<400).contains(status) {
            self = .configuration
        } else if refusals.contains(code) || status == 401 || status == 403 {
            self = .notPermitted
        } else if retriesHelp || status >= 500 && status != 501 {
            self = .unavailable
        } else {
            self = .protocolBroken
        }
    }
}
