public import AWS
public import Configuration
public import Stage

/// Credentials that the configuration names, before all other sources.
public struct ConfiguredCredentials: Sendable, CustomStringConvertible, CustomReflectable {
    private let given: Credentials?
    private let region: String
    private let tokenService: String?
    /// The process's variables with those of the file beside the configuration.
    private let environment: AWS.Environment

    /// Asks `aws.access_key_id` and its companions.
    ///
    /// - Parameter region: for the Security Token Service.
    public init(region: String, _ settings: inout Settings) throws(ConfigurationError) {
        self.region = region
        environment = try AWS.Environment(&settings)
        tokenService = try settings.optional(SettingCatalog.stsEndpoint)
        let id = try settings.optional(SettingCatalog.accessKeyID)
        let secret = try settings.optional(SettingCatalog.secretAccessKey)
        let token = try settings.optional(SettingCatalog.sessionToken)
        switch (id, secret) {
        case (nil, nil): given = nil
        case (let id?, let secret?):
            // A file that repeats the environment's key need not repeat its token.
            let isSame = environment["AWS_ACCESS_KEY_ID"] == id && token == nil
            given =
                isSame
                ? nil
                : Credentials(
                    accessKeyID: id, secretAccessKey: secret, sessionToken: token,
                    source: "configuration")
        default:
            throw ConfigurationError(
                "aws.access_key_id and aws.secret_access_key must be set together")
        }
    }

    /// What finds and renews credentials, and says so in the log without a secret.
    public func provider(_ log: Log) -> CredentialsProvider {
        let onEvent: @Sendable (CredentialsProvider.Event) -> Void = { event in
            switch event {
            case .found(let found): log.info("credentials in use: \(found)")
            case .renewalFailed(let error):
                log.warning("credentials could not be renewed; the old ones stay in use: \(error)")
            }
        }
        if let given { return CredentialsProvider(given, onEvent: onEvent) }
        return CredentialsProvider(
            environment: environment, region: region, endpoint: tokenService, onEvent: onEvent)
    }

    /// Never a secret.
    public var description: String { given.map { "\($0)" } ?? "credentials of the environment" }
    /// Shows nothing to `dump` and the like.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
