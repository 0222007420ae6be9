import Foundation
import TestSupport
import Testing

/// What signs requests is in no output, whatever happens.
struct SecretsTests {
    private static let secrets = ["HUSHSECRET", "HUSHTOKEN"]

    /// Ten trades into a sink that cannot deliver them.
    private func outcome(
        _ place: TemporaryDirectory, _ options: [String] = [], environment: [String: String]
    ) throws -> Program.Outcome {
        let simulator = try Simulator(["--newest", "10"])
        let outcomes = try Program.pipeline(
            [
                [
                    "rest-pull", "aggTrades", "--base-url", simulator.url, "--from", "1", "--to",
                    "10",
                ],
                [
                    "s3-put", "--to", "s3://bucket/x", "--endpoint-url", "http://127.0.0.1:1",
                    "--state-dir", place.path("state"), "--stats-dir", place.path("stats"),
                    "--instance", "x", "--max-attempts", "1", "--give-up-after", "0",
                    "--log-level", "debug",
                ] + options,
            ],
            environment: [
                "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_CONFIG_FILE": place.path("aws"),
                "AWS_SHARED_CREDENTIALS_FILE": place.path("none"),
            ].merging(environment) { $1 })
        return try #require(outcomes.last)
    }

    /// Whether a secret stands in any file of the state or the stats.
    private func leaks(_ place: TemporaryDirectory) throws -> [String] {
        var found: [String] = []
        for folder in ["state", "stats"] {
            let root = place.path(folder)
            for name in FileManager.default.enumerator(atPath: root)?.compactMap({ $0 as? String })
                ?? []
            {
                guard let content = FileManager.default.contents(atPath: "\(root)/\(name)") else {
                    continue
                }
                for secret in Self.secrets where content.range(of: Data(secret.utf8)) != nil {
                    found.append(name)
                }
            }
        }
        return found
    }

    private func expectSilence(_ outcome: Program.Outcome, _ place: TemporaryDirectory) throws {
        for secret in Self.secrets {
            #expect(!outcome.errors.contains(secret), "\(outcome.errors)")
            #expect(!outcome.text.contains(secret), "\(outcome.text)")
        }
        #expect(try leaks(place) == [])
    }

    @Test func `a service that is not there is reported with the end of the key id only`() throws {
        let place = try TemporaryDirectory()
        let outcome = try outcome(
            place,
            environment: [
                "AWS_ACCESS_KEY_ID": "AKIDNOTSHOWN1234", "AWS_SECRET_ACCESS_KEY": "HUSHSECRET",
                "AWS_SESSION_TOKEN": "HUSHTOKEN",
            ])
        #expect(outcome.status == 75, "\(outcome.errors)")
        #expect(outcome.errors.contains("key ...1234 from environment"), "\(outcome.errors)")
        #expect(!outcome.errors.contains("AKIDNOTSHOWN"))
        try expectSilence(outcome, place)
    }

    @Test func `what a credential process says is not repeated`() throws {
        let place = try TemporaryDirectory()
        try Data(
            """
            [default]
            credential_process = sh -c 'echo HUSHSECRET; echo HUSHTOKEN >&2; exit 1'
            """.utf8
        ).write(to: URL(fileURLWithPath: place.path("aws")))
        let outcome = try outcome(place, environment: [:])
        #expect(outcome.status == 75, "\(outcome.errors)")
        #expect(outcome.errors.contains("ended with status 1"), "\(outcome.errors)")
        try expectSilence(outcome, place)
    }

    @Test func `secrets of the configuration file are used and not explained`() throws {
        let place = try TemporaryDirectory()
        try Data(
            """
            aws:
              access_key_id: AKIDNOTSHOWN5678
              secret_access_key: HUSHSECRET
              session_token: HUSHTOKEN
            """.utf8
        ).write(to: URL(fileURLWithPath: place.path("config.yaml")))
        let config = ["--config", place.path("config.yaml")]
        let explained = try outcome(place, config + ["--explain-config"], environment: [:])
        #expect(
            explained.status == 0 && explained.text.contains("aws.secret_access_key"),
            "\(explained.status) \(explained.text)")
        try expectSilence(explained, place)
        let used = try outcome(place, config, environment: [:])
        #expect(used.errors.contains("key ...5678 from configuration"), "\(used.errors)")
        try expectSilence(used, place)
    }

    @Test func `a profile that needs interaction, or has a cycle, is a configuration error`() throws
    {
        for (profile, words) in [
            ("sso_session = x", "interactive sign-in"),
            ("role_arn = r\nsource_profile = default", "has a cycle"),
        ] {
            let place = try TemporaryDirectory()
            try Data("[default]\n\(profile)\n".utf8).write(
                to: URL(fileURLWithPath: place.path("aws")))
            let outcome = try outcome(place, environment: [:])
            #expect(outcome.status == 78, "\(outcome.errors)")
            #expect(outcome.errors.contains(words), "\(outcome.errors)")
        }
    }
}
