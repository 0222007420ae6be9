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
    func `the published suite is reproduced step by step`() throws {
        let cases = try Shared.lines("cases.jsonl")
        #expect(cases.count == 38)
        for test in cases {
            let name = try #require(test["name"] as? String)
            let context = try #require(test["context"] as? [String: Any])
            let keys = try #require(context["credentials"] as? [String: String])
            let expected = try #require(test["header"] as? [String: String])
            let text = try #require(test["request"] as? String)
            let time = try #require(context["timestamp"] as? String)
            let timestamp = time.filter { $0 != "-" && $0 != ":" }
            let ends = text.range(of: "\n\n")
            let head = ends.map { text[..<$0.lowerBound] } ?? text[...]
            let body = ends.map { String(text[$0.upperBound...]) } ?? ""
            var lines = head.split(separator: "\n").map(String.init)
            let line = lines.removeFirst()
            let first = try #require(line.firstIndex(of: " "))
            let last = try #require(line.lastIndex(of: " "))
            let target = line[line.index(after: first)..<last]
            var headers: [(String, String)] = []
            for line in lines {
                if line.first?.isWhitespace == true, let previous = headers.popLast() {
                    headers.append((previous.0, previous.1 + " " + line))
                } else if let colon = line.firstIndex(of: ":") {
                    headers.append(
                        (String(line[..<colon]), String(line[line.index(after: colon)...])))
                }
            }
            headers.append(("X-Amz-Date", timestamp))
            if let token = keys["token"], context["omit_session_token"] as? Bool != true {
                headers.append(("X-Amz-Security-Token", token))
            }
            let hash = Text.hex(SHA256.of(Array(body.utf8)))
            if context["sign_body"] as? Bool == true {
                headers.append(("x-amz-content-sha256", hash))
            }
            let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            let signature = SigV4(
                SigV4.Request(
                    method: String(line[..<first]), path: String(parts[0]),
                    query: parts.count > 1 ? Shared.query(parts[1]) : [], headers: headers,
                    payloadHash: hash),
                credentials: Credentials(
                    accessKeyID: keys["access_key_id"] ?? "",
                    secretAccessKey: keys["secret_access_key"] ?? ""),
                region: try #require(context["region"] as? String),
                service: try #require(context["service"] as? String), timestamp: timestamp,
                pathRule: .encoded(normalising: context["normalize"] as? Bool ?? true))
            #expect(signature.canonicalRequest == expected["canonical_request"], "\(name)")
            #expect(signature.stringToSign == expected["string_to_sign"], "\(name)")
            #expect(signature.signature == expected["signature"], "\(name)")
        }
    }

    @Test(.enabled(if: Shared.folder != nil, "the published vectors are not there"))
    func `S3's own examples are reproduced`() throws {
        for test in try Shared.lines("s3-extra.jsonl") where test["signature"] != nil {
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
            #expect(try signature.signature == text("signature"))
        }
    }
}
