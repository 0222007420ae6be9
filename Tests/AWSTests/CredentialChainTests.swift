import Foundation
import Posix
import TestSupport
import Testing
import Transport

@testable import AWS

/// Shared files in a directory of their own, and the environment that names them.
private final class Files {
    private let place: TemporaryDirectory
    var values: [String: String]

    init(config: String = "", credentials: String = "", _ more: [String: String] = [:]) throws {
        place = try TemporaryDirectory()
        values = [
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "eu-west-1",
            "AWS_CONFIG_FILE": place.path("config"),
            "AWS_SHARED_CREDENTIALS_FILE": place.path("credentials"),
        ].merging(more) { $1 }
        try write("config", config)
        try write("credentials", credentials)
    }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: place.path(name)))
    }

    func path(_ name: String) -> String { place.path(name) }

    var environment: AWS.Environment {
        let values = values
        return AWS.Environment { values[$0] }
    }

    func find() throws(AWSError) -> Credentials {
        try CredentialChain(environment: environment, region: nil, endpoint: nil).find()
    }

    /// The message of the error that looking for credentials ends with.
    func failure() -> String {
        do throws(AWSError) {
            return "found \(try find())"
        } catch { return "\(error.category): \(error)" }
    }
}

private func roleAnswer(_ key: String, _ end: String = "2030-01-01T00:00:00Z") -> FaultServer.Answer
{
    .respond(
        200,
        body: """
            <AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
            <Credentials><AccessKeyId>\(key)</AccessKeyId><SecretAccessKey>s/\(key)</SecretAccessKey>
            <SessionToken>t&amp;\(key)</SessionToken><Expiration>\(end)</Expiration></Credentials>
            </AssumeRoleResult></AssumeRoleResponse>
            """)
}

struct CredentialChainTests {
    private static let keys = "aws_access_key_id = BASEKEY\naws_secret_access_key = base\n"

