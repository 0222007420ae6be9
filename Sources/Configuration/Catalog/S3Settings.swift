/// The settings of s3-put.
public struct S3Settings: SettingTheme {
    static let title = "s3-put"
    static let programs: Set<Program> = [.s3Put]

    /// Where objects go.
    public let destination = Setting<String>(
        "s3.destination", flag: "to", default: nil, value: "URL",
        "s3://BUCKET/PREFIX or file:///DIRECTORY. (default: aws.s3_bucket and aws.s3_bronze_prefix)",
        parse: SettingText.text)
    /// The form of an object's content.
    public let objectFormat = Setting(
        "s3.format", flag: "format", default: "parquet", value: "FORMAT",
        "parquet, avro, ndjson or sbe.", parse: SettingText.word(ObjectFormat.self))
    /// How objects are compressed.
    public let compression = Setting<ObjectCompression>(
        "s3.compression", flag: "compression", default: nil, value: "CODEC",
        "gzip, zstd or none. gzip is deflate in Avro, and not for parquet. (default: gzip for avro, else "
            + "zstd)",
        for: Program.objectWriters, parse: SettingText.word(ObjectCompression.self))
    /// The bucket, by the name that existing files use.
    public let bucket = Setting<String>(
        "aws.s3_bucket", flag: "bucket", default: nil, value: "NAME",
        "Bucket, when --to is not given.", parse: SettingText.text)
    /// The prefix, by the name that existing files use.
    public let prefix = Setting(
        "aws.s3_bronze_prefix", flag: "prefix", default: "bronze", value: "PREFIX",
        "Key prefix, when --to is not given.", parse: SettingText.text)
    /// Bytes after which an object is finished.
    public let objectBytes = Setting(
        "s3.object_bytes", flag: "object-bytes", default: "128MiB", value: "BYTES",
        "Finish an object at this many bytes before compression.",
        for: Program.objectWriters, parse: SettingText.bytes(4096...(64 << 30)))
    /// Age after which an object is finished.
    public let objectAge = Setting(
        "s3.object_seconds", flag: "object-age", default: "300", value: "SECONDS",
        "Finish an object this long after its first record, in seconds.",
        parse: SettingText.seconds(0.05...86_400))
    /// Idle time after which an object is finished.
    public let objectIdle = Setting(
        "s3.idle_seconds", flag: "object-idle", default: "60", value: "SECONDS",
        "Finish an object that received no record for this many seconds.",
        parse: SettingText.seconds(0.05...86_400))
    /// Where unfinished objects and the ledger are.
    public let stateDirectory = Setting<String>(
        "s3.state_directory", flag: "state-dir", environment: "STATE_DIRECTORY", default: nil,
        value: "DIR",
        "Directory of ledger, spool and unfinished objects. "
            + "(default: .s3-put in a file:// destination, else bitcoin-ingestor/s3-put in $XDG_STATE_HOME)",
        inEnvironment: SinkSettings.below(tool: "s3-put"), parse: SettingText.path)
    /// How much the spool may hold.
    public let spoolMax = Setting(
        "s3.spool_max_bytes", flag: "spool-max", default: "4GiB", value: "BYTES",
        "Most bytes that wait on disk for the service.",
        parse: SettingText.bytes((1 << 20)...(1 << 44)))
    /// Objects that are delivered at once.
    public let parallelUploads = Setting(
        "s3.parallel_uploads", flag: "parallel-uploads", default: "16", value: "N",
        "Objects that are delivered in parallel.", parse: SettingText.integer(1...256))
    /// How far from the others an event time may be.
    public let lateness = Setting(
        "s3.lateness_seconds", flag: "lateness", default: "1d", value: "SECONDS",
        "Event times further than this ahead of the clock, or before 2017, go to their own partition.",
        parse: SettingText.seconds(0...315_360_000))

    // MARK: - Uploads

