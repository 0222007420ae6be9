import Foundation
import TestSupport
import Testing
import Transport

@testable import AWS

/// Buckets that are elsewhere: in another region, or at another host for a while.
struct RedirectTests {
    private func client(_ url: String?) throws -> S3Client {
        var configuration = S3Configuration(region: "us-east-1", endpoint: url)
        configuration.policy.attempts = 1
        return try S3Client(
            configuration,
            credentials: CredentialsProvider(Credentials(accessKeyID: "A", secretAccessKey: "S")))
    }

    private static func error(_ code: String, _ extra: String = "") -> String {
        "<Error><Code>\(code)</Code><Message>as told</Message>\(extra)</Error>"
    }

    private func put(_ client: inout S3Client) throws -> PutOutcome {
        let scratch = try TemporaryDirectory()
        try Data("hello".utf8).write(to: URL(fileURLWithPath: scratch.path("f")))
        return try client.put(ObjectUpload(path: scratch.path("f"), bucket: "bucket", key: "a/b c"))
    }

    @Test(arguments: [301, 302, 307, 308])
    func `a redirect is followed, signed anew, and remembered`(status: Int) throws {
        let other = FaultServer([.respond(200)])
        let server = FaultServer([
            .respond(
                status, headers: [("Location", "\(other.url)/bucket/a/b%20c?x=1")],
                body: Self.error("TemporaryRedirect"))
        ])
        defer {
            server.stop()
            other.stop()
        }
        var client = try client(server.url)
        #expect(try put(&client) == .created)
        #expect(try put(&client) == .created)
        // The second one went there at once.
        #expect(server.requests.count == 1 && other.requests.count == 2)
        let (first, second) = (server.requests[0], other.requests[0])
        #expect(second.target == "/bucket/a/b%20c" && second.body == Array("hello".utf8))
        #expect(second.headers["host"] == "127.0.0.1:\(other.port)")
        #expect(second.headers["authorization"] != first.headers["authorization"])
    }

    @Test(arguments: [
        "http://evil.example/bucket/k", "http://169.254.169.254/", "//evil.example/", "/bucket/k",
        "ftp://127.0.0.1/", "",
    ])
    func `a redirect to another server is not followed`(location: String) throws {
        let server = FaultServer([
            .respond(307, headers: [("Location", location)], body: Self.error("TemporaryRedirect"))
        ])
        defer { server.stop() }
        var client = try client(server.url)
        do {
            _ = try put(&client)
            Issue.record("no error")
        } catch let error as AWSError { #expect(error.category == .configuration) }
        #expect(server.requests.count == 1)
    }

    @Test func `redirects in a circle end`() throws {
        let ports = FaultServer([.respond(200)])
        ports.stop()
        let first = FaultServer([
            .respond(307, headers: [("Location", "http://localhost:\(ports.port)/")], body: "")
        ])
        defer { first.stop() }
        let answers: [FaultServer.Answer] = [
            .respond(307, headers: [("Location", "http://127.0.0.1:9/")], body: "")
        ]
        let second = FaultServer(answers)
        defer { second.stop() }
        // To itself, over and over.
        var client = try client(first.url)
        #expect(throws: AWSError.self) { try put(&client) }
        var other = try self.client(second.url)
        #expect(throws: AWSError.self) { try put(&other) }
        #expect(first.requests.count <= 4 && second.requests.count <= 4)
    }

    @Test(
        arguments: [
            (301, "PermanentRedirect", [("x-amz-bucket-region", "eu-central-1")], ""),
            (400, "AuthorizationHeaderMalformed", [], "<Region>eu-central-1</Region>"),
            (403, "AccessDenied", [("x-amz-bucket-region", "eu-central-1")], ""),
            (
                400, "IllegalLocationConstraintException",
                [("x-amz-bucket-region", "eu-central-1")], ""
            ),
        ] as [(Int, String, [(String, String)], String)])
    func `the bucket's region is taken from the refusal`(
        status: Int, code: String, headers: [(String, String)], extra: String
    ) throws {
        let server = FaultServer([
            .respond(status, headers: headers, body: Self.error(code, extra)), .respond(200),
        ])
        defer { server.stop() }
        var client = try client(server.url)
        #expect(try put(&client) == .created)
        #expect(
            server.requests.map {
                $0.headers["authorization"]?.contains("/eu-central-1/s3/") == true
            }
                == [false, true])
    }

    @Test func `an upload in parts goes where the bucket is, also when it moves in the middle`()
        throws
    {
        let created = "<R><UploadId>u</UploadId></R>"
        let etag = [("ETag", "\"e\"")]
        let other = FaultServer([
            .respond(200, body: created), .respond(200, headers: etag),
            .respond(200, headers: etag),
            .respond(200, body: "<R><ETag>\"e-1\"</ETag></R>"),
        ])
        let server = FaultServer([
            .respond(200, body: created),
            .respond(
                307, headers: [("Location", other.url + "/")], body: Self.error("TemporaryRedirect")
            ),
            .respond(204),
        ])
        defer {
            server.stop()
            other.stop()
        }
        var configuration = S3Configuration(region: "us-east-1", endpoint: server.url)
        configuration.multipartThreshold = 5 << 20
        configuration.partLength = 5 << 20
        configuration.parallelParts = 1
        configuration.checksum = .md5
        var client = try S3Client(
            configuration,
            credentials: CredentialsProvider(Credentials(accessKeyID: "A", secretAccessKey: "S")))
        let scratch = try TemporaryDirectory()
        try Data(count: 6 << 20).write(to: URL(fileURLWithPath: scratch.path("f")))
        #expect(
            try client.put(ObjectUpload(path: scratch.path("f"), bucket: "bucket", key: "k"))
                == .created)
        #expect(other.requests.filter { $0.method == "PUT" }.count == 2)
    }
}
