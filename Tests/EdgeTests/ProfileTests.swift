import Foundation
import TestSupport
import Testing

@testable import AWS

/// The shared files and the environment as people write them, beside botocore.
struct ProfileTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var credentials = ""
        var config = ""
        var profile: String?
        var variables: [String: String] = [:]
        /// The key that is found; nil for an error.
        var key: String? = "AKIDONE"
        /// In the error, or, with `name:` first, what botocore does that is not followed.
        var words = ""
        /// False where botocore reads less than this program.
        var isAsBotocore = true
    }

    private static let pair = "aws_access_key_id = AKIDONE\naws_secret_access_key = hush\n"

    static let cases = [
        Case(testDescription: "plain", credentials: "[default]\n\(pair)"),
        Case(
            testDescription: "a profile of the config file", config: "[profile one]\n\(pair)",
            profile: "one"),
        Case(
            testDescription: "quotes around the name", config: "[profile \"my one\"]\n\(pair)",
            profile: "my one"),
        Case(
            testDescription: "[profile default] before [default]",
            config: "[profile default]\n\(pair)[default]\naws_access_key_id = AKIDTWO\n"
                + "aws_secret_access_key = hush\n", isAsBotocore: false),
        Case(
            testDescription: "the credentials file wins",
            credentials: "[default]\n\(pair)",
            config: "[default]\naws_access_key_id = AKIDTWO\naws_secret_access_key = hush2\n"),
        Case(
            testDescription: "profile in the credentials file",
            credentials: "[profile one]\n\(pair)", profile: "one", key: nil,
            words: "has to be [one]"),
        Case(
            testDescription: "no profile in the config file", config: "[one]\n\(pair)",
            profile: "one", key: nil, words: "has to be [profile one]"),
        Case(
            testDescription: "quotes around values",
            credentials: "[default]\naws_access_key_id = \"AKIDONE\"\n"
                + "aws_secret_access_key = 'hush'\n", isAsBotocore: false),
        Case(
            testDescription: "a key that was pasted with a blank inside",
            credentials: "[default]\naws_access_key_id = AKID ONE\naws_secret_access_key = hush\n",
            key: nil, words: "white space", isAsBotocore: false),
        Case(
            testDescription: "an old name of the token",
            credentials: "[default]\n\(pair)aws_security_token = t\n"),
        Case(
            testDescription: "a process with its arguments on further lines",
            config: "[default]\ncredential_process = /bin/echo\n  '{\"Version\":1,\n"
                + "  \"AccessKeyId\":\"AKIDONE\",\"SecretAccessKey\":\"hush\"}'\n"),
        Case(
            testDescription: "a process with a number sign",
            config: "[default]\ncredential_process = /bin/sh -c 'echo \"{\\\"Version\\\":1,"
                + "\\\"AccessKeyId\\\":\\\"AKIDONE\\\",\\\"SecretAccessKey\\\":\\\"hu #sh\\\"}\"'\n"
        ),
        Case(
            testDescription: "a role's source in the other file",
            credentials: "[base]\n\(pair)",
            config: "[profile one]\nsource_profile = base\n"
                + "role_arn = arn:aws:iam::123456789012:role/x\n", profile: "one",
            key: "ASIAROLE", isAsBotocore: false),
        Case(
            testDescription: "a chain of roles", credentials: "[base]\n\(pair)",
            config: "[profile one]\nsource_profile = two\nrole_arn: arn:aws:iam::1:role/x\n"
                + "[profile two]\nsource_profile = base\nrole_arn : arn:aws:iam::1:role/y\n",
            profile: "one", key: "ASIAROLE", isAsBotocore: false),
        Case(
            testDescription: "roles in a circle",
            config: "[profile one]\nsource_profile = two\nrole_arn = r\n"
                + "[profile two]\nsource_profile = one\nrole_arn = r\n", profile: "one", key: nil,
            words: "has a cycle"),
        Case(
            testDescription: "a role from the environment",
            config: "[profile one]\ncredential_source = Environment\nrole_arn = r\n",
            profile: "one",
            // The variables win over a profile that a variable names, as with AWS's tools.
            variables: ["AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "hush"],
            key: "AKIDENV"),
        Case(
            testDescription: "variables with what shells and files leave around them",
            variables: [
                "AWS_ACCESS_KEY_ID": "\"AKIDONE\"\r\n", "AWS_SECRET_ACCESS_KEY": "\u{FEFF} hush\r",
            ], isAsBotocore: false),
        Case(
            testDescription: "a variable with a line break inside",
            variables: ["AWS_ACCESS_KEY_ID": "AKID\nONE", "AWS_SECRET_ACCESS_KEY": "hush"],
            key: nil, words: "environment: the key id has white space", isAsBotocore: false),
        Case(
            testDescription: "no one has signed in",
            config: "[profile one]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n"
                + "[sso-session s]\nsso_start_url = https://x\nsso_region = eu-west-1\n",
            profile: "one", key: nil, words: "aws sso login --profile one"),
        Case(
            testDescription: "a session that is not there",
            config: "[profile one]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n",
            profile: "one", key: nil, words: "[sso-session s] does not exist"),
    ]

    private static let roleAnswer = """
        <AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId>\
        <SecretAccessKey>hush</SecretAccessKey><SessionToken>t</SessionToken>\
        <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>\
        </AssumeRoleResponse>
        """

    @Test(
        .enabled(if: Python.path != nil, "there is no .venv; run make setup"), arguments: cases)
    func `s3-put signs with what botocore finds, or says where the mistake is`(
        _ sample: Case
    ) throws {
        let scratch = try TemporaryDirectory()
        for (name, text) in [("credentials", sample.credentials), ("config", sample.config)] {
            try Data(text.utf8).write(to: URL(fileURLWithPath: scratch.path(name)))
        }
        let tokens = FaultServer([.respond(200, body: Self.roleAnswer)])
        let store = FaultServer([.respond(200, body: "<R><UploadId>u</UploadId></R>")])
        defer {
            tokens.stop()
            store.stop()
        }
        var environment = [
            "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "~/config",
            "AWS_SHARED_CREDENTIALS_FILE": "~/credentials", "HOME": scratch.path,
            "AWS_ENDPOINT_URL_STS": tokens.url, "AWS_PROFILE": sample.profile ?? "default",
        ].merging(sample.variables) { $1 }
        if sample.profile == nil, sample.variables.isEmpty == false {
            environment["AWS_PROFILE"] = ""
        }
        let outcome = try Program.run(
            "s3-put",
            [
                "--to", "s3://bucket/p", "--endpoint-url", store.url, "--check", "--max-attempts",
                "1", "--state-dir", scratch.path("state"),
            ], environment: environment)
        if let key = sample.key {
            #expect(outcome.status == 0, "\(outcome.errors)")
            let signed = store.requests.first?.headers["authorization"] ?? ""
            #expect(signed.contains("Credential=\(key)/"), "\(signed) \(outcome.errors)")
        } else {
            #expect([77, 78].contains(outcome.status), "\(outcome.status) \(outcome.errors)")
            #expect(outcome.errors.contains(sample.words), "\(outcome.errors)")
            #expect(
                store.requests.isEmpty && !outcome.errors.contains("hush"),
                "\(outcome.status) \(outcome.errors)")
        }
        guard sample.isAsBotocore else { return }
        let theirs = try Program.run(
            try #require(Python.path), [place("botocore_profile.py")], environment: environment)
        #expect((theirs.status == 0) == (sample.key != nil), "\(theirs.errors)")
        if let key = sample.key { #expect(theirs.text.contains("\"\(key)\""), "\(theirs.text)") }
    }

    @Test(
        arguments: [
            (200, 3600, 0, ""), (200, -3600, 77, "aws sso login --profile one"),
            (401, 3600, 77, "run aws sso login"), (403, 3600, 77, "sso_role_name"),
        ] as [(Int, Int, Int32, String)])
    func `a person's sign-in is used while it lasts`(
        status: Int, seconds: Int, code: Int32, words: String
    ) throws {
        let scratch = try TemporaryDirectory()
        let portal = FaultServer([
            status == 200
                ? .respond(
                    200,
                    body: "{\"roleCredentials\":{\"accessKeyId\":\"ASIASSO\",\"secretAccessKey\":"
                        + "\"hush\",\"sessionToken\":\"t\",\"expiration\":4070908800000}}")
                : .respond(
                    status,
                    headers: [
                        (
                            "x-amzn-ErrorType",
                            status == 401 ? "UnauthorizedException:http://x" : "ForbiddenException"
                        )
                    ], body: "{\"message\":\"as told\"}")
        ])
        let store = FaultServer([.respond(200, body: "<R><UploadId>u</UploadId></R>")])
        defer {
            portal.stop()
            store.stop()
        }
        // As the AWS CLI keeps it: the name is the SHA-1 of the session's name.
        let cache = scratch.path(".aws/sso/cache")
        try FileManager.default.createDirectory(atPath: cache, withIntermediateDirectories: true)
        let end = ISO8601DateFormatter().string(
            from: Date().addingTimeInterval(TimeInterval(seconds)))
        try Data(
            "{\"startUrl\":\"https://x\",\"accessToken\":\"bearer-1\",\"expiresAt\":\"\(end)\"}"
                .utf8
        ).write(to: URL(fileURLWithPath: "\(cache)/\(FileNameDigest.text(of: "s")).json"))
        #expect(FileNameDigest.text(of: "abc") == "a9993e364706816aba3e25717850c26c9cd0d89d")
        try Data(
            """
            [profile one]
            sso_session = s
            sso_account_id = 123456789012
            sso_role_name = r x
            [sso-session s]
            sso_start_url = https://x
            sso_region = eu-west-1
            """.utf8
        ).write(to: URL(fileURLWithPath: scratch.path(".aws/config")))
        let outcome = try Program.run(
            "s3-put",
            [
                "--to", "s3://bucket/p", "--endpoint-url", store.url, "--check", "--state-dir",
                scratch.path("state"),
            ],
            environment: [
                "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_REGION": "us-east-1",
                "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "", "AWS_PROFILE": "one",
                "AWS_SHARED_CREDENTIALS_FILE": "", "HOME": scratch.path,
                "AWS_ENDPOINT_URL_SSO": portal.url,
            ])
        #expect(outcome.status == code, "\(outcome.errors)")
        #expect(words.isEmpty || outcome.errors.contains(words), "\(outcome.errors)")
        #expect(
            !outcome.errors.contains("bearer-1") && !outcome.errors.contains("hush"),
            "\(outcome.status) \(outcome.errors)")
        guard code == 0 else { return }
        let request = try #require(portal.requests.first)
        #expect(
            request.target
                == "/federation/credentials?account_id=123456789012&role_name=r%20x")
        #expect(request.headers["x-amz-sso_bearer_token"] == "bearer-1")
        #expect(
            store.requests.first?.headers["authorization"]?.contains("Credential=ASIASSO/") == true)
    }
}
