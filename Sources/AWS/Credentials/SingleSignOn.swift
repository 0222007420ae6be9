import Encoding
import Posix
import Transport

/// Credentials of a role for a person who signed in with `aws sso login`: the token that the AWS CLI
/// keeps is shown to the portal of IAM Identity Center. Signing in itself is left to the CLI.
///
/// Source: AWS SDKs and Tools Reference Guide, "IAM Identity Center credential provider"; the cache's
/// form as botocore 1.44.8 writes it.
struct SingleSignOn {
    let environment: Environment
    let files: ProfileFiles

    private struct Settings {
        let region: String
        let account: String
        let role: String
        /// What the name of the token's file is made of: the session's name or the start URL.
        let cacheKey: String
    }

    /// - Returns: nil for a profile that does not use it.
    func credentials(_ profile: Profile) throws(AWSError) -> Credentials? {
        guard let settings = try settings(profile) else { return nil }
        let token = try token(settings, profile)
        let location = try ServiceLocation(
            "portal.sso", environment: environment, files: files, region: settings.region,
            endpoint: nil)
        let endpoint = try location.resolved()
        guard !endpoint.isExposed else {
            throw failure(
                "\(endpoint.authority()) would be used over plain HTTP, which exposes "
                    + "the token", .configuration)
        }
        var call = ServiceCall(
            operation: "GetRoleCredentials", subject: "\(settings.account)/\(settings.role)",
            method: "GET", endpoint: endpoint, authority: endpoint.authority(),
            path: "/federation/credentials")
        call.query = [("account_id", settings.account), ("role_name", settings.role)]
        call.headers = [("x-amz-sso_bearer_token", token)]
        call.isSigned = false
        call.timeout = 10
        call.usesProxy = endpoint.isTLS
        let time = LookupTime(seconds: LookupTime.service)
        var policy = RetryPolicy()
        policy.shouldStop = { time.isStopped || time.isUp }
        var client = try ServiceClient(
            service: "sso", region: settings.region,
            credentials: CredentialsProvider(Credentials(accessKeyID: "", secretAccessKey: "")),
            policy: policy, authorities: location.authorities, connections: 1)
        return try Self.credentials(
            in: try client.send(call).body, source: "sign-in of profile \(profile.name)")
    }

    private func settings(_ profile: Profile) throws(AWSError) -> Settings? {
        let names = ["sso_session", "sso_start_url", "sso_account_id", "sso_role_name"]
        guard let used = names.first(where: { profile.settings[$0] != nil }) else { return nil }
        var session: ProfileFile.Section = [:]
        if let name = profile.settings["sso_session"] {
            guard let found = files.ssoSession(name) else {
                throw failure(
                    "\(Self.start(profile, "sso_session")), and [sso-session \(name)] does not exist",
                    .configuration)
            }
            session = found
        }
        func value(_ name: String) throws(AWSError) -> String {
            if let text = session[name]?.text ?? profile.settings[name] { return text }
            throw failure("\(Self.start(profile, used)), and has no \(name)", .configuration)
        }
        let start = try value("sso_start_url")
        return Settings(
            region: try value("sso_region"), account: try value("sso_account_id"),
            role: try value("sso_role_name"), cacheKey: profile.settings["sso_session"] ?? start)
    }

    /// The token of the last sign-in.
    private func token(_ settings: Settings, _ profile: Profile) throws(AWSError) -> String {
        let path =
            (environment.home ?? "") + "/.aws/sso/cache/"
            + "\(FileNameDigest.text(of: settings.cacheKey)).json"
        let again = "run aws sso login --profile \(profile.name)"
        let bytes: [UInt8]?
        do throws(SystemError) {
            bytes = try Files.status(path) == nil ? nil : try Files.read(path, limit: 64 << 10)
        } catch { throw failure("\(error)", .configuration) }
        let start = Self.start(
            profile, profile.settings["sso_session"] == nil ? "sso_start_url" : "sso_session")
        guard let bytes else {
            throw failure("\(start), and there is no sign-in: \(path) does not exist", hint: again)
        }
        guard let fields = FlatJSON.parse(bytes), let token = fields["accessToken"],
            let end = fields["expiresAt"].flatMap(Timestamp.seconds(rfc3339:)),
            !CleanText.isBroken(token), !token.isEmpty
        else { throw failure("\(start), and \(path) has no token", hint: again) }
        guard end > Clock.realtimeNanoseconds() / 1_000_000_000 else {
            throw failure("\(start), which has expired (\(path))", hint: again)
        }
        return token
    }

    /// How every complaint about a profile begins.
    private static func start(_ profile: Profile, _ setting: String) -> String {
        "\(profile.place(of: setting)) uses \(setting): an interactive sign-in"
    }

    /// Reads `{"roleCredentials":{"accessKeyId":…,"expiration":MILLISECONDS}}`.
    static func credentials(in body: [UInt8], source: String) throws(AWSError) -> Credentials {
        var inner: [UInt8] = []
        var scanner = JSONScanner(body.span.bytes)
        do throws(JSONScanner.Failure) {
            var members = JSONScanner.Place()
            while let name = try scanner.nextKey(&members) {
                let isRole = scanner.equals(name, "roleCredentials")
                _ = scanner.peek()
                let start = scanner.position
                try scanner.skip()
                if isRole { inner = Array(body[start..<scanner.position]) }
            }
        } catch {}
        guard let fields = FlatJSON.parse(inner), let key = fields["accessKeyId"],
            let secret = fields["secretAccessKey"], let token = fields["sessionToken"],
            let end = fields["expiration"].flatMap({ Int64($0) })
        else {
            throw AWSError(
                .protocolBroken, service: "sso", operation: "GetRoleCredentials",
                message: "the answer has no credentials", status: 200)
        }
        return Credentials(
            accessKeyID: key, secretAccessKey: secret, sessionToken: token, expiration: end / 1000,
            source: source, isRenewable: true)
    }

    private func failure(
        _ message: String, _ category: AWSError.Category = .notPermitted, hint: String = ""
    ) -> AWSError {
        AWSError(
            category, service: "", operation: "find credentials", message: message, hint: hint)
    }
}
