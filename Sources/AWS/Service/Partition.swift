/// A group of regions with accounts, ARNs and host names of its own.
///
/// Source: `partitions.json` of botocore 1.43.11.
struct Partition: Equatable, Sendable {
    /// As in ARNs: `aws`, `aws-cn`.
    let name: String
    /// What its regions' names begin with; empty for the rest of the world.
    let regionPrefix: String
    /// The end of a service's host name.
    let domain: String
    /// The end of the host names that have IPv6 addresses, too.
    let dualStackDomain: String

    /// The partition of every region that no other one claims.
    static let standard = Partition(
        name: "aws", regionPrefix: "", domain: "amazonaws.com", dualStackDomain: "api.aws")

    private static let others = [
        Partition(
            name: "aws-cn", regionPrefix: "cn-", domain: "amazonaws.com.cn",
            dualStackDomain: "api.amazonwebservices.com.cn"),
        Partition(
            name: "aws-us-gov", regionPrefix: "us-gov-", domain: "amazonaws.com",
            dualStackDomain: "api.aws"),
        Partition(
            name: "aws-eusc", regionPrefix: "eusc-", domain: "amazonaws.eu",
            dualStackDomain: "api.amazonwebservices.eu"),
        Partition(
            name: "aws-iso", regionPrefix: "us-iso-", domain: "c2s.ic.gov",
            dualStackDomain: "api.aws.ic.gov"),
        Partition(
            name: "aws-iso-b", regionPrefix: "us-isob-", domain: "sc2s.sgov.gov",
            dualStackDomain: "api.aws.scloud"),
        Partition(
            name: "aws-iso-e", regionPrefix: "eu-isoe-", domain: "cloud.adc-e.uk",
            dualStackDomain: "api.cloud-aws.adc-e.uk"),
        Partition(
            name: "aws-iso-f", regionPrefix: "us-isof-", domain: "csp.hci.ic.gov",
            dualStackDomain: "api.aws.hci.ic.gov"),
    ]

    /// Hosts with validated cryptography that are the usual ones: in GovCloud all of them are
    /// validated. Services by whether the host is one with IPv6 addresses.
    private static let validatedAnyway: [Bool: Set<String>] = [
        false: ["kinesis", "monitoring", "sts"], true: ["monitoring"],
    ]

    /// True where AWS's hosts with validated cryptography have a name of their own.
    ///
    /// Source: the endpoint rules of botocore 1.44.8.
    func namesFIPS(_ service: String, isDualStack: Bool) -> Bool {
        name != "aws-us-gov" || Self.validatedAnyway[isDualStack]?.contains(service) != true
    }

    /// False where there are no hosts with validated cryptography for S3.
    func hasFIPS(_ service: String) -> Bool { name != "aws-cn" || service != "s3" }

    /// Names that AWS's tools take for a region beside its own: the ones of global services, and of
    /// hosts with validated cryptography.
    ///
    /// - Returns: the region, and whether it asks for such hosts.
    static func region(named text: String) -> (region: String, isFIPS: Bool) {
        let text = text.lowercased()
        if let region = globals[text] { return (region, false) }
        if text.hasPrefix("fips-") { return (String(text.dropFirst(5)), true) }
        if text.hasSuffix("-fips") { return (String(text.dropLast(5)), true) }
        return (text, false)
    }

    /// Source: `implicitGlobalRegion` in `partitions.json` of botocore 1.44.8.
    private static let globals = [
        "aws-global": "us-east-1", "aws-cn-global": "cn-northwest-1",
        "aws-us-gov-global": "us-gov-west-1", "aws-eusc-global": "eusc-de-east-1",
        "aws-iso-global": "us-iso-east-1", "aws-iso-b-global": "us-isob-east-1",
        "aws-iso-e-global": "eu-isoe-west-1", "aws-iso-f-global": "us-isof-south-1",
    ]

    /// The partition that a region belongs to.
    static func of(region: String) -> Partition {
        others.first { region.hasPrefix($0.regionPrefix) } ?? standard
    }
}
