import TestSupport
import Testing

@testable import AWS

/// Ends of credentials, in the forms that their sources write.
struct TimestampTests {
    @Test(
        arguments: [
            ("\"2030-01-01T01:00:00+01:00\"", 1_893_456_000), ("null", nil), ("\"soon\"", 0),
        ] as [(String, Int64?)])
    func `a container's unreadable end is an error, not for ever`(
        _ text: String, _ expected: Int64?
    ) {
        let server = FaultServer([
            .respond(
                200,
                body: "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Expiration\":\(text)}")
        ])
        defer { server.stop() }
        let values = [
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url + "/",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        ]
        let provider = CredentialsProvider(environment: Environment { values[$0] })
        do throws(AWSError) {
            #expect(try provider.credentials(at: 0).expiration == expected)
            #expect(expected != 0)
        } catch {
            #expect(expected == 0 && "\(error)".contains("Expiration"), "\(error)")
        }
    }
}
