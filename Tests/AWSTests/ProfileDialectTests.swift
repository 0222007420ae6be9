import Foundation
import TestSupport
import Testing

@testable import AWS

/// The shared files as people and programs write them.
struct ProfileDialectTests {
    private func environment(
        _ place: TemporaryDirectory, credentials: [UInt8] = [], config: [UInt8] = []
    ) throws -> AWS.Environment {
        try Data(credentials).write(to: URL(fileURLWithPath: place.path("credentials")))
        try Data(config).write(to: URL(fileURLWithPath: place.path("config")))
        let values = [
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "eu-west-1",
            "AWS_CONFIG_FILE": place.path("config"),
            "AWS_SHARED_CREDENTIALS_FILE": place.path("credentials"),
        ]
        return AWS.Environment { values[$0] }
    }

    private func find(_ environment: AWS.Environment) throws(AWSError) -> Credentials {
        try CredentialChain(environment: environment, region: nil, endpoint: nil).find()
    }

    struct Dialect: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let text: String
    }

    static let dialects = [
        Dialect(
            testDescription: "indented keys",
            text: "[default]\n  aws_access_key_id = KEY\n  aws_secret_access_key = hush\n"),
        Dialect(
            testDescription: "tabs, and the section indented as well",
            text: " [default]\n\taws_access_key_id=KEY\n\t\taws_secret_access_key=hush\n"),
        Dialect(
            testDescription: "the second key indented further",
            text: "[default]\naws_access_key_id = KEY\n    aws_secret_access_key = hush\n"),
        Dialect(
            testDescription: "colons",
            text: "[default]\naws_access_key_id: KEY\naws_secret_access_key : hush\n"),
        Dialect(
            testDescription: "a byte order mark",
            text: "\u{FEFF}[default]\naws_access_key_id = KEY\naws_secret_access_key = hush\n"),
        Dialect(
            testDescription: "CRLF",
            text: "[default]\r\naws_access_key_id = KEY\r\n\r\naws_secret_access_key = hush\r\n"),
        Dialect(
            testDescription: "capitals and no spaces",
            text: "[default]\nAWS_ACCESS_KEY_ID=KEY\nAws_Secret_Access_Key=hush"),
        Dialect(
            testDescription: "comments, indented and after a section",
            text: """
                # made by hand
                [default] ; mine
                  # indented
                aws_access_key_id = KEY # trailing
                aws_secret_access_key = hush
                """),
        Dialect(
            testDescription: "a nested setting between the keys",
            text: """
                [default]
                  aws_access_key_id = KEY
                  s3 =
                    addressing_style: path
                  aws_secret_access_key = hush
                """),
    ]

    @Test(arguments: dialects, [false, true])
    func `each dialect that AWS's tools take is read, in both files`(
        _ dialect: Dialect, _ isConfig: Bool
    ) throws {
        let place = try TemporaryDirectory()
        let bytes = Array(dialect.text.utf8)
        let found = try find(
            environment(
                place, credentials: isConfig ? [] : bytes, config: isConfig ? bytes : []))
        #expect(found.accessKeyID == "KEY" && found.secretAccessKey == "hush")
    }

    @Test(
        arguments: [
            ("aws_access_key_id = HUSH\n", 1, "before the first section"),
            ("[default]\naws_access_key_id HUSH\n", 2, "neither a section nor NAME = VALUE"),
            ("[default]\n\n= HUSH\n", 3, "neither a section nor NAME = VALUE"),
            ("# x\r\n[default\r\n", 2, "without its closing bracket"),
            ("[default]\ns3 =\n  HUSH\n", 3, "neither a section"),
        ] as [(String, Int, String)], [false, true])
    func `a line that is none is told by file and line, and not repeated`(
        _ sample: (String, Int, String), _ isConfig: Bool
    ) throws {
        let place = try TemporaryDirectory()
        let bytes = Array(sample.0.utf8)
        let environment = try environment(
            place, credentials: isConfig ? [] : bytes, config: isConfig ? bytes : [])
        do throws(AWSError) {
            _ = try find(environment)
            Issue.record("no error")
        } catch {
            let path = place.path(isConfig ? "config" : "credentials")
            #expect(error.description.contains("\(path):\(sample.1): "), "\(error)")
            #expect(error.description.contains(sample.2), "\(error)")
            #expect(error.category == .configuration && !error.description.contains("HUSH"))
        }
    }

    @Test func `UTF-16 is told from text`() throws {
        let place = try TemporaryDirectory()
        let bytes = Array("[default]\n".utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] })
        let environment = try environment(place, credentials: [0xFF, 0xFE] + bytes)
        do throws(AWSError) {
            _ = try find(environment)
            Issue.record("no error")
        } catch { #expect(error.description.contains("credentials:1: the file is not UTF-8")) }
    }

    @Test func `errors about a setting name its file and line`() throws {
        for (text, line, words) in [
            ("[default]\n\naws_access_key_id = x\n", 3, "without the other"),
            ("[default]\nrole_arn = r\n", 2, "without source_profile"),
            ("[default]\nsso_session = x\n", 2, "interactive sign-in"),
            ("[default]\ncredential_process = false\n", 2, "ended with status 1"),
        ] {
            let place = try TemporaryDirectory()
            let environment = try environment(place, config: Array(text.utf8))
            do throws(AWSError) {
                _ = try find(environment)
                Issue.record("no error for \(text)")
            } catch {
                #expect(
                    error.description.contains("\(place.path("config")):\(line)")
                        && error.description.contains(words), "\(error)")
            }
        }
    }

    @Test func `where nothing was found, the files that were read are named`() throws {
        let place = try TemporaryDirectory()
        let environment = try environment(place)
        do throws(AWSError) {
            _ = try find(environment)
            Issue.record("no error")
        } catch {
            #expect(error.description.contains(place.path("credentials")), "\(error)")
            #expect(error.description.contains("profile default"), "\(error)")
        }
    }
}
