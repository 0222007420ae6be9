/// What a request is signed with. Its description hides the secrets.
public struct Credentials: Sendable, Equatable, CustomStringConvertible,
    CustomDebugStringConvertible,
    CustomReflectable
{
    /// Names the key; not secret.
    public let accessKeyID: String
    /// The secret.
    public let secretAccessKey: String
    /// Goes with temporary credentials.
    public let sessionToken: String?
    /// When they end, seconds since the epoch; nil for never.
    public let expiration: Int64?
    /// Where they came from, in words, for a log line.
    public let source: String
    /// True when the source may have others by now.
    let isRenewable: Bool

    /// Wraps given credentials.
    public init(
        accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil,
        expiration: Int64? = nil, source: String = "given"
    ) {
        self.init(
            accessKeyID: accessKeyID, secretAccessKey: secretAccessKey,
            sessionToken: sessionToken, expiration: expiration, source: source,
            isRenewable: false)
    }

    init(
        accessKeyID: String, secretAccessKey: String, sessionToken: String?, expiration: Int64?,
        source: String, isRenewable: Bool
    ) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
        self.expiration = expiration
        self.source = source
        self.isRenewable = isRenewable
    }

    /// For example `key ...MPLE from environment`: never the secret.
    public var description: String { "key ...\(accessKeyID.suffix(4)) from \(source)" }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// Shows nothing to `dump` and the like.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
