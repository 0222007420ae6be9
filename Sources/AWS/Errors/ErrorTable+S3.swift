extension ErrorTable {
    /// Amazon S3 and the stores that speak its interface.
    static let s3: [Row] = s3Refusals + s3Places + s3Passing + s3Requests

    /// Who may do what.
    private static let s3Refusals: [Row] =
        group(
            .s3, .final, .notPermitted,
            "the account or the bucket is closed: its owner has to contact AWS Support",
            ["AccountProblem", "AllAccessDisabled"])
        + group(
            .s3, .final, .notPermitted,
            "the bucket belongs to another account than --expected-bucket-owner, or its owner "
                + "wants the requester to pay", ["InvalidPayer"])
        + group(
            .s3, .final, .notPermitted, policy,
            [
                "AccessForbidden", "CrossLocationLoggingProhibited", "CredentialsNotSupported",
                "InvalidSecurity",
            ])
        + group(
            .s3, .final, .notPermitted,
            "the object is archived or locked: restore it, or use another prefix",
            ["InvalidObjectState"])

    /// Where a bucket is, and what it is set to.
    private static let s3Places: [Row] =
        group(
            .s3, .final, .configuration, "create the bucket, or check its name and the endpoint",
            ["NoSuchBucket"])
        + group(
            .s3, .redirect, .configuration, "check AWS_REGION",
            [
                "AuthorizationHeaderMalformed", "IllegalLocationConstraintException",
                "IncorrectEndpoint", "PermanentRedirect", "Redirect", "TemporaryRedirect",
            ])
        + group(
            .s3, .final, .configuration, "check the name of the bucket in --to",
            ["InvalidBucketName", "InvalidLocationConstraint"])
        + group(
            .s3, .final, .configuration, "create the access point, or check its alias in --to",
            ["NoSuchAccessPoint", "NoSuchMultiRegionAccessPoint"])
        + group(
            .s3, .final, .configuration,
            "the endpoint does not take this way of naming a bucket: try --addressing-style path "
                + "or virtual",
            ["InvalidAddressingHeader", "InvalidURI", "MethodNotAllowed"])
        + group(
            .s3, .final, .configuration, "the store has no such class: check --storage-class",
            ["InvalidStorageClass"])
        + group(
            .s3, .final, .configuration,
            "check --sse and --kms-key-id, and the encryption that "
                + "the bucket's policy asks for",
            [
                "EncryptionTypeMismatch", "InvalidEncryptionAlgorithmError",
                "ServerSideEncryptionConfigurationNotFoundError",
            ])
        + group(.s3, .final, .configuration, "a tag is not valid: check --tags", ["InvalidTag"])
        + group(
            .s3, .final, .configuration,
            "the bucket does not accept ACLs, or not this one: see its ownership settings",
            ["AccessControlListNotSupported", "InvalidBucketAclWithObjectOwnership"])
        + group(
            .s3, .final, .configuration,
            "the bucket's state does not allow this: look at its "
                + "versioning, object lock and lifecycle settings",
            [
                "InvalidBucketState", "NoSuchBucketPolicy", "NoSuchLifecycleConfiguration",
                "ObjectLockConfigurationNotFoundError", "RestoreAlreadyInProgress",
                "IllegalVersioningConfigurationException",
            ])
        + group(
            .s3, .final, .configuration, "the prefix in --to makes a key of over 1024 bytes",
            ["KeyTooLong", "KeyTooLongError"])
        + group(
            .s3, .final, .configuration, "a bucket of this name exists",
            ["BucketAlreadyExists", "BucketAlreadyOwnedByYou", "TooManyBuckets"])

    /// What passes.
    private static let s3Passing: [Row] =
        group(
            .s3, .conflict, .unavailable,
            "another writer is writing the same object; it is retried",
            ["ConditionalRequestConflict", "OperationAborted"])
        // Damage that stays is not damage on the way.
        + group(
            .s3, .transient, .protocolBroken,
            "the bytes that arrived are not the ones that were sent: a proxy on the way, or bad "
                + "memory; other stores may need --checksum md5",
            [
                "BadDigest", "IncompleteBody", "InvalidDigest", "XAmzContentSHA256Mismatch",
                "XAmzContentChecksumMismatch",
            ])
        + group(
            .s3, .final, .protocolBroken,
            "the upload was aborted from outside, such as by a lifecycle rule; it starts over",
            ["NoSuchUpload"])
        + group(
            .s3, .final, .protocolBroken, "the object no longer exists",
            ["NoSuchKey", "NoSuchVersion"])
        + group(
            .s3, .final, .configuration, "another object has this key, and was not changed",
            ["PreconditionFailed"])

    /// What a store does not take of a request.
    private static let s3Requests: [Row] =
        group(
            .s3, .final, .protocolBroken,
            "the store does not know a header of this request, a checksum or If-None-Match: try "
                + "--checksum md5, or --conditional-writes head", ["NotImplemented"])
        + group(
            .s3, .final, .protocolBroken,
            "a store other than AWS's may not know a header of this request: try --checksum md5",
            ["InvalidArgument", "InvalidRequest", "MalformedTrailerError"])
        + group(
            .s3, .final, .protocolBroken,
            "the object or a part of it has a length that the store does not take: check "
                + "--part-bytes, --multipart-threshold and --object-bytes",
            [
                "EntityTooLarge", "EntityTooSmall", "InvalidPart", "InvalidPartOrder",
                "MaxMessageLengthExceeded", "MissingContentLength", "TooManyParts",
            ])
        + group(
            .s3, .final, .protocolBroken, "the tags and other metadata of the object are too long",
            ["MetadataTooLarge", "RequestHeaderSectionTooLarge"])
        + group(
            .s3, .final, .protocolBroken, report,
            [
                "AmbiguousGrantByEmailAddress", "IncorrectNumberOfFilesInPostRequest",
                "InlineDataTooLarge", "InvalidPolicyDocument", "InvalidRange", "InvalidSOAPRequest",
                "InvalidTargetBucketForLogging", "InvalidWriteOffset", "MalformedACLError",
                "MalformedPOSTRequest", "MalformedXML", "MaxPostPreDataLengthExceededError",
                "MissingAttachment", "MissingRequestBodyError", "MissingSecurityElement",
                "MissingSecurityHeader", "NoLoggingStatusForKey", "NotModified",
                "RequestIsNotMultiPartContent", "RequestTorrentOfBucketError", "UnexpectedContent",
                "UnresolvableGrantByEmailAddress", "UserKeyMustBeSpecified", "BucketNotEmpty",
            ])
}
