import Encoding
import Foundation
import Testing

@testable import AWS

/// One case of the official signing test suite: an HTTP request as text, and what signing gives.
struct SigningCase {
    /// Where the signature goes.
    enum Form: String, CaseIterable {
        case header
        case query
    }

    let name: String
    let expected: [Form: [String: String]]
    private let line: String
    private let headerLines: [String]
    private let headers: [(String, String)]
    private let body: String
    private let timestamp: String
    private let credentials: Credentials
    private let region: String
    private let service: String
    private let normalises: Bool
    private let signsBody: Bool
    private let omitsToken: Bool
    private let expires: Int

    init(_ test: [String: Any]) throws {
        name = try #require(test["name"] as? String)
        var expected: [Form: [String: String]] = [:]
        for form in Form.allCases { expected[form] = test[form.rawValue] as? [String: String] }
        self.expected = expected
        let context = try #require(test["context"] as? [String: Any])
        let keys = try #require(context["credentials"] as? [String: String])
        credentials = Credentials(
            accessKeyID: keys["access_key_id"] ?? "",
            secretAccessKey: keys["secret_access_key"] ?? "",
            sessionToken: keys["token"])
        timestamp = try #require(context["timestamp"] as? String).filter { $0 != "-" && $0 != ":" }
        region = try #require(context["region"] as? String)
        service = try #require(context["service"] as? String)
        normalises = context["normalize"] as? Bool ?? true
        signsBody = context["sign_body"] as? Bool == true
        omitsToken = context["omit_session_token"] as? Bool == true
        expires = context["expiration_in_seconds"] as? Int ?? 3600
        let text = try #require(test["request"] as? String)
        let ends = text.range(of: "\n\n")
        let head = ends.map { text[..<$0.lowerBound] } ?? text[...]
        body = ends.map { String(text[$0.upperBound...]) } ?? ""
        var lines = head.split(separator: "\n").map(String.init)
        line = lines.removeFirst()
        headerLines = lines
        var headers: [(String, String)] = []
        for line in lines {
            if line.first?.isWhitespace == true, let previous = headers.popLast() {
                headers.append((previous.0, previous.1 + " " + line))
            } else if let colon = line.firstIndex(of: ":") {
                headers.append((String(line[..<colon]), String(line[line.index(after: colon)...])))
            }
        }
        self.headers = headers
    }

    private var hash: String { Hex.text(SHA256.of(Array(body.utf8))) }
    private var method: String { String(line.prefix { $0 != " " }) }
    private var target: Substring {
        guard let first = line.firstIndex(of: " "), let last = line.lastIndex(of: " ") else {
            return ""
        }
        return line[line.index(after: first)..<last]
    }

    /// What the signer adds before it signs.
    private func added(_ form: Form) -> [(String, String)] {
        var added: [(String, String)] = []
        let token = omitsToken ? nil : credentials.sessionToken
        switch form {
        case .header:
            added.append(("X-Amz-Date", timestamp))
            if let token { added.append(("X-Amz-Security-Token", token)) }
            if signsBody { added.append(("x-amz-content-sha256", hash)) }
        case .query:
            let scope = "\(timestamp.prefix(8))/\(region)/\(service)/aws4_request"
            let names = Set(headers.map { $0.0.lowercased() }).sorted().joined(separator: ";")
            added = [
                ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
                ("X-Amz-Credential", "\(credentials.accessKeyID)/\(scope)"),
                ("X-Amz-Date", timestamp), ("X-Amz-Expires", "\(expires)"),
                ("X-Amz-SignedHeaders", names),
            ]
            if let token { added.append(("X-Amz-Security-Token", token)) }
        }
        return added
    }

    func sign(_ form: Form) -> SigV4 {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let query = parts.count > 1 ? Shared.query(parts[1]) : []
        let added = added(form)
        return SigV4(
            SigV4.Request(
                method: method, path: String(parts[0]),
                query: form == .query ? query + added : query,
                headers: form == .header ? headers + added : headers, payloadHash: hash),
            credentials: credentials, region: region, service: service, timestamp: timestamp,
            pathRule: .encoded(normalising: normalises))
    }

    /// The request with its signature, as text.
    func signedRequest(_ form: Form, _ signature: SigV4) -> String {
        var line = line
        var lines = headerLines
        let late = omitsToken ? credentials.sessionToken : nil
        switch form {
        case .header:
            lines += added(form).map { "\($0.0):\($0.1)" }
            if let late { lines.append("X-Amz-Security-Token:\(late)") }
            lines.append("Authorization:\(signature.authorization)")
        case .query:
            var pairs = added(form)
            if let late { pairs.append(("X-Amz-Security-Token", late)) }
            pairs.append(("X-Amz-Signature", signature.signature))
            let text = pairs.map { "\($0.0)=\($0.1.percentEncoded())" }.joined(separator: "&")
            let mark = target.contains("?") ? "&" : "?"
            line = "\(method) \(target)\(mark)\(text) HTTP/1.1"
        }
        return ([line] + lines).joined(separator: "\n") + "\n\n" + body
    }

    /// A request's parts, without the order of headers and parameters.
    static func parts(_ request: String) -> [String] {
        let ends = request.range(of: "\n\n")
        let head = ends.map { request[..<$0.lowerBound] } ?? request[...]
        let body = ends.map { request[$0.upperBound...].trimmingCharacters(in: .newlines) } ?? ""
        let lines = head.split(separator: "\n").map(String.init)
        let target = lines[0].split { "?& ".contains($0) }.map(String.init)
        return target.sorted() + ["--"] + lines.dropFirst().sorted() + ["--", body]
    }
}