    /// From which length on objects go in parts.
    public let multipartThreshold = Setting(
        "s3.multipart_threshold_bytes", flag: "multipart-threshold", default: "16MiB",
        value: "BYTES", "Objects over this many bytes are uploaded in parts.",
        for: Program.objectWriters, parse: SettingText.bytes(0...(5 << 30)))
    /// The length of a part.
    public let partBytes = Setting(
        "s3.part_bytes", flag: "part-bytes", default: "16MiB", value: "BYTES",
        "Size of a part, bytes.", for: Program.objectWriters,
        parse: SettingText.bytes((5 << 20)...(5 << 30)))
    /// Parts at once.
    public let parallelParts = Setting(
        "s3.parallel_parts", flag: "parallel-parts", default: "4", value: "COUNT",
        "Parts of one object that are uploaded in parallel.", for: Program.objectWriters,
        parse: SettingText.integer(1...64))
    /// The checksum that goes along.
    public let checksum = Setting(
        "s3.checksum", flag: "checksum", default: "crc32c", value: "KIND",
        "crc32c, md5 or none; for stores that refuse checksum headers.",
        for: Program.objectWriters, parse: SettingText.word(ChecksumName.self))
    /// How an object that is there already is protected.
    public let conditionalWrites = Setting(
        "s3.conditional_writes", flag: "conditional-writes", default: "header", value: "HOW",
        "How existing objects are protected: header (If-None-Match) or head (checks first; for "
            + "stores that refuse or ignore the header).",
        for: Program.objectWriters, parse: SettingText.word(ConditionalWritesName.self))
    /// How objects are encrypted at rest.
    public let encryption = Setting<EncryptionName>(
        "s3.server_side_encryption", flag: "sse", default: nil, value: "KIND",
        "AES256, aws:kms or aws:kms:dsse. (default: the bucket's)",
        for: Program.objectWriters, parse: SettingText.word(EncryptionName.self))
    /// With which key.
    public let kmsKeyID = Setting<String>(
        "s3.kms_key_id", flag: "kms-key-id", default: nil, value: "KEY",
        "Id, ARN or alias of the KMS key; with aws:kms.", for: Program.objectWriters,
        parse: SettingText.text)
    /// One data key for many objects.
    public let bucketKey = Setting(
        "s3.bucket_key", flag: "bucket-key", default: "false", value: "BOOL",
        "true saves calls to KMS: one data key for many objects; with aws:kms.",
        for: Program.objectWriters, parse: SettingText.boolean)
    /// What S3 calls a storage class.
    public let storageClass = Setting<String>(
        "s3.storage_class", flag: "storage-class", default: nil, value: "CLASS",
        "Such as STANDARD_IA or INTELLIGENT_TIERING. (default: the bucket's)",
        for: Program.objectWriters, parse: SettingText.text)
    /// Tags of each object.
    public let tags = Setting<[String]>(
        "s3.tags", flag: "tags", default: nil, value: "A=B,C=D",
        "Tags for each object, at most ten.", for: Program.objectWriters, parse: SettingText.pairs)
    /// The account that must own the bucket.
    public let bucketOwner = Setting<String>(
        "s3.expected_bucket_owner", flag: "expected-bucket-owner", default: nil, value: "ACCOUNT",
        "Account (twelve digits) that must own the bucket; otherwise S3 refuses.",
        for: Program.objectWriters, parse: SettingText.account)
    /// The bucket in the path or the host name.
    public let addressing = Setting(
        "s3.addressing_style", flag: "addressing-style", default: "auto", value: "STYLE",
        "path, virtual, or auto: path with a custom endpoint.",
        for: Program.objectWriters, parse: SettingText.word(AddressingName.self))
    /// Patience with an upload that does not move.
    public let uploadStallTimeout = Setting(
        "s3.stall_seconds", flag: "stall-timeout", default: "30", value: "SECONDS",
        "End an attempt after an upload made hardly any progress for this long, in seconds.",
        for: Program.objectWriters, parse: SettingText.seconds(1...3600))
    /// Age of an upload that its program has left behind.
    public let abandonedUploads = Setting(
        "s3.abandoned_upload_seconds", flag: "abandoned-uploads", default: "1d", value: "SECONDS",
        "At the start, abort multipart uploads below the prefix that are older; 0 keeps them.",
        for: Program.objectWriters, parse: SettingText.seconds(0...31_536_000))

    init() {}
}

/// The form of an object's content.
public enum ObjectFormat: String, CaseIterable, Sendable {
    case parquet
    case avro
    case ndjson
    /// Our own frames, as they are.
    case sbe
}

/// How objects are compressed.
public enum ObjectCompression: String, CaseIterable, Sendable {
    case zstd
    case gzip
    case none
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
    static let pairs = SettingForm<[String]>(.list([])) { text throws(SettingError) in
        let pairs = elements(text)
        for pair in pairs {
            guard let equals = pair.firstIndex(of: "="), equals > pair.startIndex else {
                throw SettingError("\"\(pair)\" is not NAME=VALUE")
            }
        }
        guard pairs.count <= 10 else { throw SettingError("an object has at most ten tags") }
        return pairs
    }

    /// Twelve digits.
    static let account = SettingForm<String> { text throws(SettingError) in
        guard text.utf8.count == 12, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw SettingError("\"\(text)\" is not an account id of twelve digits")
        }
        return text
    }
}
