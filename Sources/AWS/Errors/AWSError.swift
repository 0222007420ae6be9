public import Posix
public import Transport

/// A call to an AWS service that failed permanently, or was given up.
public struct AWSError: Error, Sendable, Equatable, CustomStringConvertible, ExitStatusProviding {
    /// What the caller can do about it.
    public enum Category: Sendable {
        /// Credentials or permissions do not suffice.
        case notPermitted
        /// The service cannot be reached, fails or asks for fewer requests; later may work.
        case unavailable
        /// A bucket, region, endpoint or credential setting is wrong or missing.
        case configuration
        /// The service answered what it never should, or refuses the request as it is.
        case protocolBroken
        /// A local file could not be read.
        case inputOutput
        /// The program was asked to stop.
        case stopped
    }

    /// What the caller can do about it.
    public let category: Category
    /// For example `s3`.
    public let service: String
    /// For example `PutObject`.
    public let operation: String
    /// The service's code, such as `AccessDenied`; empty when there was no answer.
    public let code: String
    /// What the service, or curl, said.
    public let message: String
    /// The HTTP status; 0 when there was no answer.
    public let status: Int
    /// For AWS's support; empty when there was no answer.
    public let requestID: String
    /// What it was about, such as `bucket/key`.
    public let subject: String
    /// What the user could try; may be empty.
    public let hint: String
    /// The region in which the service says the bucket is.
    let bucketRegion: String?
    /// Where a redirect points to: a URL.
    let location: String?
    /// Why the exchange failed below HTTP.
    public let transport: TransportError.Kind?

    init(
        _ category: Category, service: String, operation: String, code: String = "",
        message: String, status: Int = 0, requestID: String = "", subject: String = "",
        hint: String = "", bucketRegion: String? = nil, location: String? = nil,
        transport: TransportError.Kind? = nil
    ) {
        self.category = category
        self.service = service
        self.operation = operation
        self.code = code
        self.message = message
        self.status = status
        self.requestID = requestID
        self.subject = subject
        self.hint = hint
        self.bucketRegion = bucketRegion
        self.location = location
        self.transport = transport
    }

    /// That of the category.
    public var exitStatus: ExitStatus {
        switch category {
        case .notPermitted: .notPermitted
        case .unavailable, .stopped: .gaveUp
        case .configuration: .configuration
        case .protocolBroken: .protocolBroken
        case .inputOutput: .inputOutput
        }
    }

    /// For example `s3 PutObject bucket/key: AccessDenied (403): Access Denied [request 1A2B]`.
    public var description: String {
        var text = service.isEmpty ? operation : "\(service) \(operation)"
        if !subject.isEmpty { text += " \(subject)" }
        text += ":"
        if !code.isEmpty { text += " \(code)" }
        if status > 0 { text += " (\(status))" }
        if text.last != ":" { text += ":" }
        text += " \(message)"
        if !requestID.isEmpty { text += " [request \(requestID)]" }
        if !hint.isEmpty { text += "; \(hint)" }
        return text
    }
}
