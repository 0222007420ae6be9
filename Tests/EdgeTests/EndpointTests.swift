import Foundation
import TestSupport
import Testing

@testable import AWS

/// AWS's hosts against botocore's endpoint rules.
struct EndpointTests {
    @Test(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
    func `every region of every partition has the host that botocore finds`() throws {
        let outcome = try Program.run(try #require(Python.path), [place("endpoints.py")])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let lines = outcome.text.split(separator: "\n").map { $0.split(separator: " ") }
        try #require(lines.count > 600, "\(lines.count)")
        for words in lines {
            let values = [
                "AWS_REGION": String(words[1]), "AWS_USE_FIPS_ENDPOINT": words[2].lowercased(),
                "AWS_USE_DUALSTACK_ENDPOINT": words[3].lowercased(), "AWS_CONFIG_FILE": "/dev/null",
            ]
            do throws(AWSError) {
                let found = try ServiceLocation(
                    String(words[0]), environment: AWS.Environment { values[$0] }
                ).resolved()
                #expect("https://\(found.authority())" == words[4], "\(words)")
            } catch { #expect(words[4] == "none", "\(words): \(error)") }
        }
        print("\(lines.count) hosts compared")
    }

    @Test(
        arguments: [
            ("us-east-1\r", "us-east-1"), (" EU-West-1 ", "eu-west-1"),
            ("\"eu-west-1\"", "eu-west-1"),
            ("aws-global", "us-east-1"), ("aws-cn-global", "cn-northwest-1"),
            ("fips-us-west-2", "us-west-2"), ("us-gov-west-1-fips", "us-gov-west-1"),
            ("us-east-1a", nil), ("eu west", nil), ("https://x", nil),
        ] as [(String, String?)])
    func `a region is cleaned, or told of`(_ text: String, _ expected: String?) {
        let values = ["AWS_REGION": text, "AWS_CONFIG_FILE": "/dev/null"]
        do throws(AWSError) {
            let found = try ServiceLocation(
                "kinesis", environment: AWS.Environment { values[$0] })
            #expect(found.region == expected)
            #expect(found.usesFIPS == text.contains("fips"))
        } catch {
            #expect(expected == nil && error.category == .configuration, "\(error)")
            if text == "us-east-1a" {
                #expect("\(error)".contains("the region is us-east-1"), "\(error)")
            }
        }
    }

    @Test(
        arguments: [
            ("bucket", true), ("my.bucket-1", true), ("Old_Bucket", true), ("abc-s3alias", true),
            ("a-1234567890-s3alias", true), ("xy", false), ("", false), ("-ab", false),
            ("ab-", false), (".ab", false), ("a..b", false), ("192.168.0.1", false),
            ("bucket:9000", false), ("b--use1-az4--x-s3", false), ("ap--use1-az4--xa-s3", false),
            ("olap-name--ol-s3", false), ("name--op-s3", false), ("x--table-s3", false),
            ("mfzwi23gnjvgw.mrap", false),
            ("arn:aws:s3:us-east-1:123456789012:accesspoint/a", false),
            ("arn:aws:s3-outposts:us-east-1:123456789012:outpost/op-1/bucket/b", false),
            ("arn:aws:s3:::bucket", false), ("bücket", false), ("a b", false), ("a%20b", false),
            (String(repeating: "a", count: 255), true), (String(repeating: "a", count: 256), false),
        ] as [(String, Bool)])
    func `a bucket's name is judged before a byte is read`(
        _ bucket: String, _ isGood: Bool
    ) throws {
        #expect((S3Client.refusal(ofBucket: bucket) == nil) == isGood)
        guard !isGood else { return }
        let scratch = try TemporaryDirectory()
        let state = scratch.path("state")
        let outcome = try Program.run(
            "s3-put", ["--to", "s3://\(bucket)/p", "--state-dir", state], input: [1, 2, 3],
            environment: Keys.environment)
        #expect(outcome.status == 64, "\(outcome.errors)")
        #expect(!FileManager.default.fileExists(atPath: state))
    }
}
