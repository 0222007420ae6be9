import Encoding
import Posix
import Transport

/// Temporary credentials, and the region, from the machine's surroundings: a container's agent, or EC2's instance
/// metadata service. Never through a proxy.
///
/// Source: AWS SDKs and Tools Reference Guide, "Container credential provider" and "IMDS
/// credential provider"; Amazon EC2 User Guide, "Use the Instance Metadata Service".
struct MetadataService {
    /// The host that stands for the ECS agent.
    private static let agent = "http://169.254.170.2"

    private let environment: Environment

    init(_ environment: Environment) { self.environment = environment }

    /// From the container's agent; nil outside containers.
    func container() throws(AWSError) -> Credentials? {
        let url: String
        if let path = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
            guard path.hasPrefix("/") else {
                throw failure("container", .configuration, "\(path) does not begin with a slash")
            }
            url = Self.agent + path
        } else if let full = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
            guard Self.isAllowed(full) else {
                throw failure(
                    "container", .configuration,
                    "\(full.withoutUserInfo) is not local and not https")
            }
            url = full
        } else {
            return nil
        }
        var headers = [("Accept", "application/json")]
        if let token = try authorization() { headers.append(("Authorization", token)) }
        let response = try send(
            HTTPRequest(url: url, headers: headers, timeout: 2), "container", attempts: 3)
        guard response.status == 200 else {
            throw failure("container", .unavailable, "HTTP status \(response.status)")
        }
        return try credentials(response.body, source: "container")
    }

    // MARK: - EC2

    /// From EC2's metadata service, version 2; nil where there is none or no role.
    func instance() throws(AWSError) -> Credentials? {
        if environment.isTrue("AWS_EC2_METADATA_DISABLED") { return nil }
        // Elsewhere than on EC2 there is no answer; in a container on EC2 the answer to the PUT is
        // lost where the hop limit is 1.
        guard var token = try? token() else { return nil }
        let folder = "/latest/meta-data/iam/security-credentials/"
        let roles = try get(folder, &token)
        if roles.status == 404 { return nil }
        let names = String(decoding: roles.body, as: UTF8.self).split(whereSeparator: \.isNewline)
        guard roles.status == 200, let role = names.first else {
            throw failure("instance", .unavailable, "HTTP status \(roles.status)")
        }
        let response = try get(folder + role.percentEncoded(), &token)
        guard response.status == 200 else {
            throw failure("instance", .unavailable, "HTTP status \(response.status)")
        }
        return try credentials(response.body, source: "instance role \(role)")
    }

    /// The region of the EC2 instance; nil elsewhere.
    ///
    /// Source: Amazon EC2 User Guide, "Instance metadata categories", `placement/region`.
    func region() -> String? {
        guard !environment.isTrue("AWS_EC2_METADATA_DISABLED"), var token = try? token(),
            let answer = try? get("/latest/meta-data/placement/region", &token),
            answer.status == 200
        else { return nil }
        let region = CleanText.of(String(decoding: answer.body, as: UTF8.self))
        return StreamReference.isWord(region) ? region : nil
    }

    /// A session token; there is no way without, version 1 is not asked.
    private func token() throws(AWSError) -> String {
        let response = try send(
            HTTPRequest(
                method: "PUT", url: base + "/latest/api/token",
                headers: [("X-aws-ec2-metadata-token-ttl-seconds", "21600")], body: .bytes([]),
                timeout: timeout), "instance", attempts: attempts)
        guard response.status == 200, !response.body.isEmpty else {
            throw failure("instance", .unavailable, "no session token: status \(response.status)")
        }
        return String(decoding: response.body, as: UTF8.self)
    }

    /// Reads a page; a token that ended is replaced once.
    private func get(_ path: String, _ token: inout String) throws(AWSError) -> HTTPResponse {
        var isRepeated = false
        while true {
            let response = try send(
                HTTPRequest(
                    url: base + path, headers: [("X-aws-ec2-metadata-token", token)],
                    timeout: timeout), "instance", attempts: attempts + 1)
            guard response.status == 401, !isRepeated else { return response }
            token = try self.token()
            isRepeated = true
        }
    }

    private var base: String {
        if let endpoint = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] {
            return endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
        }
        return environment["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"]?.lowercased() == "ipv6"
            ? "http://[fd00:ec2::254]" : "http://169.254.169.254"
    }

    /// Seconds for one request, 1 unless set.
    private var timeout: Double {
        environment["AWS_METADATA_SERVICE_TIMEOUT"].flatMap { Double($0) }
            .flatMap { $0.isNaN ? nil : min(max($0, 0.1), 60) } ?? 1
    }

    private var attempts: Int {
        environment["AWS_METADATA_SERVICE_NUM_ATTEMPTS"].flatMap { Int($0) }
            .map { min(max($0, 1), 10) } ?? 1
    }

    // MARK: - Parts

    /// Plain http only to the own machine and the agents' addresses.
    private static func isAllowed(_ url: String) -> Bool {
        if url.lowercased().hasPrefix("https://") { return true }
        guard let endpoint = Endpoint(url) else { return false }
        let agents = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"]
        return endpoint.isLoopback || agents.contains(endpoint.host)
    }

    private func authorization() throws(AWSError) -> String? {
        var token = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
        if let path = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] {
            do throws(SystemError) {
                token = CleanText.of(try Files.read(path, limit: 64 << 10))
            } catch {
                throw failure("container", .configuration, "\(error)")
            }
        }
        if let token, token.utf8.contains(where: { $0 == 0x0D || $0 == 0x0A }) {
            throw failure("container", .configuration, "the authorization token has a line break")
        }
        return token
    }

    /// Sends, also again after no answer or a failure of the service's.
    private func send(
        _ request: HTTPRequest, _ operation: String, attempts: Int
    ) throws(AWSError) -> HTTPResponse {
        var request = request
        let time = LookupTime(seconds: request.timeout)
        request.timeout = time.limit
        request.usesProxy = false
        request.connectTimeout = min(request.timeout, 1)
        request.maximumResponse = 64 << 10
        var left = attempts
        while true {
            left -= 1
            do throws(TransportError) {
                var client = try HTTPClient(connections: 1)
                let response = try client.send(request, unless: time.stop)
                if let response, response.status < 500 || left == 0 { return response }
            } catch {
                if left == 0 || !error.isRetryable {
                    throw failure(operation, .unavailable, "\(error)")
                }
            }
            Descriptor.waitUntilReadable(time.stop, seconds: 0.1)
            if time.isStopped { throw LookupTime.stopped("find credentials (\(operation))") }
        }
    }

    private func credentials(
        _ body: [UInt8], source: String
    ) throws(AWSError) -> Credentials {
        guard let fields = FlatJSON.parse(body), fields["Code"] ?? "Success" == "Success",
            let key = fields["AccessKeyId"], let secret = fields["SecretAccessKey"]
        else { throw failure(source, .protocolBroken, "the answer has no credentials") }
        var expiration: Int64?
        if let text = fields["Expiration"], text != "null", !text.isEmpty {
            // Taken for no end at all, they would be used until the service refuses them.
            guard let time = Timestamp.seconds(rfc3339: text) else {
                throw failure(
                    source, .protocolBroken,
                    "Expiration is not a time such as \(CredentialChain.example)")
            }
            expiration = time
        }
        return Credentials(
            accessKeyID: key, secretAccessKey: secret, sessionToken: fields["Token"],
            expiration: expiration, source: source, isRenewable: true)
    }

    private func failure(
        _ operation: String, _ category: AWSError.Category, _ message: String
    ) -> AWSError {
        AWSError(
            category, service: "", operation: "credentials from \(operation)", message: message)
    }
}
