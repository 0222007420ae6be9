import Foundation
import Posix
import TestSupport
import Testing

@testable import Configuration

/// Values of the configuration file and the environment that are nothing, or look like it.
struct SettingsTests {
    private func settings(_ yaml: String, _ environment: [String: String] = [:]) throws -> Settings
    {
        try Settings(sources(yaml, environment))
    }

    @Test(arguments: ["", " ~", " null", " Null", " NULL", " # nothing", " ${UNSET:-}"])
    func `null is not set`(value: String) throws {
        var settings = try settings(
            "aws:\n  region:\(value)\ndedup:\n  window:\(value)\nretry:\(value.contains("$") ? "" : value)\n"
        )
        #expect(try settings.optional(SettingCatalog.region) == nil)
        #expect(try settings.value(SettingCatalog.window) == 65_536)
    }

    @Test(arguments: ["'null'", "\"~\"", "NULLS", "nullable"])
    func `what is quoted, or longer, is text`(value: String) throws {
        var settings = try settings("aws:\n  region: \(value)\n")
        let text = value.filter { $0 != "'" && $0 != "\"" }
        #expect(try settings.optional(SettingCatalog.region) == text)
    }

    @Test(arguments: [
        "health:\n  token: ~\n", "health:\n  token:\n", "health: ~\n", "", "# none\n", "~\n",
    ])
    func `a secret that is null is not set`(yaml: String) throws {
        var settings = try settings(yaml)
        #expect(try settings.optional(SettingCatalog.healthToken) == nil)
    }

    @Test(arguments: [
        ("", ["HEALTH_TOKEN": ""], "HEALTH_TOKEN"),
        ("health:\n  token: ${HEALTH:-}\n", [:], "x.yaml:2"),
        ("health:\n  token: ''\n", [:], "x.yaml:2"),
    ])
    func `an empty secret is an error that names its place`(
        yaml: String, environment: [String: String], place: String
    ) throws {
        var settings = try settings(yaml, environment)
        let failure = #expect(throws: ConfigurationError.self) {
            try settings.optional(SettingCatalog.healthToken)
        }
        #expect(failure?.exitStatus == .configuration)
        #expect(failure?.description.contains(place) == true, "\(failure?.description ?? "")")
        #expect(failure?.description.contains("health.token is empty") == true)
    }

    @Test func `every secret that nothing works without refuses to be empty`() throws {
        for setting in [
            SettingCatalog.healthToken, SettingCatalog.binanceAPIKey, SettingCatalog.accessKeyID,
            SettingCatalog.secretAccessKey,
        ] {
            var settings = try settings("", [setting.variable: ""])
            #expect(throws: ConfigurationError.self, "\(setting.key)") {
                try settings.optional(setting)
            }
        }
    }

    @Test func `a second document is an error with its line`() throws {
        let failure = #expect(throws: ConfigurationError.self) {
            try settings("dedup:\n  window: 5\n---\ndedup:\n  window: 6\n")
        }
        #expect(failure?.description.contains("x.yaml:3") == true, "\(failure?.description ?? "")")
    }

    @Test func `a password in a URL is not explained`() throws {
        var settings = try settings("aws:\n  sts_endpoint: https://u:s3cr3t@host\n")
        _ = try settings.optional(SettingCatalog.stsEndpoint)
        let explained = SettingsExplanation(.s3Put, settings, arguments: [])
        #expect(!explained.text.contains("s3cr3t"))
        #expect(!explained.json.contains("s3cr3t"))
    }

    @Test func `an empty list says that there are none`() throws {
        var settings = try settings("health:\n  expected_stages: []\nbinance:\n  symbols: []\n")
        #expect(try settings.value(SettingCatalog.healthExpected) == [])
        #expect(try settings.value(SettingCatalog.symbols) == [])
        #expect(settings.rows.last?.origin.description == "x.yaml:4")
        settings = try self.settings("dedup:\n  window: []\n")
        #expect(throws: ConfigurationError.self) { try settings.value(SettingCatalog.window) }
    }

    @Test(
        arguments: [
            ("30", 30), ("1.5", 1.5), ("500ms", 0.5), ("2m", 120), ("1e2", 100), ("0x10", nil),
            ("0x1p3", nil), ("inf", nil), ("nan", nil), ("1e400", nil), ("-1s", nil), ("", nil),
            ("s", nil), ("1 s", nil), ("1h30m", nil), ("٣", nil),
        ] as [(String, Double?)])
    func `seconds are a decimal number with a unit`(text: String, seconds: Double?) {
        #expect((try? SettingText.seconds(0...1000)(text)) == seconds)
    }

    @Test(
        arguments: [
            ("3:5", "3:5"), ("03:5", "3:5"), ("3", nil), ("3:", nil), (":5", nil), ("3:5:7", nil),
            ("3:70000", nil), ("-3:5", nil), ("nan", nil), (" 3:5", nil), ("", nil),
        ] as [(String, String?)])
    func `a schema is an id and a version`(text: String, schema: String?) {
        #expect((try? SettingText.schema(text)) == schema)
    }
}
