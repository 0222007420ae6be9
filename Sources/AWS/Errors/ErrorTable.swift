/// Every error code that the services document, and every status that something in front of them
/// answers with: what is done about it, what it means to the caller, and what a person can do.
///
/// The one place for this: retries, exit statuses, hints and `docs/errors.md` are read from it.
/// Sources: the service models of botocore 1.44.8 for the operations that are called here; Amazon S3
/// API Reference, "Error responses"; the pages "Common Errors" of the API references of Kinesis,
/// CloudWatch, STS and KMS.
enum ErrorTable {
    /// Who answers with a code.
    enum Source: String, Sendable, CaseIterable {
        /// Any of the services.
        case all = "all services"
        case s3 = "S3"
        case kinesis = "Kinesis"
        case sts = "STS"
        case kms = "KMS"
        case cloudWatch = "CloudWatch"
        case sso = "IAM Identity Center"
        /// A proxy, a firewall or another server: there is a status and no code.
        case status = "no code"

        /// - Parameter service: as in an ``AWSError``.
        init(service: String) {
            switch service {
            case "s3": self = .s3
            case "kinesis": self = .kinesis
            case "sts": self = .sts
            case "monitoring": self = .cloudWatch
            case "sso": self = .sso
            default: self = .all
            }
        }
    }

    /// What a client does by itself.
    enum Handling: String, Sendable {
        /// Sends again later, and less.
        case throttle = "again, slower"
        /// Sends again later.
        case transient = "again"
        /// Sends again unless the caller has to begin again.
        case conflict = "again after another write"
        /// Corrects the clock's offset and sends again, once.
        case clock = "again with the service's clock"
        /// Corrects the clock's offset if that is off; else nothing.
        case signature = "again if the clock is off"
        /// Renews the credentials and sends again, once.
        case credentials = "again with new credentials"
        /// S3 only: asks elsewhere and signs again.
        case redirect = "again where the answer says"
        /// Nothing.
        case final = "not again"
    }

    /// One code of one source.
    struct Row: Sendable {
        let source: Source
        let code: String
        let handling: Handling
        let category: AWSError.Category
        /// What a person can do.
        let hint: String
    }

    /// All rows.
    static let rows: [Row] = common + s3 + kinesis + sts + kms + cloudWatch + sso + statuses

    private static let index: [Source: [String: Row]] = rows.reduce(into: [:]) {
        $0[$1.source, default: [:]][$1.code] = $1
    }

    /// A code that a service is not known for means what it means where it is documented.
    private static let anywhere = Dictionary(rows.map { ($0.code, $0) }) { first, _ in first }

    /// What is known of a service's code; nil for one that is not documented.
    static func row(_ code: String, of service: String) -> Row? {
        // S3 names errors of KMS with a prefix.
        if code.hasPrefix("KMS."), let row = index[.kms]?[String(code.dropFirst(4))] { return row }
        return index[Source(service: service)]?[code] ?? index[.all]?[code]
            ?? index[.status]?[code] ?? anywhere[code]
    }

    /// Rows of one source that differ only in their code.
    static func group(
        _ source: Source, _ handling: Handling, _ category: AWSError.Category, _ hint: String,
        _ codes: [String]
    ) -> [Row] {
        codes.map {
            Row(source: source, code: $0, handling: handling, category: category, hint: hint)
        }
    }

    // MARK: - Hints that several sources share

    static let report =
        "this is a defect of this program, or the endpoint is not the service that it should be: "
        + "check the endpoint, else report it with the request id"
    static let noCode = "no error code came with it"
    static let patience = "it is retried; if it persists, look at the AWS Health Dashboard"
    static let fewer = "it is tried again, slower; if it lasts, write less or raise the quota"
    static let clock = "set the clock of this host (it should follow an NTP server)"
    static let unknownKey = "the endpoint does not know this key id"
    static let policy = "check the policy of the user or role, and of the resource"
    static let renew = "renew the temporary credentials"
    static let kmsKey =
        "enable or restore the KMS key of the stream or bucket, or encrypt it with another one"
}
