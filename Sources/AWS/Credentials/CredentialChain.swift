import Encoding
import Posix

/// The places where credentials are looked for, in order; the first that has any wins.
///
/// Environment, web identity of the environment, profile, container, EC2 instance. A source that
/// is set and fails is an error, not a reason to try the next.
///
/// Source: AWS SDKs and Tools Reference Guide, "Standardized credential providers"; the order of
/// the later ones as in aws-c-auth.
struct CredentialChain: Sendable {
    let environment: Environment
    /// For the Security Token Service; nil for the environment's.
    let region: String?
    /// Of the Security Token Service, when it is not AWS's or the environment's.
    let endpoint: String?

    func find() throws(AWSError) -> Credentials {
        if let found = try fromEnvironment() { return found }
        if let found = try fromWebIdentity() { return found }
        if let found = try fromProfile() { return found }
        if let found = try MetadataService(environment).container() { return found }
        if let found = try MetadataService(environment).instance() { return found }
        let files = try ProfileFiles(environment)
        throw Self.failure(
            "none in the environment, profile \(files.selected) of the shared files "
                + "(\(files.paths)), a container or an instance role",
            hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE")
    }

    // MARK: - Sources

    func fromEnvironment() throws(AWSError) -> Credentials? {
        let expiration: Int64?
        if let text = environment["AWS_CREDENTIAL_EXPIRATION"] {
            guard let time = Timestamp.seconds(rfc3339: text) else {
                throw Self.failure(
                    "AWS_CREDENTIAL_EXPIRATION is not a time such as \(Self.example)")
            }
            expiration = time
        } else {
            expiration = nil
        }
        return try Self.pair(
            environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"],
            token: environment["AWS_SESSION_TOKEN"] ?? environment["AWS_SECURITY_TOKEN"],
            expiration: expiration, source: "environment", isRenewable: false)
    }

    private func fromWebIdentity() throws(AWSError) -> Credentials? {
        guard let path = environment["AWS_WEB_IDENTITY_TOKEN_FILE"] else { return nil }
        guard let role = environment["AWS_ROLE_ARN"] else {
            throw Self.failure("AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN")
        }
        return try tokenService(nil).assume(
            role: role, session: environment["AWS_ROLE_SESSION_NAME"], tokenFile: path)
    }

    private func fromProfile() throws(AWSError) -> Credentials? {
        let files = try ProfileFiles(environment)
        return try ProfileCredentials(chain: self, files: files).find(files.selected, through: [])
    }

    /// The Security Token Service, in the region that is set, or a profile's.
    func tokenService(_ profile: Profile?) throws(AWSError) -> SecurityTokenService {
        let files = try ProfileFiles(environment)
        let region: String
        if let known = self.region ?? profile?.settings["region"] {
            region = known
        } else {
            region = try Region.resolve(environment)
        }
        return try SecurityTokenService(
            ServiceLocation(
                "sts", environment: environment, files: files, region: region, endpoint: endpoint))
    }

    // MARK: - Parts

    /// Credentials of two values that only make sense together.
    static func pair(
        _ key: String?, _ secret: String?, token: String?, expiration: Int64? = nil,
        source: String, isRenewable: Bool, place: String? = nil
    ) throws(AWSError) -> Credentials? {
        switch (key, secret) {
        case (nil, nil): return nil
        case (let key?, let secret?):
            for (name, value) in [("key id", key), ("secret", secret), ("session token", token)] {
                if let value, CleanText.isBroken(value) {
                    throw failure(
                        "\(place ?? source): the \(name) has white space or a control character "
                            + "inside", hint: "check that it was copied completely and alone")
                }
            }
            return Credentials(
                accessKeyID: key, secretAccessKey: secret, sessionToken: token,
                expiration: expiration, source: source, isRenewable: isRenewable)
        default:
            throw failure("\(place ?? source) has a key id or a secret without the other")
        }
    }

    static let example = "2026-11-24T12:00:00Z"

    static func failure(
        _ message: String, _ category: AWSError.Category = .configuration, hint: String = ""
    ) -> AWSError {
        AWSError(
            category, service: "", operation: "find credentials", message: message, hint: hint)
    }
}
