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

    /// The partition that a region belongs to.
    static func of(region: String) -> Partition {
        others.first { region.hasPrefix($0.regionPrefix) } ?? standard
    }
}
