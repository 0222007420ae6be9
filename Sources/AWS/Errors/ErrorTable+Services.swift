extension ErrorTable {
    /// Codes that every service may answer with.
    static let common: [Row] =
        group(
            .all, .final, .notPermitted, policy,
            [
                "AccessDenied", "AccessDeniedException", "NotAuthorized", "UnauthorizedOperation",
            ])
        + group(
            .all, .credentials, .notPermitted, renew,
            [
                "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired",
            ])
        + group(
            .all, .credentials, .notPermitted,
            "the session token does not belong to this key: take all three values from one place",
            ["InvalidToken"])
        + group(
            .all, .credentials, .notPermitted, unknownKey,
            [
                "InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException",
            ])
        + group(
            .all, .credentials, .notPermitted,
            "the signature did not arrive whole: a proxy may change the request's headers",
            [
                "IncompleteSignature", "IncompleteSignatureException", "MissingAuthenticationToken",
                "MissingAuthenticationTokenException",
            ])
        + group(
            .all, .signature, .notPermitted, "the secret access key is not the one of this key id",
            ["AuthFailure", "InvalidSignatureException", "SignatureDoesNotMatch"])
        + group(
            .all, .clock, .notPermitted, clock,
            [
                "RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed",
            ])
        + group(
            .all, .final, .notPermitted,
            "the account is not signed up for the service, or the region is not enabled for it",
            ["NotSignedUp", "OptInRequired", "SubscriptionRequiredException"])
        + group(
            .all, .throttle, .unavailable, fewer,
            [
                "BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException",
                "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "SlowDown",
                "ThrottledException", "Throttling", "ThrottlingException", "TooManyRequests",
                "TooManyRequestsException", "TransactionInProgressException",
            ])
        + group(
            .all, .transient, .unavailable, patience,
            [
                "InternalError", "InternalFailure", "InternalFailureException",
                "InternalServerError",
                "InternalServiceError", "InternalServiceFault", "PriorRequestNotComplete",
                "ServiceUnavailable", "ServiceUnavailableException",
            ])
        + group(
            .all, .transient, .unavailable,
            "the request arrived too slowly: check the network and any proxy",
            ["RequestAbortedException", "RequestTimeout", "RequestTimeoutException"])
        + group(
            .all, .final, .protocolBroken,
            "the request is too large for the endpoint, or for a proxy on the way",
            ["RequestEntityTooLarge", "RequestEntityTooLargeException"])
        + group(
            .all, .final, .protocolBroken,
            "the endpoint does not support this call: is it the endpoint of this service?",
            [
                "InvalidAction", "MissingAction", "NotImplementedException",
                "UnknownOperationException", "UnsupportedOperation", "UnsupportedProtocol",
            ])
        + group(
            .all, .final, .protocolBroken, report,
            [
                "InvalidParameterCombination", "InvalidParameterValue", "InvalidQueryParameter",
                "MalformedHttpRequestException", "MalformedQueryString", "MissingParameter",
                "SerializationException", "ValidationError", "ValidationException",
            ])
        // What the client itself finds instead of an answer.
        + group(
            .all, .transient, .protocolBroken,
            "a proxy, firewall or sign-in page answered instead of the service: is "
                + "HTTPS_PROXY right, and the endpoint?", ["HTMLPage"])

    /// Amazon Kinesis Data Streams.
    static let kinesis: [Row] =
        group(
            .kinesis, .final, .configuration,
            "create the stream, or check its name, the region and the endpoint",
            ["ResourceNotFoundException"])
        + group(
            .kinesis, .transient, .unavailable,
            "the stream is being created or changed: wait for it",
            ["ResourceInUseException"])
        + group(
            .kinesis, .throttle, .unavailable,
            "the shards are at their limit: add shards (UpdateShardCount), use an on-demand stream, or "
                + "spread the partition keys", ["ProvisionedThroughputExceededException"])
        + group(
            .kinesis, .final, .protocolBroken,
            "a record or its key is not accepted: see --record-bytes and the stream's "
                + "maximum record size", ["InvalidArgumentException"])
        + group(.kinesis, .transient, .unavailable, patience, ["ExpiredNextTokenException"])
        + group(.kinesis, .final, .protocolBroken, report, ["DryRunOperationException"])
        + group(.kinesis, .throttle, .unavailable, fewer, ["KMSThrottlingException"])
        + group(
            .kinesis, .final, .notPermitted,
            "allow kms:GenerateDataKey (and kms:Decrypt) on the KMS key of the stream or bucket",
            ["KMSAccessDeniedException"])
        + group(
            .kinesis, .final, .configuration, kmsKey,
            [
                "KMSDisabledException", "KMSInvalidStateException", "KMSNotFoundException",
            ])
        + group(
            .kinesis, .final, .configuration, "the account has no subscription to KMS",
            ["KMSOptInRequired"])

    /// AWS Security Token Service.
    static let sts: [Row] =
        group(
            .sts, .final, .notPermitted,
            "the trust policy of the role has to name this caller, and the caller needs "
                + "sts:AssumeRole", ["AccessDenied", "AccessDeniedException"])
        + group(
            .sts, .final, .notPermitted,
            "the identity provider's token has expired: whatever writes the token file has to renew it",
            ["ExpiredTokenException"])
        + group(
            .sts, .final, .notPermitted,
            "the token file does not hold a token of the identity provider that the role trusts",
            ["IDPRejectedClaim", "InvalidIdentityToken"])
        + group(
            .sts, .transient, .unavailable,
            "STS cannot reach the identity provider: is its address public?",
            ["IDPCommunicationError"])
        + group(
            .sts, .final, .configuration,
            "activate STS in this region (IAM, account settings), or set another AWS_REGION",
            ["RegionDisabledException"])
        + group(
            .sts, .final, .configuration,
            "check role_arn, role_session_name, external_id and duration_seconds of the profile",
            [
                "InvalidContextAssertion", "MalformedPolicyDocument", "PackedPolicyTooLarge",
                "ValidationError",
            ])

    /// AWS Key Management Service, as S3 passes its errors on: `KMS.DisabledException`.
    static let kms: [Row] =
        group(
            .kms, .final, .notPermitted,
            "allow kms:GenerateDataKey (and kms:Decrypt) on the KMS key of the stream or bucket",
            ["AccessDeniedException", "InvalidGrantTokenException"])
        + group(
            .kms, .final, .configuration, kmsKey,
            [
                "DisabledException", "InvalidStateException", "KMSInvalidStateException",
                "NotFoundException",
            ])
        + group(
            .kms, .final, .configuration,
            "the KMS key cannot encrypt data: name a symmetric key (ENCRYPT_DECRYPT)",
            [
                "IncorrectKeyException", "InvalidKeyUsageException", "InvalidCiphertextException",
                "UnsupportedOperationException",
            ])
        + group(
            .kms, .final, .configuration, "the account has no subscription to KMS",
            ["OptInRequired", "SubscriptionRequiredException"])
        + group(
            .kms, .throttle, .unavailable,
            "it is retried more slowly; --bucket-key saves "
                + "calls to KMS", ["LimitExceededException", "ThrottlingException"])
        + group(
            .kms, .transient, .unavailable, patience,
            [
                "DependencyTimeoutException", "InternalException", "KMSInternalException",
                "KeyUnavailableException",
            ])
        + group(.kms, .final, .protocolBroken, report, ["DryRunOperationException"])

    /// Amazon CloudWatch, PutMetricData.
    static let cloudWatch: [Row] =
        group(
            .cloudWatch, .final, .protocolBroken,
            "a data point is not accepted; see --metrics-namespace and the dimensions",
            ["InvalidParameterCombination", "InvalidParameterValue", "MissingParameter"])
        + group(.cloudWatch, .throttle, .unavailable, fewer, ["LimitExceeded"])

    /// The portal of IAM Identity Center, GetRoleCredentials.
    static let sso: [Row] =
        group(
            .sso, .final, .notPermitted, "the sign-in has expired: run aws sso login",
            ["UnauthorizedException"])
        + group(
            .sso, .final, .notPermitted,
            "the signed-in user has no such role: check sso_account_id and sso_role_name",
            ["ForbiddenException", "ResourceNotFoundException"])
        + group(
            .sso, .final, .configuration,
            "check sso_account_id, sso_role_name and sso_region of the profile",
            ["InvalidRequestException"])
}
