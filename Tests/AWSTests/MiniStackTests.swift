import Foundation
import TestSupport
import Testing
import Transport

@testable import AWS

/// A second implementation by strangers: it checks clocks and checksums, which moto does not.
@Suite(.enabled(if: MiniStack.python != nil, Comment(rawValue: MiniStack.absence)))
struct MiniStackTests {
    private func client(
        _ server: MiniStack, secret: String? = nil,
        _ change: (inout S3Configuration) -> Void = { _ in }
    ) throws -> S3Client {
        var configuration = S3Configuration(region: "us-east-1", endpoint: server.endpoint)
        configuration.partLength = 5 << 20
        configuration.multipartThreshold = 5 << 20
        change(&configuration)
        return try S3Client(
            configuration,
            credentials: CredentialsProvider(
                Credentials(
                    accessKeyID: server.accessKeyID,
                    secretAccessKey: secret ?? server.secretAccessKey)))
    }

    @Test func `objects are stored, found again, kept and refused as they should be`() throws {
        let server = try MiniStack()
        for checksum in Checksum.allCases {
            var client = try client(server) {
                $0.checksum = checksum
                $0.parallelParts = 3
                $0.storage.encryption = "AES256"
                $0.storage.storageClass = "STANDARD_IA"
            }
            for count in [5, 17 << 20] {
                let key = "k=\(checksum)/a b+é/\(count)"
                let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
                let file = try ScratchFile(bytes)
                var upload = ObjectUpload(path: file.path, bucket: "bronze", key: key)
                #expect(try client.put(upload) == .created)
                #expect(try client.put(upload) == .existedSame)
                let other = try ScratchFile(bytes + [1])
                upload.path = other.path
                #expect(try client.put(upload) == .existedOther)
                #expect(try client.get(bucket: "bronze", key: key, limit: 20 << 20) == bytes)
            }
        }
        var client = try client(server)
        #expect(try client.unfinishedUploads(bucket: "bronze", prefix: "") == [])

        // A clock that is an hour off is refused here, and corrected.
        client.service.rules.clock.offset = 3600
        #expect(try client.head(bucket: "bronze", key: "absent") == nil)
        let file = try ScratchFile([1])
        client.service.rules.clock.offset = -3600
        let skewed = ObjectUpload(path: file.path, bucket: "bronze", key: "skewed")
        #expect(try client.put(skewed) == .created)
        #expect(abs(client.service.rules.clock.offset) < 60)

        var wrong = try self.client(server, secret: "wrong")
        do throws(AWSError) {
            _ = try wrong.put(ObjectUpload(path: file.path, bucket: "bronze", key: "w"))
            Issue.record("no error")
        } catch { #expect(error.category == .notPermitted, "\(error)") }
    }

    @Test func `uploads that were left behind are aborted, those of others are not`() throws {
        let server = try MiniStack()
        var client = try client(server)
        func begin(_ key: String) throws {
            var call = try client.call("CreateMultipartUpload", "POST", "bronze", key)
            call.query = [("uploads", "")]
            call.body = .bytes([])
            _ = try client.send(call, bucket: "bronze", key: key)
        }
        for key in ["p/ours", "p/theirs", "elsewhere"] { try begin(key) }
        let now = Int64(Date().timeIntervalSince1970)
        #expect(
            try client.abortUnfinished(
                bucket: "bronze", prefix: "p/", keys: ["p/ours"], begunBefore: now - 3600,
                isOurs: { _ in true }) == 1)
        #expect(
            try client.unfinishedUploads(bucket: "bronze", prefix: "").map(\.key).sorted()
                == ["elsewhere", "p/theirs"])
        #expect(
            try client.abortUnfinished(
                bucket: "bronze", prefix: "p/", keys: [], begunBefore: now + 3600,
                isOurs: { $0.hasSuffix("theirs") }) == 1)
    }
}
