import Foundation
import Posix
import TestSupport
import Testing

@testable import Configuration

/// Secrets in files: credentials of a unit, and what NAME_FILE names.
struct SecretFilesTests {
    private let place: TemporaryDirectory

    init() throws { place = try TemporaryDirectory() }

    private func file(_ name: String, _ text: String) throws -> String {
        try text.write(toFile: place.path(name), atomically: true, encoding: .utf8)
        return place.path(name)
    }

    private func key(
        _ environment: [String: String], yaml: String = ""
    ) throws -> (String?, String) {
        let path = try yaml.isEmpty ? nil : file("x.yaml", yaml)
        var settings = try Settings(path: path, environment: environment)
        let value = try settings.optional(SettingCatalog.binanceAPIKey)
        return (value, SettingsExplanation(.sbeTap, settings, arguments: []).text)
    }

    @Test(arguments: ["secret", "secret\n", "  secret\r\n", "\nsecret\n\n"])
    func `the credential of a unit is its variable`(text: String) throws {
        _ = try file("binance-api-key", text)
        let (value, explanation) = try key(["CREDENTIALS_DIRECTORY": place.path])
        #expect(value == "secret")
        #expect(explanation.contains(place.path("binance-api-key")))
        #expect(!explanation.contains("secret\n"))
    }

    /// Also within the configuration file, where an earlier service had it.
    @Test(arguments: ["", "binance:\n  api_key: ${BINANCE_API_KEY}\n"])
    func `NAME_FILE names the file of a secret`(yaml: String) throws {
        let path = try file("key", "from a file\n")
        #expect(try key(["BINANCE_API_KEY_FILE": path], yaml: yaml).0 == "from a file")
        #expect(try key(["BINANCE__API_KEY_FILE": path]).0 == "from a file")
    }

    @Test func `a variable that is set wins over files, and files over the configuration`() throws {
        let path = try file("binance-api-key", "from a file")
        let directory = ["CREDENTIALS_DIRECTORY": place.path]
        let both = directory.merging(["BINANCE_API_KEY": "set"]) { $1 }
        #expect(try key(both).0 == "set")
        #expect(try key(["BINANCE_API_KEY_FILE": path, "BINANCE_API_KEY": "set"]).0 == "set")
        #expect(try key(directory, yaml: "binance:\n  api_key: written\n").0 == "from a file")
    }

    @Test func `without files nothing is set`() throws {
        #expect(try key(["CREDENTIALS_DIRECTORY": place.path]).0 == nil)
        #expect(try key(["CREDENTIALS_DIRECTORY": place.path("absent")]).0 == nil)
        #expect(try key(["BINANCE_API_KEY_FILE": ""]).0 == nil)
    }

    /// A check that a file was to turn on must not be off in silence.
    @Test(arguments: ["", "\n", " \t\r\n"])
    func `a file that is named and empty, or absent, is refused by name`(text: String) throws {
        let path = try file("key", text)
        let empty = #expect(throws: ConfigurationError.self) {
            try key(["BINANCE_API_KEY_FILE": path])
        }
        #expect(empty?.description.contains("BINANCE_API_KEY is empty") == true)
        let absent = #expect(throws: ConfigurationError.self) {
            try key(["BINANCE_API_KEY_FILE": place.path("absent")])
        }
        #expect(absent?.description.contains("BINANCE_API_KEY") == true)
        #expect(absent?.description.contains(place.path("absent")) == true)
        #expect(absent?.exitStatus == .configuration)
    }

    /// What is no secret does not come from files: STATE_DIRECTORY_FILE is no variable of ours.
    @Test func `only secrets come from files`() throws {
        _ = try file("aws-region", "eu-central-1")
        var settings = try Settings(
            path: nil, environment: ["CREDENTIALS_DIRECTORY": place.path])
        #expect(try settings.optional(SettingCatalog.region) == nil)
    }

    @Test(arguments: [
        ("/a", "/a/sbe-tap"), ("/a:/b", "/a/sbe-tap"), ("/a/:/b/", "/a/sbe-tap"), ("", nil),
        (":", nil), (":/b", "/b/sbe-tap"),
    ])
    func `a tool's state is below the first directory of its unit`(
        list: String, expected: String?
    ) throws {
        let environment = ["STATE_DIRECTORY": list]
        #expect(StatePlace.ofUnit(tool: "sbe-tap", environment: environment) == expected)
    }

    /// `$HOME/…` of an empty variable would be a path below the root.
    @Test(
        arguments: [
            ([:], "/var/lib/.local/state"), (["HOME": ""], "/var/lib/.local/state"),
            (["HOME": "/h"], "/h/.local/state"),
            (["HOME": "/h", "XDG_STATE_HOME": ""], "/h/.local/state"),
            (["HOME": "/h", "XDG_STATE_HOME": "relative"], "/h/.local/state"),
            (["HOME": "/h", "XDG_STATE_HOME": "/x"], "/x"),
        ] as [([String: String], String)])
    func `a user's state is below a variable that has a path`(
        environment: [String: String], parent: String
    ) throws {
        #expect(
            StatePlace.ofUser(tool: "dedup", environment: environment)
                == "\(parent)/bitcoin-ingestor/dedup")
    }
}
