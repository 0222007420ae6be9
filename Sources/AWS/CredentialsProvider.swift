import Posix
import Transport

/// Finds credentials where AWS's own tools find them, and renews those that end.
///
/// In this order: given ones, environment, shared files, container, EC2 instance (IMDSv2). Roles
/// to assume, SSO and `credential_process` are not followed: a profile that asks for them is an
/// error that says so.
public struct CredentialsProvider {
    /// Temporary credentials are renewed this long before they end, seconds.
    static let renewalMargin: Int64 = 600
    /// After a failed renewal of credentials that still work, the next try comes this much later,
    /// seconds.
    static let retryPause: Int64 = 30

    private let environment: Environment
    private let given: Credentials?
    private var held: Credentials?
    private var nextTry: Int64 = 0

    /// Looks in the environment and what it names.
    public init(environment: Environment = .process) {
        self.environment = environment
        given = nil
    }

    /// Gives always the same.
    public init(_ credentials: Credentials) {
        environment = Environment { _ in nil }
        given = credentials
    }

    /// Credentials that are good at a time.
    ///
    /// While old ones are still good, a failed renewal is not an error.
    ///
    /// - Parameter now: seconds since the epoch.
    public mutating func credentials(at now: Int64) throws(AWSError) -> Credentials {
        if let given { return given }
        if let held {
            guard let expiration = held.expiration, now >= expiration - Self.renewalMargin else {
                return held
            }
            if now < nextTry { return held }
        }
        do throws(AWSError) {
            let found = try find()
            held = found
            nextTry = now + Self.retryPause
            return found
        } catch {
            nextTry = now + Self.retryPause
            // An expired set is still returned: the service decides, and may be more patient.
            if let held { return held }
            throw error
        }
    }

    /// Forgets what is held, after the service refused it.
    ///
    /// - Returns: false when there is nothing to renew from.
    mutating func invalidate() -> Bool {
        guard given == nil, held?.expiration != nil || held?.source.hasPrefix("profile") == true
        else { return false }
        held = nil
        nextTry = 0
        return true
    }

    // MARK: - Sources

    private func find() throws(AWSError) -> Credentials {
        if let credentials = try fromEnvironment() { return credentials }
        if let credentials = try fromProfile() { return credentials }
        if let credentials = try MetadataService.container(environment) { return credentials }
        if let credentials = try MetadataService.instance(environment) { return credentials }
        throw AWSError(
            .configuration, service: "", operation: "find credentials",
            message: "none in the environment, the shared files, a container or an instance role",
            hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE")
    }

    private func fromEnvironment() throws(AWSError) -> Credentials? {
        try CredentialsProvider.pair(
            environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"],
            token: environment["AWS_SESSION_TOKEN"] ?? environment["AWS_SECURITY_TOKEN"],
            source: "environment")
    }

    private func fromProfile() throws(AWSError) -> Credentials? {
        let profile = try Profile(environment)
        let source = "profile \(profile.name)"
        if let credentials = try CredentialsProvider.pair(
            profile.settings["aws_access_key_id"], profile.settings["aws_secret_access_key"],
            token: profile.settings["aws_session_token"], source: source)
        {
            return credentials
        }
        let unsupported = [
            "role_arn", "sso_session", "sso_start_url", "credential_process", "login_session",
        ]
        if let setting = unsupported.first(where: { profile.settings[$0] != nil }) {
            throw AWSError(
                .configuration, service: "", operation: "find credentials",
                message: "\(source) uses \(setting), which is not supported",
                hint:
                    "export keys: aws configure export-credentials --format env")
        }
        return nil
    }

    /// Credentials of two values that only make sense together.
    private static func pair(
        _ key: String?, _ secret: String?, token: String?, source: String
    ) throws(AWSError) -> Credentials? {
        switch (key, secret) {
        case (nil, nil): return nil
        case (let key?, let secret?):
            return Credentials(
                accessKeyID: key, secretAccessKey: secret, sessionToken: token, source: source)
        default:
            throw AWSError(
                .configuration, service: "", operation: "find credentials",
                message: "\(source) has a key id or a secret without the other")
        }
    }
}