    @Test func `a role is assumed with the keys of its source, through a chain of profiles`() throws
    {
        let server = FaultServer([roleAnswer("MIDDLE"), roleAnswer("LAST")])
        defer { server.stop() }
        let files = try Files(
            config: """
                [profile last]
                role_arn = arn:aws:iam::1:role/last
                source_profile = middle
                external_id = x+y
                duration_seconds = 900
                role_session_name = me
                [profile middle]
                role_arn = arn:aws:iam::1:role/middle
                source_profile = base
                """, credentials: "[base]\n" + Self.keys,
            ["AWS_PROFILE": "last", "AWS_ENDPOINT_URL_STS": server.url])
        let found = try files.find()
        #expect(found.accessKeyID == "LAST" && found.secretAccessKey == "s/LAST")
        #expect(found.sessionToken == "t&LAST" && found.source == "role arn:aws:iam::1:role/last")
        #expect(found.expiration == 1_893_456_000)
        let requests = server.requests
        #expect(
            requests.map { $0.headers["authorization"]?.contains("Credential=BASEKEY/") } == [
                true, false,
            ])
        #expect(requests[1].headers["x-amz-security-token"] == "t&MIDDLE")
        #expect(requests[1].headers["authorization"]?.contains("/eu-west-1/sts/") == true)
        let body = String(decoding: requests[1].body, as: UTF8.self)
        #expect(body.hasPrefix("Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam"))
        #expect(body.hasSuffix("RoleSessionName=me&ExternalId=x%2By&DurationSeconds=900"))
    }

    @Test func `a profile may name itself for the keys that it holds`() throws {
        let server = FaultServer([roleAnswer("R")])
        defer { server.stop() }
        let files = try Files(
            config: "[default]\nrole_arn = arn\nsource_profile = default\n" + Self.keys,
            ["AWS_ENDPOINT_URL": server.url])
        #expect(try files.find().accessKeyID == "R")
        #expect(server.requests[0].headers["authorization"]?.contains("BASEKEY") == true)
    }

    @Test func `a role takes its keys from the environment or a container`() throws {
        let server = FaultServer([
            .respond(200, body: #"{"AccessKeyId":"BOX","SecretAccessKey":"s","Token":"t"}"#),
            roleAnswer("R"),
        ])
        defer { server.stop() }
        let files = try Files(
            config: "[default]\nrole_arn = arn\ncredential_source = EcsContainer\n",
            [
                "AWS_ENDPOINT_URL": server.url,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "\(server.url)/c",
            ])
        #expect(try files.find().accessKeyID == "R")
        #expect(server.requests[1].headers["authorization"]?.contains("Credential=BOX/") == true)
    }

    @Test(arguments: [
        (
            "role_arn = r\nsource_profile = b\n[profile b]\nrole_arn = r\nsource_profile = default",
            "has a cycle: default > b > default"
        ),
        ("role_arn = r\nsource_profile = b\nmfa_serial = m", "mfa_serial"),
        ("role_arn = r\nsource_profile = b\ncredential_source = Environment", "both"),
        ("role_arn = r", "without source_profile"),
        ("role_arn = r\nsource_profile = nowhere", "profile nowhere is in neither"),
        ("role_arn = r\ncredential_source = Moon", "not one of Environment"),
        ("role_arn = r\ncredential_source = Environment", "Environment has no credentials"),
        ("role_arn = r\nduration_seconds = 5\nsource_profile = default", "duration_seconds"),
        ("sso_session = x", "sso_session: an interactive sign-in"),
        ("login_session = x", "login_session: an interactive sign-in"),
        ("aws_access_key_id = x", "without the other"),
        ("region = eu-west-1", "none in the environment"),
        ("credential_process = false", "ended with status 1"),
        ("credential_process = 'echo", "quotes"),
        ("credential_process = /usr/bin/yes", "yes wrote over 65536 bytes"),
        ("credential_process = echo '{\"Version\":2}'", "version 1"),
        ("credential_process = /no/such/program", "start /no/such/program"),
        ("services = x\nendpoint_url = http://h", "[services x], which is not there"),
    ])
    func `a profile that cannot work says why`(_ profile: String, _ words: String) throws {
        let files = try Files(config: "[default]\n\(profile)\n")
        if profile.hasPrefix("services") {
            do throws(AWSError) {
                _ = try ServiceLocation("s3", environment: files.environment)
                Issue.record("no error")
            } catch { #expect(error.description.contains(words), "\(error)") }
        } else {
            let failure = files.failure()
            #expect(failure.contains(words), "\(failure)")
            #expect(failure.hasPrefix("configuration") || words.contains("status 1"))
        }
    }

    // MARK: - Web identity

    @Test func `a web identity is exchanged unsigned, and its token read again at each try`() throws
    {
        let files = try Files(
            ["AWS_ROLE_ARN": "arn:aws:iam::1:role/w", "AWS_ROLE_SESSION_NAME": "pod"])
        try files.write("token", "TOKEN+1\n")
        let refused = FaultServer.Answer.respond(
            400,
            body: "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>no</Message>"
                + "</Error></ErrorResponse>")
        let server = FaultServer([refused, roleAnswer("WEB")])
        defer { server.stop() }
        files.values["AWS_ENDPOINT_URL_STS"] = server.url
        #expect(files.failure().contains("none in the environment"), "a role alone is nothing")
        files.values["AWS_WEB_IDENTITY_TOKEN_FILE"] = files.path("token")
        #expect(try files.find().accessKeyID == "WEB")
        #expect(server.requests.count == 2)
        for request in server.requests {
            #expect(request.headers["authorization"] == nil)
            let body = String(decoding: request.body, as: UTF8.self)
            #expect(body.hasSuffix("&RoleSessionName=pod&WebIdentityToken=TOKEN%2B1"), "\(body)")
        }
        files.values["AWS_ROLE_ARN"] = nil
        #expect(files.failure().contains("without AWS_ROLE_ARN"))
    }

    @Test(arguments: ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"])
    func `a web identity's token, or a role's keys, never travel in the clear`(
        _ variable: String
    ) throws {
        let files = try Files(
            config: "[default]\nrole_arn = r\nsource_profile = default\n" + Self.keys,
            ["AWS_ROLE_ARN": "r", variable: "http://minio.invalid:9000"])
        #expect(files.failure().contains("plain HTTP"), "\(files.failure())")
        try files.write("token", "SECRET.K8S.TOKEN")
        files.values["AWS_WEB_IDENTITY_TOKEN_FILE"] = files.path("token")
        let failure = files.failure()
        #expect(failure.hasPrefix("configuration") && failure.contains("plain HTTP"), "\(failure)")
        #expect(!failure.contains("K8S"))
    }

    @Test func `the environment's keys come before a web identity, that before a profile`() throws {
        let server = FaultServer([roleAnswer("WEB")])
        defer { server.stop() }
        let files = try Files(
            credentials: "[default]\n" + Self.keys,
            ["AWS_ROLE_ARN": "r", "AWS_ENDPOINT_URL": server.url])
        try files.write("token", "T")
        #expect(try files.find().accessKeyID == "BASEKEY")
        files.values["AWS_WEB_IDENTITY_TOKEN_FILE"] = files.path("token")
        #expect(try files.find().accessKeyID == "WEB")
        files.values["AWS_ACCESS_KEY_ID"] = "E"
        files.values["AWS_SECRET_ACCESS_KEY"] = "s"
        files.values["AWS_CREDENTIAL_EXPIRATION"] = "2030-01-01T00:00:00Z"
        let found = try files.find()
        #expect(found.accessKeyID == "E" && found.expiration == 1_893_456_000)
    }

    // MARK: - Programs

    @Test(
        arguments: [
            ("a b", ["a", "b"]), ("  a\tb ", ["a", "b"]), ("'a b' c", ["a b", "c"]),
            ("\"a \\\"b\\\" $x\" d", ["a \"b\" $x", "d"]), ("a\\ b", ["a b"]), ("a''b", ["ab"]),
            ("''", [""]), ("'a", nil), ("\"a", nil), ("a\\", nil), ("", []),
        ] as [(String, [String]?)])
    func `a command is split as a shell would, and nothing is expanded`(
        _ command: String, _ words: [String]?
    ) { #expect(CredentialProcess.words(command) == words) }

    @Test func `a program's credentials are taken, its words for people are not`() throws {
        let json =
            #"{"Version": 1, "AccessKeyId": "PROC", "SecretAccessKey": "s", "#
            + #""SessionToken": null, "Expiration": "2030-01-01T00:00:00Z"}"#
        let found = try CredentialProcess.run(
            "sh -c 'echo hush >&2; echo \"$0\"' '\(json)'", of: "profile p")
        #expect(found.accessKeyID == "PROC" && found.sessionToken == nil)
        #expect(found.expiration == 1_893_456_000 && found.isRenewable)
        do throws(AWSError) {
            _ = try CredentialProcess.run(
                "sh -c 'echo hush >&2; echo hush; exit 3'", of: "profile p")
            Issue.record("no error")
        } catch {
            #expect(error.category == .unavailable && !error.description.contains("hush"))
        }
    }

    @Test(arguments: [
        ("sleep 60", 0.3, AWSError.Category.unavailable),
        ("sh -c 'sleep 60 & exit 0'", 0.3, .unavailable),
        // Time enough to write more than is read.
        ("yes", 60, .configuration),
    ])
    func `a program that does not end, or goes on talking, is killed`(
        _ command: String, _ limit: Double, _ category: AWSError.Category
    ) {
        do throws(AWSError) {
            _ = try CredentialProcess.run(command, of: "profile p", timeLimit: limit)
            Issue.record("no error")
        } catch { #expect(error.category == category, "\(error)") }
    }

    // MARK: - EC2

    private static let instance = """
        {"Code":"Success","AccessKeyId":"I","SecretAccessKey":"s","Token":"t",
         "Expiration":"2026-01-01T01:00:00Z"}
        """

    private func instance(_ answers: [FaultServer.Answer]) throws -> (
        Credentials?, [FaultServer.Request]
    ) {
        let server = FaultServer(answers)
        defer { server.stop() }
        let values = ["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url + "/"]
        let service = MetadataService(AWS.Environment { values[$0] })
        let found = try service.instance()
        return (found, server.requests)
    }

    @Test func `a session token that ended is replaced once`() throws {
        let (found, requests) = try instance([
            .respond(200, body: "ONE"), .respond(401), .respond(200, body: "TWO"),
            .respond(200, body: "role"), .respond(200, body: Self.instance),
        ])
        #expect(found?.accessKeyID == "I" && found?.source == "instance role role")
        #expect(requests.map(\.method) == ["PUT", "GET", "PUT", "GET", "GET"])
        #expect(requests[4].headers["x-aws-ec2-metadata-token"] == "TWO")
    }

    @Test(arguments: [403, 404, 500])
    func `without a session token version 1 is not asked`(_ status: Int) throws {
        let (found, requests) = try instance([.respond(status)])
        #expect(found == nil && requests.map(\.method) == ["PUT"])
    }

    /// What is set, what the machine's metadata service says, and the region that it comes to.
    @Test(
        arguments: [
            ([:], [.respond(200, body: "T"), .respond(200, body: "eu-west-3\n")], "eu-west-3"),
            (["AWS_DEFAULT_REGION": "eu-west-1"], [], "eu-west-1"),
            ([:], [.respond(200, body: "T"), .respond(404)], nil),
            ([:], [.respond(403)], nil),
            ([:], [.respond(200, body: "T"), .respond(200, body: "evil.example/")], nil),
            (["AWS_EC2_METADATA_DISABLED": "True"], [], nil),
        ] as [([String: String], [FaultServer.Answer], String?)])
    func `an instance knows its region, where nothing else says it`(
        _ set: [String: String], _ answers: [FaultServer.Answer], _ region: String?
    ) throws {
        let server = FaultServer(answers)
        defer { server.stop() }
        let values = set.merging(["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url]) { $1 }
        let environment = AWS.Environment { values[$0] }
        let found = try? ServiceLocation("s3", environment: environment).region
        #expect(found == region)
        #expect(server.requests.count == answers.count, "\(server.requests.map(\.target))")
        if region == "eu-west-3" {
            let asked = server.requests.last
            #expect(asked?.target == "/latest/meta-data/placement/region")
            #expect(asked?.headers["x-aws-ec2-metadata-token"] == "T")
        }
    }

    @Test func `an instance without a role has no credentials`() throws {
        #expect(try instance([.respond(200, body: "T"), .respond(404)]).0 == nil)
    }

    @Test func `what is no success is an error`() {
        #expect(throws: AWSError.self) {
            try instance([
                .respond(200, body: "T"), .respond(200, body: "role"),
                .respond(200, body: #"{"Code":"Failed"}"#),
            ])
        }
    }
}
