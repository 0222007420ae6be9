import Posix
import Transport

/// Temporary credentials from the machine's surroundings: a container's agent, or EC2's instance
/// metadata service.
enum MetadataService {
    /// The host that stands for the ECS agent.
    private static let agent = "http://169.254.170.2"

    /// From the container's agent; nil outside containers.
    static func container(_ environment: Environment) throws(AWSError) -> Credentials? {
        let url: String
        if let path = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
            guard path.hasPrefix("/") else {
                throw failure("container", .configuration, "\(path) does not begin with a slash")
            }
            url = agent + path
        } else if let full = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
            guard isAllowed(full) else {
                throw failure("container", .configuration, "\(full) is not local and not https")
            }
            url = full
        } else {
            return nil
        }
        var headers = [("Accept", "application/json")]
        if let token = try authorization(environment) { headers.append(("Authorization", token)) }
        let response = try send(
            HTTPRequest(url: url, headers: headers, timeout: 2), "container", attempts: 3)
        guard response.status == 200 else {
            throw failure("container", .unavailable, "HTTP status \(response.status)")
        }
        return try credentials(response.body, source: "container")
    }

    /// From EC2's metadata service, version 2; nil where there is none or no role.
    static func instance(_ environment: Environment) throws(AWSError) -> Credentials? {
        if environment.isTrue("AWS_EC2_METADATA_DISABLED") { return nil }
        let base = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? "http://169.254.169.254"
        let token: HTTPResponse
        do throws(AWSError) {
            token = try send(
                HTTPRequest(
                    method: "PUT", url: "\(base)/latest/api/token",
                    headers: [("X-aws-ec2-metadata-token-ttl-seconds", "21600")],
                    body: .bytes([]), timeout: 1), "instance", attempts: 1)
        } catch {
            // Not on EC2: nobody answers.
            return nil
        }
        guard token.status == 200 else { return nil }
        let headers = [("X-aws-ec2-metadata-token", String(decoding: token.body, as: UTF8.self))]
        let folder = "\(base)/latest/meta-data/iam/security-credentials/"
        let roles = try send(
            HTTPRequest(url: folder, headers: headers, timeout: 1), "instance", attempts: 2)
        let role = String(decoding: roles.body, as: UTF8.self).split(whereSeparator: \.isNewline)
        guard roles.status == 200, let role = role.first else { return nil }
        let response = try send(
            HTTPRequest(url: folder + Text.percentEncoded(role), headers: headers, timeout: 1),
            "instance", attempts: 2)
        guard response.status == 200 else {
            throw failure("instance", .unavailable, "HTTP status \(response.status)")
        }
        return try credentials(response.body, source: "instance role \(role)")
    }

    // MARK: - Parts

    /// Plain http only to the own machine and the agents' addresses.
    private static func isAllowed(_ url: String) -> Bool {
        if url.lowercased().hasPrefix("https://") { return true }
        guard let endpoint = Endpoint(url) else { return false }
        let hosts = ["localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"]
        let numbers = endpoint.host.split(separator: ".", omittingEmptySubsequences: false)
        let isLoopback =
            numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
        return isLoopback || hosts.contains(endpoint.host)
    }

    private static func authorization(_ environment: Environment) throws(AWSError) -> String? {
        var token = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
        if let path = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] {
            do throws(SystemError) {
                token = Text.trimmed(
                    String(decoding: try Files.read(path, limit: 64 << 10), as: UTF8.self))
            } catch {
                throw failure("container", .configuration, "\(error)")
            }
        }
        if let token, token.utf8.contains(where: { $0 == 0x0D || $0 == 0x0A }) {
            throw failure("container", .configuration, "the authorization token has a line break")
        }
        return token
    }

    private static func send(
        _ request: HTTPRequest, _ operation: String, attempts: Int
    ) throws(AWSError) -> HTTPResponse {
        var request = request
        request.usesProxy = false
        request.connectTimeout = min(request.timeout, 1)
        request.maximumResponse = 64 << 10
        var left = attempts
        while true {
            do throws(TransportError) {
                var client = try HTTPClient(connections: 1)
                return try client.send(request)
            } catch {
                left -= 1
                if left == 0 || !error.isRetryable {
                    throw failure(operation, .unavailable, "\(error)")
                }
            }
        }
    }

    private static func credentials(
        _ body: [UInt8], source: String
    ) throws(AWSError) -> Credentials {
        guard let fields = FlatJSON.parse(body), fields["Code"] ?? "Success" == "Success",
            let key = fields["AccessKeyId"], let secret = fields["SecretAccessKey"]
        else { throw failure(source, .protocolBroken, "the answer holds no credentials") }
        return Credentials(
            accessKeyID: key, secretAccessKey: secret, sessionToken: fields["Token"],
            expiration: fields["Expiration"].flatMap(Timestamps.parseISO), source: source)
    }

    private static func failure(
        _ operation: String, _ category: AWSError.Category, _ message: String
    ) -> AWSError {
        AWSError(
            category, service: "", operation: "credentials from \(operation)", message: message)
    }
}
