import Encoding
import Posix

/// Where a service is, by all that may say so.
///
/// Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints" and "Dual-stack and
/// FIPS endpoints".
public struct ServiceLocation: Sendable {
    /// Part of AWS's host name: `s3`, `kinesis`, `monitoring` or `sts`.
    let service: String
    /// What signatures name.
    public var region: String
    /// Instead of AWS's own: `http[s]://host[:port][/prefix]`.
    public var endpoint: String?
    /// A file of certificate authorities instead of the system's.
    public var authorities: String?
    /// AWS's hosts with validated cryptography.
    public var usesFIPS = false
    /// AWS's hosts that have IPv6 addresses, too.
    public var usesDualStack = false

    /// A service in a region.
    public init(_ service: String, region: String, endpoint: String? = nil) {
        self.service = service
        self.region = region
        self.endpoint = endpoint
    }

    /// Asks the environment and the shared files.
    ///
    /// - Parameters:
    ///   - service: `s3`, `kinesis`, `monitoring` (CloudWatch) or `sts`.
    ///   - region: known better than by the environment; nil to ask.
    ///   - endpoint: likewise; it wins over all.
    /// - Throws: when no region is set, a profile file cannot be read, or the settings contradict
    ///   each other.
    public init(
        _ service: String, environment: Environment, region: String? = nil,
        endpoint: String? = nil
    ) throws(AWSError) {
        try self.init(
            service, environment: environment, files: try ProfileFiles(environment),
            region: region, endpoint: endpoint)
    }

    init(
        _ service: String, environment: Environment, files: ProfileFiles, region: String?,
        endpoint: String?
    ) throws(AWSError) {
        self.service = service
        var named = region
        if named == nil { named = try Region.resolve(environment) }
        let (region, asksFIPS) = Partition.region(named: CleanText.of(named ?? ""))
        self.region = region
        let profile = try files.selectedProfile()?.settings ?? [:]
        // AWS's tools name CloudWatch by its product, its hosts by `monitoring`.
        let names = ["monitoring": "cloudwatch", "portal.sso": "sso"]
        let name = names[service] ?? service
        if let endpoint {
            self.endpoint = endpoint
        } else if !environment.isTrue("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
            profile["ignore_configured_endpoint_urls"]?.lowercased() != "true"
        {
            self.endpoint =
                environment["AWS_ENDPOINT_URL_\(name.uppercased())"]
                ?? environment["AWS_ENDPOINT_URL"]
            if self.endpoint == nil { self.endpoint = try files.endpoint(of: name) }
        }
        authorities = environment["AWS_CA_BUNDLE"] ?? profile["ca_bundle"]
        usesFIPS =
            asksFIPS
            || Self.isOn(environment["AWS_USE_FIPS_ENDPOINT"] ?? profile["use_fips_endpoint"])
        usesDualStack = Self.isOn(
            environment["AWS_USE_DUALSTACK_ENDPOINT"] ?? profile["use_dualstack_endpoint"])
        _ = try resolved()
    }

    private static func isOn(_ text: String?) -> Bool { text?.lowercased() == "true" }

    /// The endpoint.
    func resolved() throws(AWSError) -> Endpoint {
        guard let endpoint else {
            // It becomes part of a host name.
            guard StreamReference.isWord(region) else {
                throw refusal(
                    "\"\(region)\" is not a valid region (letters, digits and hyphens, such as "
                        + "eu-west-1)")
            }
            // us-east-1a
            let (last, beforeLast) = (region.utf8.last ?? 0, region.utf8.dropLast().last ?? 0)
            guard !(0x61...0x66).contains(last) || !(0x30...0x39).contains(beforeLast) else {
                throw refusal(
                    "\"\(region)\" is an availability zone; the region is \(region.dropLast())")
            }
            guard !usesFIPS || Partition.of(region: region).hasFIPS(service) else {
                throw refusal("\(service) has no FIPS hosts in \(region)")
            }
            return Endpoint(
                service: service, region: region, isFIPS: usesFIPS, isDualStack: usesDualStack)
        }
        // Which hosts a custom endpoint stands for cannot be known.
        if usesFIPS || usesDualStack {
            throw refusal(
                "\(usesFIPS ? "AWS_USE_FIPS_ENDPOINT" : "AWS_USE_DUALSTACK_ENDPOINT") and the "
                    + "endpoint \(endpoint.withoutUserInfo) exclude each other")
        }
        if let endpoint = Endpoint(endpoint) { return endpoint }
        throw refusal(
            "the endpoint \(endpoint.withoutUserInfo) is not http[s]://host[:port][/prefix]; user "
                + "names and passwords are not part of it")
    }

    private func refusal(_ message: String) -> AWSError {
        AWSError(.configuration, service: service, operation: "find endpoint", message: message)
    }
}
