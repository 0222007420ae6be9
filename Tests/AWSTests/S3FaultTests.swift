import Encoding
import Foundation
import Posix
import TestSupport
import Testing
import Transport

@testable import AWS

/// A file that goes with its owner.
final class ScratchFile {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) throws {
        self.bytes = bytes
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

struct S3FaultTests {
    private final class Notes {
        var retries: [String] = []
        var polls = 0
    }

    private static func error(_ code: String, _ extra: String = "") -> String {
        "<?xml version=\"1.0\"?><Error><Code>\(code)</Code><Message>a &lt;b&gt; &#x41;</Message>\(extra)</Error>"
    }

    private func client(
        _ server: FaultServer, _ notes: Notes? = nil, attempts: Int = 5,
        credentials: CredentialsProvider? = nil
    ) throws -> S3Client {
        var configuration = S3Configuration(region: "us-east-1", endpoint: server.url)
        configuration.partLength = 5 << 20
        configuration.multipartThreshold = 5 << 20
        // The server's script has an order.
        configuration.parallelParts = 1
        configuration.policy.attempts = attempts
        configuration.policy.transient = Backoff(base: 0.001, cap: 0.001)
        configuration.policy.throttled = Backoff(base: 0.001, cap: 0.001)
        configuration.policy.onRetry = { notes?.retries.append($0.error.code) }
        return try S3Client(
            configuration,
            credentials: credentials
                ?? CredentialsProvider(Credentials(accessKeyID: "A", secretAccessKey: "S")))
    }

    /// base64 CRC-32C of "hello".
    private let helloChecksum = "mnG7TA=="

    private func hello(_ answers: [FaultServer.Answer]) throws -> (
        PutOutcome, [FaultServer.Request], Notes
    ) {
        let server = FaultServer(answers)
        defer { server.stop() }
        let notes = Notes()
        let file = try ScratchFile(Array("hello".utf8))
        var client = try client(server, notes)
        let outcome = try client.put(
            ObjectUpload(path: file.path, bucket: "bucket", key: "a=1/b c"))
        return (outcome, server.requests, notes)
    }

    @Test func `a put carries condition, checksum, metadata and signature`() throws {
        let (outcome, requests, _) = try hello([.respond(200)])
        #expect(outcome == .created && requests.count == 1)
        let request = requests[0]
        #expect(request.method == "PUT" && request.target == "/bucket/a%3D1/b%20c")
        #expect(request.headers["if-none-match"] == "*")
        #expect(request.headers["x-amz-checksum-crc32c"] == helloChecksum)
        #expect(request.headers["x-amz-meta-content-crc32c"] == helloChecksum)
        #expect(
            request.headers["x-amz-content-sha256"]
                == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
        #expect(request.body == Array("hello".utf8))
    }

    @Test func `failures that pass are tried again`() throws {
        let (outcome, requests, notes) = try hello([
            .respond(503, body: Self.error("SlowDown")), .close,
            .respond(500, body: "garbage"), .respond(409, body: Self.error("OperationAborted")),
            .respond(200),
        ])
        #expect(outcome == .created && requests.count == 5)
        #expect(notes.retries == ["SlowDown", "", "HTTP500", "OperationAborted"])
    }

    @Test(arguments: [
        ("5", "mnG7TA==", PutOutcome.existedSame), ("6", "mnG7TA==", .existedOther),
        ("5", "AAAAAA==", .existedOther),
    ])
    func `an object that is there is compared`(
        _ length: String, _ checksum: String, _ expected: PutOutcome
    ) throws {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\nConnection: close\r\n"
        for header in ["x-amz-checksum-crc32c", "X-Amz-Meta-Content-Crc32c"] {
            let (outcome, requests, _) = try hello([
                .close, .respond(412, body: Self.error("PreconditionFailed")),
                .raw(Array("\(head)\(header): \(checksum)\r\n\r\n".utf8)),
            ])
            #expect(outcome == expected)
            #expect(requests.map(\.method) == ["PUT", "PUT", "HEAD"])
        }
    }

