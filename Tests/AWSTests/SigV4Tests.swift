import Foundation
import Testing

@testable import AWS

/// Folders that are no part of the package.
enum Shared {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The folder `shared` beside the package, or nil.
    static let folder: URL? = {
        let path = ProcessInfo.processInfo.environment["BITCOIN_INGESTOR_SHARED"]
        let url =
            path.map { URL(fileURLWithPath: $0) }
            ?? root.deletingLastPathComponent().appendingPathComponent("shared")
        return FileManager.default.fileExists(atPath: url.path) ? url : nil
    }()

    static func lines(_ name: String) throws -> [[String: Any]] {
        guard let url = folder?.appendingPathComponent("data/sigv4/\(name)") else { return [] }
        return try String(contentsOf: url, encoding: .utf8).split(separator: "\n").compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
    }

    static func query(_ text: some StringProtocol) -> [(String, String)] {
        text.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            func decoded(_ text: some StringProtocol) -> String {
                String(text).removingPercentEncoding ?? ""
            }
            return (decoded(parts[0]), parts.count > 1 ? decoded(parts[1]) : "")
        }
    }
}

struct SigV4Tests {
    /// Made with botocore 1.43 (`S3SigV4Auth`), for AWS's documented example keys.
    @Test func `a conditional put with a session token is signed as botocore does`() {
        let credentials = Credentials(
            accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            sessionToken: "TOKEN")
        let signature = SigV4(
            SigV4.Request(
                method: "PUT", path: "/bucket/a%3D1/b%20c",
                query: [("partNumber", "2"), ("uploadId", "x/y=")],
                headers: [
                    ("host", "127.0.0.1:5000"), ("If-None-Match", "*"),
                    ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
                    ("x-amz-date", "20261124T120000Z"), ("x-amz-meta-note", " two   spaces "),
                    ("x-amz-security-token", "TOKEN"),
                ], payloadHash: "UNSIGNED-PAYLOAD"),
            credentials: credentials, region: "eu-central-1", service: "s3",
            timestamp: "20261124T120000Z", pathRule: .asSent)
        #expect(
            signature.signature
                == "1e79d20e3df30493379f0040afc9b0c1db2083a2545eb1a718d34f5d96b17279")
    }

    @Test(.enabled(if: Shared.folder != nil, "the published vectors are not there"))
    func `the published suite is reproduced step by step, in headers and in the query`() throws {
        let cases = try Shared.lines("cases.jsonl").map { try SigningCase($0) }
        #expect(cases.count == 38)
        for test in cases {
            for form in SigningCase.Form.allCases {
                let expected = try #require(test.expected[form])
                let signature = test.sign(form)
                let name = "\(test.name), \(form)"
                #expect(signature.canonicalRequest == expected["canonical_request"], "\(name)")
                #expect(signature.stringToSign == expected["string_to_sign"], "\(name)")
                #expect(signature.signature == expected["signature"], "\(name)")
                // The order in which a signer adds its headers and parameters is its own.
                #expect(
                    SigningCase.parts(test.signedRequest(form, signature))
                        == SigningCase.parts(expected["signed_request"] ?? ""), "\(name)")
            }
        }
    }

    @Test(.enabled(if: Shared.folder != nil, "the published vectors are not there"))
    func `S3's own examples are reproduced`() throws {
        for test in try Shared.lines("s3-extra.jsonl") {
            // The streaming example signs its chunks, which nothing here sends; its first
            // signature is a plain one.
            guard test["signature"] != nil else {
                try self.seed(test)
                continue
            }
            func text(_ name: String) throws -> String { try #require(test[name] as? String) }
            let headers = try #require(test["headers"] as? [[String]])
            let signature = SigV4(
                SigV4.Request(
                    method: try text("method"), path: try text("path"),
                    query: Shared.query(try text("query")), headers: headers.map { ($0[0], $0[1]) },
                    payloadHash: try text("payload_hash")),
                credentials: Credentials(
                    accessKeyID: try text("access_key_id"),
                    secretAccessKey: try text("secret_access_key")),
                region: try text("region"), service: try text("service"),
                timestamp: try text("timestamp"), pathRule: .asSent)
            #expect(try signature.canonicalRequest == text("canonical_request"))
            #expect(try signature.stringToSign == text("string_to_sign"))
            #expect(try signature.signature == text("signature"))
        }
    }

    private func seed(_ test: [String: Any]) throws {
        func text(_ name: String) throws -> String { try #require(test[name] as? String) }
        let lines = try text("canonical_request").split(
            separator: "\n", omittingEmptySubsequences: false
        ).map(String.init)
        let headers = lines[3...].prefix { !$0.isEmpty }.map { line -> (String, String) in
            let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
            return (parts[0], parts.count > 1 ? parts[1] : "")
        }
        let signature = SigV4(
            SigV4.Request(
                method: lines[0], path: lines[1], query: Shared.query(lines[2]), headers: headers,
                payloadHash: try #require(lines.last)),
            credentials: Credentials(
                accessKeyID: try text("access_key_id"),
                secretAccessKey: try text("secret_access_key")),
            region: try text("region"), service: try text("service"),
            timestamp: try text("timestamp"), pathRule: .asSent)
        #expect(try signature.canonicalRequest == text("canonical_request"))
        #expect(try signature.stringToSign == text("string_to_sign"))
        #expect(try signature.signature == text("seed_signature"))
    }
}
