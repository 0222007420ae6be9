import Foundation
import TestSupport
import Testing

@testable import AWS

struct CredentialsTests {
    private func environment(_ values: [String: String]) -> Environment {
        Environment { values[$0] }
    }

    private func file(_ text: String) throws -> String {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try text.write(to: path, atomically: true, encoding: .utf8)
        return path.path
    }

    private let offline = ["AWS_EC2_METADATA_DISABLED": "TRUE"]

    @Test func `the environment wins over the files, and half a pair is an error`() throws {
        let path = try file("[default]\naws_access_key_id = F\naws_secret_access_key = G\n")
        defer { try? FileManager.default.removeItem(atPath: path) }
        var values = offline.merging(["AWS_SHARED_CREDENTIALS_FILE": path]) { $1 }
        var provider = CredentialsProvider(environment: environment(values))
        #expect(try provider.credentials(at: 0).accessKeyID == "F")
        values["AWS_ACCESS_KEY_ID"] = "E"
        do throws(AWSError) {
            let provider = CredentialsProvider(environment: environment(values))
            _ = try provider.credentials(at: 0)
            Issue.record("no error")
        } catch { #expect(error.category == .configuration) }
        values["AWS_SECRET_ACCESS_KEY"] = "S"
        values["AWS_SESSION_TOKEN"] = "T"
        provider = CredentialsProvider(environment: environment(values))
        let found = try provider.credentials(at: 0)
        #expect(found.accessKeyID == "E" && found.sessionToken == "T")
    }

    @Test func `profiles come from both files, with comments, quotes and nested values`() throws {
        let config = try file(
            """
            # a comment
            [default]
            region = eu-west-1 ; trailing
            [profile "my team"]
            region=ap-northeast-1
            s3 =
              addressing_style = path
              region = nowhere
            aws_access_key_id = old
            [sso-session x]
            region = wrong
            """)
        let credentials = try file("[my team]\nAWS_ACCESS_KEY_ID=K\naws_secret_access_key=a=b#c\n")
        defer {
            for path in [config, credentials] { try? FileManager.default.removeItem(atPath: path) }
        }
        var values = offline.merging([
            "AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": credentials,
        ]) { $1 }
        #expect(try Region.resolve(environment(values)) == "eu-west-1")
        values["AWS_PROFILE"] = "my team"
        #expect(try Region.resolve(environment(values)) == "ap-northeast-1")
        let provider = CredentialsProvider(environment: environment(values))
        let found = try provider.credentials(at: 0)
        #expect(found.accessKeyID == "K" && found.secretAccessKey == "a=b#c")
        values["AWS_PROFILE"] = "nobody"
        #expect(throws: AWSError.self) { try Region.resolve(environment(values)) }
        values["AWS_REGION"] = "us-east-2"
        #expect(try Region.resolve(environment(values)) == "us-east-2")
    }

    @Test func `a container's credentials are renewed before they end, and kept when that fails`()
        throws
    {
        func answer(_ key: String, _ time: String) -> FaultServer.Answer {
            .respond(
                200,
                body:
                    "{\"AccessKeyId\":\"\(key)\", \"SecretAccessKey\":\"s\\/\", \"Token\":\"t\", \"Expiration\":\"\(time)\"}"
            )
        }
        let server = FaultServer([
            answer("A", "2026-01-01T01:00:00Z"), answer("B", "2026-01-01T02:00:00Z"),
            .respond(500),
        ])
        defer { server.stop() }
        let values = offline.merging([
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "\(server.url)/c",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "secret",
        ]) { $1 }
        let provider = CredentialsProvider(environment: environment(values))
        let start: Int64 = 1_767_225_600  // 2026-01-01T00:00:00Z
        #expect(try provider.credentials(at: start).accessKeyID == "A")
        #expect(try provider.credentials(at: start + 2999).accessKeyID == "A")
        #expect(try provider.credentials(at: start + 3061).accessKeyID == "A", "not waited for")
        #expect(
            try waitUntil {
                let renewed = try provider.credentials(at: start + 3062)
                return renewed.accessKeyID == "B" && renewed.secretAccessKey == "s/"
            })
        #expect(server.requests[0].headers["authorization"] == "secret")
        let left = provider.secondsLeft(at: start + 3062)
        #expect(left == 4138)
        // From here on the source fails: what is held stays in use, also beyond its end.
        #expect(try provider.credentials(at: start + 7000).accessKeyID == "B")
        #expect(waitUntil { server.requests.count == 5 }, "three attempts of one renewal")
        #expect(try provider.credentials(at: start + 7201).accessKeyID == "B")
    }

    @Test func `an instance's role is asked with a token`() throws {
        let server = FaultServer([
            .respond(200, body: "TOKEN"), .respond(200, body: "role\n"),
            .respond(
                200,
                body: """
                    {"Code" : "Success", "Type" : "AWS-HMAC", "AccessKeyId" : "I",
                     "SecretAccessKey" : "s", "Token" : "t", "Expiration" : "2026-01-01T01:00:00Z"}
                    """),
        ])
        defer { server.stop() }
        let provider = CredentialsProvider(
            environment: environment(["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url]))
        #expect(try provider.credentials(at: 0).accessKeyID == "I")
        #expect(server.requests.map(\.method) == ["PUT", "GET", "GET"])
        #expect(server.requests[2].headers["x-aws-ec2-metadata-token"] == "TOKEN")
    }

    @Test(arguments: ["http://example.com/", "http://127.evil.com/", "http://127.0.0.1@evil.com/"])
    func `plain http to a stranger is refused`(_ url: String) throws {
        let provider = CredentialsProvider(
            environment: environment(
                offline.merging(["AWS_CONTAINER_CREDENTIALS_FULL_URI": url]) { $1 }))
        do throws(AWSError) {
            _ = try provider.credentials(at: 0)
            Issue.record("no error")
        } catch { #expect(error.category == .configuration) }
    }

    @Test func `secrets show nowhere`() {
        let credentials = Credentials(
            accessKeyID: "AKIDEXAMPLE", secretAccessKey: "hush", sessionToken: "quiet")
        var dumped = ""
        dump(credentials, to: &dumped)
        for text in ["\(credentials)", String(reflecting: credentials), dumped, "\([credentials])"]
        {
            #expect(!text.contains("hush") && !text.contains("quiet"))
        }
    }

    @Test(arguments: [
        "", "{", "[]", "{\"a\"}", "{\"a\":}", "{\"a\":{}}", "{\"a\":\"\\u12\"}", "{} x",
        "{\"a\":\"b\",}",
    ])
    func `what is no flat object is refused`(_ text: String) {
        #expect(FlatJSON.parse(Array(text.utf8)) == nil)
    }
}
