/// What the sinks need to know of AWS.
extension SettingCatalog {
    // MARK: - Where and as whom

    /// The region.
    public static let region = Setting<String>(
        "aws.region", flag: "region", environment: "AWS_REGION", default: nil, value: "REGION",
        "AWS region. (default: AWS_DEFAULT_REGION, the profile's)",
        parse: SettingText.text)
    /// Another endpoint than AWS's for S3.
    public static let endpoint = Setting<String>(
        "aws.localstack_endpoint", flag: "endpoint-url", environment: "AWS_ENDPOINT_URL_S3",
        or: "AWS_ENDPOINT_URL", default: nil, value: "URL",
        "Endpoint of an S3 other than AWS's. (default: the profile's)", parse: SettingText.text)
    /// Another endpoint than AWS's for Kinesis.
    public static let kinesisEndpoint = Setting<String>(
        "aws.localstack_endpoint", flag: "endpoint-url", environment: "AWS_ENDPOINT_URL_KINESIS",
        or: "AWS_ENDPOINT_URL", default: nil, value: "URL",
        "Endpoint of a Kinesis other than AWS's. (default: the profile's)",
        parse: SettingText.text)
    /// Another endpoint than AWS's for the Security Token Service; no tool has a flag for it.
    public static let stsEndpoint = Setting<String>(
        "aws.sts_endpoint", flag: nil, environment: "AWS_ENDPOINT_URL_STS",
        or: "AWS_ENDPOINT_URL", default: nil, value: "URL",
        "Endpoint of a Security Token Service other than AWS's; https, or this machine. An endpoint "
            + "for S3 or Kinesis is never used for it.", parse: SettingText.text)
    /// A key id that wins over all other sources.
    public static let accessKeyID = Setting<String>(
        "aws.access_key_id", flag: nil, default: nil, value: "ID",
        "Access key id, before all other sources of credentials.", parse: SettingText.text)
    /// Goes with it.
    public static let secretAccessKey = Setting<String>(
        "aws.secret_access_key", flag: nil, default: nil, value: "KEY",
        "Secret of that key id.", parse: SettingText.text)
    /// Goes with temporary ones.
    public static let sessionToken = Setting<String>(
        "aws.session_token", flag: nil, default: nil, value: "TOKEN",
        "Session token of that key id.", parse: SettingText.text)

    // MARK: - Patience

    /// Attempts at one call.
    public static let awsMaxAttempts = Setting(
        "aws.max_attempts", flag: "max-attempts", environment: "AWS_MAX_ATTEMPTS", default: "3",
        value: "COUNT",
        "Attempts at one request before it counts as failed; then the sink starts over with it.",
        parse: SettingText.integer(1...100))
    /// When a circuit breaker opens.
    public static let circuitFailures = Setting(
        "aws.circuit_failures", flag: "circuit-failures", default: "5", value: "COUNT",
        "Failures of the service in a row after which nothing is sent for a while.",
        parse: SettingText.integer(1...1000))
    /// How long it stays open.
    public static let circuitCoolDown = Setting(
        "aws.circuit_cooldown_seconds", flag: "circuit-cooldown", default: "10", value: "SECONDS",
        "How long nothing is sent then, in seconds; one request is the probe after it.",
        parse: SettingText.seconds(0.01...3600))

    // MARK: - s3-put