    struct Refusal: Sendable {
        let answer: FaultServer.Answer
        let category: AWSError.Category
        var attempts = 1
    }

    @Test(arguments: [
        Refusal(answer: .respond(403, body: error("AccessDenied")), category: .notPermitted),
        Refusal(
            answer: .respond(403, body: error("SignatureDoesNotMatch")), category: .notPermitted),
        Refusal(
            answer: .respond(403, body: error("RequestTimeTooSkewed")), category: .notPermitted),
        Refusal(answer: .respond(404, body: error("NoSuchBucket")), category: .configuration),
        Refusal(answer: .respond(307, body: error("TemporaryRedirect")), category: .configuration),
        Refusal(answer: .respond(400, body: error("InvalidRequest")), category: .protocolBroken),
        Refusal(answer: .respond(501, body: error("NotImplemented")), category: .protocolBroken),
        Refusal(
            answer: .respond(200, body: String(repeating: "x", count: 2 << 20)),
            category: .protocolBroken),
        Refusal(
            answer: .respond(503, body: error("SlowDown")), category: .unavailable, attempts: 3),
        Refusal(answer: .raw([0, 1, 2]), category: .unavailable, attempts: 3),
    ])
    func `what does not pass ends as a typed error`(_ refusal: Refusal) throws {
        let server = FaultServer([refusal.answer])
        defer { server.stop() }
        let file = try ScratchFile([1])
        var client = try client(server, attempts: 3)
        do throws(AWSError) {
            _ = try client.put(ObjectUpload(path: file.path, bucket: "bucket", key: "k"))
            Issue.record("no error")
        } catch {
            #expect(error.category == refusal.category)
            if error.status == 400 { #expect(error.message == "a <b> A") }
        }
        #expect(server.requests.count == refusal.attempts)
    }

    @Test func `credentials that ended are renewed, and the call goes on`() throws {
        let server = FaultServer([
            .respond(400, body: Self.error("ExpiredToken")), .respond(200),
        ])
        defer { server.stop() }
        let names = Locked(["OLD", "NEW"])
        let provider = CredentialsProvider {
            Credentials(
                accessKeyID: names.withLock { $0.removeFirst() }, secretAccessKey: "s",
                sessionToken: "t", expiration: nil, source: "test", isRenewable: true)
        }
        let file = try ScratchFile([1])
        var client = try client(server, credentials: provider)
        #expect(
            try client.put(ObjectUpload(path: file.path, bucket: "bucket", key: "k")) == .created)
        #expect(
            server.requests.map { $0.headers["authorization"]?.contains("Credential=NEW/") } == [
                false, true,
            ])
    }

