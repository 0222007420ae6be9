import Encoding
import Posix
import Transport

/// AWS's Security Token Service, as far as it gives out the credentials of roles.
///
/// Source: AWS Security Token Service API Reference, 2011-06-15.
struct SecurityTokenService {
    /// Tries with a token that the service does not take yet: fresh ones need seconds.
    private static let tokenTries = 3
    /// The longest token (the reference's limit), bytes.
    private static let maximumToken = 20_000

    private let location: ServiceLocation
    /// Pauses between tries with a refused token.
    var tokenPauses = Backoff(base: 1, cap: 4)
    var policy = RetryPolicy()

    init(_ location: ServiceLocation) { self.location = location }

    /// Credentials of a role, for whoever has a file with a token of an identity provider. Unsigned.
    ///
    /// - Parameter path: read at each call, since Kubernetes replaces the token in it.
    func assume(
        role: String, session: String?, tokenFile path: String
    ) throws(AWSError) -> Credentials {
        var attempt = 1
        while true {
            let token: String
            do throws(SystemError) {
                let bytes = try Files.read(path, limit: Self.maximumToken + 1)
                token = CleanText.of(bytes)
            } catch { throw CredentialChain.failure("web identity token: \(error)") }
            guard !token.isEmpty, !CleanText.isBroken(token) else {
                throw CredentialChain.failure(
                    "web identity token: \(path) does not contain exactly one token")
            }
            do throws(AWSError) {
                return try send(
                    "AssumeRoleWithWebIdentity",
                    [
                        ("RoleArn", role), ("RoleSessionName", Self.name(session)),
                        ("WebIdentityToken", token),
                    ], role, with: nil)
            } catch {
                let isToken = ["InvalidIdentityToken", "ExpiredTokenException", "ExpiredToken"]
                    .contains(error.code)
                guard isToken, attempt < Self.tokenTries else { throw error }
                Descriptor.waitUntilReadable(-1, seconds: tokenPauses.delay(attempt: attempt))
                attempt += 1
            }
        }
    }

    /// Credentials of a role, for whoever has credentials that may assume it.
    func assume(
        role: String, session: String?, externalID: String?, duration: Int?,
        with credentials: Credentials
    ) throws(AWSError) -> Credentials {
        var fields = [("RoleArn", role), ("RoleSessionName", Self.name(session))]
        if let externalID { fields.append(("ExternalId", externalID)) }
        if let duration { fields.append(("DurationSeconds", "\(duration)")) }
        return try send("AssumeRole", fields, role, with: credentials)
    }

    // MARK: - The exchange

    private func send(
        _ operation: String, _ fields: [(String, String)], _ role: String,
        with credentials: Credentials?
    ) throws(AWSError) -> Credentials {
        let form = ([("Action", operation), ("Version", "2011-06-15")] + fields)
            .map { "\($0.0)=\($0.1.percentEncoded())" }.joined(separator: "&")
        let body = Array(form.utf8)
        let endpoint = try location.resolved()
        // What goes there or comes back is as good as a password: a token, or a role's keys.
        guard !endpoint.isExposed else {
            throw AWSError(
                .configuration, service: "sts", operation: operation,
                message: "\(endpoint.authority()) would be used over plain HTTP, which exposes "
                    + "the token or the credentials", subject: role,
                hint: "set AWS_ENDPOINT_URL_STS to an https URL, or give no endpoint for STS")
        }
        var call = ServiceCall(
            operation: operation, subject: role, method: "POST", endpoint: endpoint,
            authority: endpoint.authority(), path: "/")
        call.headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")]
        call.body = .bytes(body)
        call.payload = .hash(Hex.text(SHA256.of(body)))
        call.isSigned = credentials != nil
        call.timeout = 10
        // A loopback address is this machine's: through a proxy the token would go elsewhere.
        call.usesProxy = endpoint.isTLS
        let time = LookupTime(seconds: LookupTime.service)
        var policy = policy
        policy.shouldStop = { time.isStopped || time.isUp }
        // Without a signature the provider is never asked.
        let unused = Credentials(accessKeyID: "", secretAccessKey: "")
        var client = try ServiceClient(
            service: "sts", region: location.region,
            credentials: CredentialsProvider(credentials ?? unused), policy: policy,
            authorities: location.authorities, connections: 1)
        let answer = try client.send(call).body
        guard let key = XMLText.first("AccessKeyId", in: answer),
            let secret = XMLText.first("SecretAccessKey", in: answer),
            let token = XMLText.first("SessionToken", in: answer),
            let end = XMLText.first("Expiration", in: answer).flatMap(Timestamp.seconds(rfc3339:))
        else {
            throw AWSError(
                .protocolBroken, service: "sts", operation: operation,
                message: "the answer has no credentials", status: 200, subject: role)
        }
        return Credentials(
            accessKeyID: key, secretAccessKey: secret, sessionToken: token, expiration: end,
            source: "role \(role)", isRenewable: true)
    }

    /// A name of 2 to 64 characters that the service takes.
    private static func name(_ given: String?) -> String {
        given ?? "bitcoin-ingestor-\(Clock.realtimeNanoseconds() / 1_000_000)"
    }
}
