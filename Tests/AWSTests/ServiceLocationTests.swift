import Foundation
import TestSupport
import Testing
import Transport

@testable import AWS

struct ServiceLocationTests {
    private func location(
        _ service: String, _ values: [String: String], config: String = "", endpoint: String? = nil
    ) throws -> ServiceLocation {
        let place = try TemporaryDirectory()
        try Data(config.utf8).write(to: URL(fileURLWithPath: place.path("config")))
        let all = ["AWS_CONFIG_FILE": place.path("config"), "AWS_REGION": "r"]
            .merging(values) { $1 }
        return try ServiceLocation(
            service, environment: AWS.Environment { all[$0] }, endpoint: endpoint)
    }

    private static let config = """
        [default]
        services = local
        endpoint_url = http://profile
        ca_bundle = /ca.pem
        [services local]
        kinesis =
          endpoint_url = http://profile-kinesis
        cloudwatch =
          endpoint_url = http://profile-cloudwatch
        """

    @Test func `an endpoint is what is nearest to the service and to the caller`() throws {
        var values: [String: String] = [:]
        func found(_ service: String, _ endpoint: String? = nil) throws -> String? {
            try location(service, values, config: Self.config, endpoint: endpoint).endpoint
        }
        #expect(try found("s3") == "http://profile")
        #expect(try found("kinesis") == "http://profile-kinesis")
        #expect(try found("monitoring") == "http://profile-cloudwatch")
        values["AWS_ENDPOINT_URL"] = "http://all"
        #expect(try found("kinesis") == "http://all" && found("sts") == "http://all")
        values["AWS_ENDPOINT_URL_KINESIS"] = "http://kinesis"
        values["AWS_ENDPOINT_URL_CLOUDWATCH"] = "http://cloudwatch"
        #expect(try found("kinesis") == "http://kinesis" && found("s3") == "http://all")
        #expect(try found("monitoring") == "http://cloudwatch")
        #expect(try found("kinesis", "http://given") == "http://given")
        values["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true"
        #expect(try found("kinesis") == nil && found("s3") == nil)
        #expect(try found("s3", "http://given") == "http://given")
        #expect(try location("s3", [:], config: Self.config).authorities == "/ca.pem")
    }

    @Test(arguments: [
        ("s3", "eu-west-1", false, false, "s3.eu-west-1.amazonaws.com"),
        ("s3", "eu-west-1", true, false, "s3-fips.eu-west-1.amazonaws.com"),
        ("s3", "eu-west-1", false, true, "s3.dualstack.eu-west-1.amazonaws.com"),
        ("s3", "us-east-1", true, true, "s3-fips.dualstack.us-east-1.amazonaws.com"),
        ("s3", "cn-north-1", false, false, "s3.cn-north-1.amazonaws.com.cn"),
        ("kinesis", "us-east-1", true, false, "kinesis-fips.us-east-1.amazonaws.com"),
        ("kinesis", "us-east-1", false, true, "kinesis.us-east-1.api.aws"),
        ("monitoring", "us-east-1", false, false, "monitoring.us-east-1.amazonaws.com"),
        ("kinesis", "us-gov-west-1", false, false, "kinesis.us-gov-west-1.amazonaws.com"),
        ("kinesis", "cn-north-1", false, true, "kinesis.cn-north-1.api.amazonwebservices.com.cn"),
        ("kinesis", "eusc-de-east-1", false, false, "kinesis.eusc-de-east-1.amazonaws.eu"),
        ("s3", "eusc-de-east-1", false, false, "s3.eusc-de-east-1.amazonaws.eu"),
        ("sts", "eusc-de-east-1", false, true, "sts.eusc-de-east-1.api.amazonwebservices.eu"),
        ("monitoring", "us-iso-east-1", false, false, "monitoring.us-iso-east-1.c2s.ic.gov"),
        ("s3", "us-isob-east-1", false, false, "s3.us-isob-east-1.sc2s.sgov.gov"),
        ("sts", "eu-isoe-west-1", false, false, "sts.eu-isoe-west-1.cloud.adc-e.uk"),
        ("kinesis", "us-isof-south-1", true, false, "kinesis-fips.us-isof-south-1.csp.hci.ic.gov"),
    ])
    func `AWS's own hosts`(
        _ service: String, _ region: String, _ fips: Bool, _ dual: Bool, _ host: String
    ) throws {
        let found = try location(
            service,
            [
                "AWS_REGION": region, "AWS_USE_FIPS_ENDPOINT": "\(fips)",
                "AWS_USE_DUALSTACK_ENDPOINT": "\(dual)",
            ])
        #expect(try found.resolved().authority() == host)
    }

    @Test(arguments: ["eu west", "a.evil.com/", "x@h", "", String(repeating: "a", count: 65)])
    func `what cannot be part of a host name is not a region`(_ region: String) {
        do throws(AWSError) {
            _ = try ServiceLocation(
                "s3", environment: AWS.Environment { _ in nil }, region: region)
            Issue.record("no error")
        } catch {
            #expect(
                error.category == .configuration && "\(error)".contains("not a valid region"))
        }
    }

    @Test(arguments: [
        ("http://127.0.0.1:4566", false), ("http://localhost", false), ("http://[::1]:1", false),
        ("https://minio:9000", false), ("http://minio:9000", true), ("http://10.0.0.1", true),
        ("http://127.evil.com", true), ("http://localhost.evil.com", true),
    ])
    func `plain http to another machine is exposed`(_ url: String, _ isExposed: Bool) {
        #expect(Endpoint(url)?.isExposed == isExposed)
    }

    @Test(arguments: ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
    func `an endpoint of one's own and AWS's special hosts exclude each other`(
        _ name: String
    ) {
        do throws(AWSError) {
            let values = [name: "true", "AWS_ENDPOINT_URL": "http://h", "AWS_REGION": "r"]
            _ = try ServiceLocation("s3", environment: AWS.Environment { values[$0] })
            Issue.record("no error")
        } catch { #expect(error.category == .configuration && error.description.contains(name)) }
    }

    @Test(
        arguments: [(nil, 0.0...1.0), (0.2, 0.2...1), (3, 3...3), (60, 5...6)]
            as [(Double?, ClosedRange<Double>)])
    func `a pause that the service asks for is followed within bounds`(
        _ asked: Double?, _ range: ClosedRange<Double>
    ) {
        for _ in 0..<50 {
            let delay = RetryPolicy().delay(.throttle, attempt: 1, asked: asked)
            #expect(range.contains(delay), "\(delay)")
        }
    }
}