    /// From which length on objects go in parts.
    public static let multipartThreshold = Setting(
        "s3.multipart_threshold_bytes", flag: "multipart-threshold", default: "16MiB",
        value: "BYTES", "Objects over this many bytes are uploaded in parts.",
        parse: SettingText.bytes(0...(5 << 30)))
    /// The length of a part.
    public static let partBytes = Setting(
        "s3.part_bytes", flag: "part-bytes", default: "16MiB", value: "BYTES",
        "Bytes of a part.", parse: SettingText.bytes((5 << 20)...(5 << 30)))
    /// Parts at once.
    public static let parallelParts = Setting(
        "s3.parallel_parts", flag: "parallel-parts", default: "4", value: "COUNT",
        "Parts of one object that are under way at once.", parse: SettingText.integer(1...64))
    /// The checksum that goes along.
    public static let checksum = Setting(
        "s3.checksum", flag: "checksum", default: "crc32c", value: "KIND",
        "crc32c, md5 or none; for stores that refuse checksum headers.",
        parse: SettingText.word(ChecksumName.self))
    /// How an object that is there already is protected.
    public static let conditionalWrites = Setting(
        "s3.conditional_writes", flag: "conditional-writes", default: "header", value: "HOW",
        "How an object that is there is protected: header (If-None-Match) or head (asks first; for "
            + "stores that refuse or ignore the header).",
        parse: SettingText.word(ConditionalWritesName.self))
    /// How objects are encrypted at rest.
    public static let encryption = Setting<EncryptionName>(
        "s3.server_side_encryption", flag: "sse", default: nil, value: "KIND",
        "AES256, aws:kms or aws:kms:dsse. (default: the bucket's)",
        parse: SettingText.word(EncryptionName.self))
    /// With which key.
    public static let kmsKeyID = Setting<String>(
        "s3.kms_key_id", flag: "kms-key-id", default: nil, value: "KEY",
        "Id, ARN or alias of the KMS key; with aws:kms.", parse: SettingText.text)
    /// One data key for many objects.
    public static let bucketKey = Setting(
        "s3.bucket_key", flag: "bucket-key", default: "false", value: "BOOL",
        "true saves calls to KMS: one data key for many objects; with aws:kms.",
        parse: SettingText.boolean)
    /// What S3 calls a storage class.
    public static let storageClass = Setting<String>(
        "s3.storage_class", flag: "storage-class", default: nil, value: "CLASS",
        "Such as STANDARD_IA or INTELLIGENT_TIERING. (default: the bucket's)",
        parse: SettingText.text)
    /// Tags of each object.
    public static let tags = Setting<[String]>(
        "s3.tags", flag: "tags", default: nil, value: "A=B,C=D",
        "Tags of each object, at most ten.", parse: SettingText.pairs)
    /// The account that must own the bucket.
    public static let bucketOwner = Setting<String>(
        "s3.expected_bucket_owner", flag: "expected-bucket-owner", default: nil, value: "ACCOUNT",
        "Account of twelve digits that must own the bucket; else S3 refuses.",
        parse: SettingText.account)
    /// The bucket in the path or the host name.
    public static let addressing = Setting(
        "s3.addressing_style", flag: "addressing-style", default: "auto", value: "STYLE",
        "path, virtual, or auto: path with an endpoint of one's own.",
        parse: SettingText.word(AddressingName.self))
    /// Patience with an upload that does not move.
    public static let uploadStallTimeout = Setting(
        "s3.stall_seconds", flag: "stall-timeout", default: "30", value: "SECONDS",
        "Time in which hardly anything of an upload moves that ends the attempt, in seconds.",
        parse: SettingText.seconds(1...3600))
    /// Age of an upload that its program has left behind.
    public static let abandonedUploads = Setting(
        "s3.abandoned_upload_seconds", flag: "abandoned-uploads", default: "1d", value: "SECONDS",
        "At the start, abort uploads in parts below the prefix that are older; 0 leaves them.",
        parse: SettingText.seconds(0...31_536_000))

    static let awsKeys: Set<String> = [
        region.key, endpoint.key, stsEndpoint.key, accessKeyID.key, secretAccessKey.key,
        sessionToken.key,
        awsMaxAttempts.key, circuitFailures.key, circuitCoolDown.key, multipartThreshold.key,
        partBytes.key, parallelParts.key, checksum.key, conditionalWrites.key, encryption.key,
        kmsKeyID.key,
        bucketKey.key, storageClass.key, tags.key, bucketOwner.key, addressing.key,
        uploadStallTimeout.key, abandonedUploads.key,
    ]
}

/// What is sent along with a body.
public enum ChecksumName: String, CaseIterable, Sendable {
    case crc32c
    case md5
    case none
}

/// How an object that is there already is protected.
public enum ConditionalWritesName: String, CaseIterable, Sendable {
    case header
    case head
}

/// How objects are encrypted at rest, in S3's words.
public enum EncryptionName: String, CaseIterable, Sendable {
    case aes256 = "AES256"
    case kms = "aws:kms"
    case kmsTwice = "aws:kms:dsse"
}

/// Where a bucket's name goes.
public enum AddressingName: String, CaseIterable, Sendable {
    case auto
    case path
    case virtual
}

extension SettingText {
    /// Names and values with `=` between them, commas between pairs.
    @Sendable
    static func pairs(_ text: String) throws(SettingError) -> [String] {
        let pairs = try list(text)
        for pair in pairs {
            guard let equals = pair.firstIndex(of: "="), equals > pair.startIndex else {
                throw SettingError("\"\(pair)\" is not NAME=VALUE")
            }
        }
        guard pairs.count <= 10 else { throw SettingError("an object has at most ten tags") }
        return pairs
    }

    /// Twelve digits.
    @Sendable
    static func account(_ text: String) throws(SettingError) -> String {
        guard text.utf8.count == 12, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw SettingError("\"\(text)\" is not an account id of twelve digits")
        }
        return text
    }
}