    @Test func `an upload that is cut in its body is sent again from its start`() throws {
        let server = FaultServer(
            [.respond(200)], cuts: 1)
        defer { server.stop() }
        let bytes = (0..<(3 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 2) }
        let file = try ScratchFile(bytes)
        var client = try client(server)
        #expect(
            try client.put(ObjectUpload(path: file.path, bucket: "bucket", key: "k")) == .created)
        #expect(server.requests.map(\.body) == [bytes])
    }

    @Test func `a clock that is off is corrected once`() throws {
        let date = ("Date", "Thu, 01 Jan 2060 00:00:00 GMT")
        let (_, requests, _) = try hello([
            .respond(403, headers: [date], body: Self.error("RequestTimeTooSkewed")),
            .respond(200, headers: [date]),
        ])
        #expect(
            requests.map { $0.headers["x-amz-date"]?.hasPrefix("20600101T0000") } == [false, true])
    }

    @Test func `a circuit opens while the service fails, and the quota is spent`() throws {
        let server = FaultServer([.respond(500)])
        defer { server.stop() }
        let file = try ScratchFile([1])
        var client = try client(server, attempts: 5)
        #expect(throws: AWSError.self) {
            try client.put(ObjectUpload(path: file.path, bucket: "bucket", key: "k"))
        }
        #expect(client.circuit == .open)
        #expect(client.retryTokens == 500 - 4 * 14)
    }

    @Test func `a stop ends a call in the air and a pause`() throws {
        for answer in [FaultServer.Answer.stall, .respond(500)] {
            let server = FaultServer([answer])
            defer { server.stop() }
            let notes = Notes()
            var configuration = S3Configuration(region: "r", endpoint: server.url)
            configuration.policy.transient = Backoff(base: 1e6, cap: 1e6)
            configuration.policy.shouldStop = {
                notes.polls += 1
                return !server.requests.isEmpty && notes.polls > 1
            }
            var client = try S3Client(
                configuration,
                credentials: CredentialsProvider(
                    Credentials(accessKeyID: "A", secretAccessKey: "S")))
            do throws(AWSError) {
                _ = try client.head(bucket: "bucket", key: "k")
                Issue.record("no error")
            } catch { #expect(error.category == .stopped) }
        }
    }

    // MARK: - Parts

    private func parts(_ tail: [FaultServer.Answer]) throws -> (
        Result<PutOutcome, AWSError>, [String]
    ) {
        let begun = FaultServer.Answer.respond(
            200,
            body:
                "<InitiateMultipartUploadResult><UploadId>u/1+</UploadId></InitiateMultipartUploadResult>"
        )
        let part = FaultServer.Answer.respond(200, headers: [("ETag", "\"e\"")])
        let server = FaultServer([begun, part, part] + tail)
        defer { server.stop() }
        let file = try ScratchFile([UInt8](repeating: 7, count: 5 << 20 | 1))
        var client = try client(server)
        let result: Result<PutOutcome, AWSError>
        do throws(AWSError) {
            result = .success(
                try client.put(ObjectUpload(path: file.path, bucket: "bucket", key: "k")))
        } catch { result = .failure(error) }
        return (result, server.requests.map { "\($0.method) \($0.target.drop { $0 != "?" })" })
    }

    private static let completed = FaultServer.Answer.respond(
        200,
        body: "<CompleteMultipartUploadResult><ETag>&quot;e-2&quot;</ETag>"
            + "</CompleteMultipartUploadResult>")

    private static let start = [
        "POST ?uploads=", "PUT ?partNumber=1&uploadId=u%2F1%2B",
        "PUT ?partNumber=2&uploadId=u%2F1%2B",
        "POST ?uploadId=u%2F1%2B",
    ]

    @Test func `a long file goes in parts, also when completing says error in a 200`() throws {
        let (result, requests) = try parts([
            .respond(200, body: "\n " + Self.error("InternalError")), Self.completed,
        ])
        #expect(try result.get() == .created)
        #expect(requests == Self.start + ["POST ?uploadId=u%2F1%2B"])
    }

    @Test func `an upload that fails is aborted`() throws {
        let (result, requests) = try parts([
            .respond(403, body: Self.error("AccessDenied")), .respond(204),
        ])
        #expect(throws: AWSError.self) { try result.get() }
        #expect(requests == Self.start + ["DELETE ?uploadId=u%2F1%2B"])
    }

    @Test func `a conflict begins the upload anew`() throws {
        let part = FaultServer.Answer.respond(200, headers: [("ETag", "\"e\"")])
        let (result, requests) = try parts([
            .respond(409, body: Self.error("ConditionalRequestConflict")), .respond(204),
            .respond(200, body: "<UploadId>u/1+</UploadId>"), part, part, Self.completed,
        ])
        #expect(try result.get() == .created)
        #expect(requests == Self.start + ["DELETE ?uploadId=u%2F1%2B"] + Self.start)
    }

    @Test func `an upload whose completion's reply was lost is found by its object`() throws {
        // The checksum of 5 MiB and a byte of sevens.
        let bytes = [UInt8](repeating: 7, count: 5 << 20 | 1)
        let checksum = Base64.text(bigEndian: CRC32C.of(bytes.span.bytes))
        let (result, requests) = try parts([
            .close, .respond(404, body: Self.error("NoSuchUpload")),
            .raw(
                Array(
                    """
                    HTTP/1.1 200 OK\r\nContent-Length: \(bytes.count)\r\nConnection: close\r
                    x-amz-checksum-crc32c: \(checksum)\r
                    x-amz-checksum-type: FULL_OBJECT\r\n\r\n
                    """.utf8)),
        ])
        #expect(try result.get() == .created)
        #expect(requests == Self.start + ["POST ?uploadId=u%2F1%2B", "HEAD "])
    }

    @Test(arguments: ["x@[2001:db8::1]?", "eu.evil.com/", "EU", String(repeating: "a", count: 65)])
    func `a region that is not one is not followed`(_ region: String) throws {
        let server = FaultServer([
            .respond(301, headers: [("x-amz-bucket-region", region)])
        ])
        defer { server.stop() }
        var client = try client(server)
        do throws(AWSError) {
            _ = try client.head(bucket: "bucket", key: "k")
            Issue.record("no error")
        } catch { #expect(error.status == 301, "\(error)") }
        #expect(server.requests.count == 1)
    }

    @Test(
        arguments: [
            ("arn:aws:s3:us-east-1:123456789012:accesspoint/my-ap", "alias"),
            ("b--use1-az4--x-s3", "directory buckets"), ("a/b", "valid bucket name"),
            ("ab", "valid bucket name"), ("bucket", nil),
        ] as [(String, String?)])
    func `a name that is not a bucket's is told what to use instead`(
        _ bucket: String, _ words: String?
    ) {
        let refusal = S3Client.refusal(ofBucket: bucket)
        #expect(words.map { refusal?.contains($0) == true } ?? (refusal == nil), "\(refusal ?? "")")
    }

    @Test func `a store without conditional writes is asked with HEAD first`() throws {
        let file = try ScratchFile(Array("hello".utf8))
        let same = FaultServer.Answer.respond(
            200, headers: [("x-amz-meta-content-crc32c", helloChecksum)], body: "hello")
        let other = FaultServer.Answer.respond(
            200, headers: [("x-amz-meta-content-crc32c", "AAAAAA==")], body: "hello")
        for (answers, outcome, methods) in [
            ([.respond(404), .respond(200)], .created, ["HEAD", "PUT"]),
            ([same], .existedSame, ["HEAD"]), ([other], .existedOther, ["HEAD"]),
        ] as [([FaultServer.Answer], PutOutcome, [String])] {
            let server = FaultServer(answers)
            defer { server.stop() }
            var configuration = S3Configuration(region: "r", endpoint: server.url)
            configuration.conditionalWrites = .head
            var client = try S3Client(
                configuration,
                credentials: CredentialsProvider(
                    Credentials(accessKeyID: "A", secretAccessKey: "S")))
            let found = try client.put(
                ObjectUpload(path: file.path, bucket: "bucket", key: "k"))
            #expect(found == outcome)
            #expect(server.requests.map(\.method) == methods)
            #expect(server.requests.allSatisfy { $0.headers["if-none-match"] == nil })
        }
    }

    @Test func `a bucket in another region is followed there`() throws {
        let (_, requests, _) = try hello([
            .respond(
                400, body: Self.error("AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>")),
            .respond(200),
        ])
        #expect(
            requests.map { $0.headers["authorization"]?.contains("/eu-west-3/s3/") } == [
                false, true,
            ])
    }

    @Test func `an answer without an upload id is a broken protocol`() throws {
        let server = FaultServer([.respond(200, body: "<x><UploadId></UploadId>")])
        defer { server.stop() }
        let file = try ScratchFile([UInt8](repeating: 7, count: 5 << 20 | 1))
        var client = try client(server)
        do throws(AWSError) {
            _ = try client.put(ObjectUpload(path: file.path, bucket: "bucket", key: "k"))
            Issue.record("no error")
        } catch { #expect(error.category == .protocolBroken) }
    }
}
