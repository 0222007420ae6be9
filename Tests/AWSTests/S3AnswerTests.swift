import Posix
import TestSupport
import Testing
import Transport

@testable import AWS

/// Good answers that S3 does not give to a write: a proxy's, or an error in a 200.
struct S3AnswerTests {
    private static func error(_ code: String) -> String {
        "<?xml version=\"1.0\"?><Error><Code>\(code)</Code><Message>x</Message></Error>"
    }

    /// Puts a file with the scripted answers; a long one goes in parts.
    private func put(
        _ content: [UInt8], _ answers: [FaultServer.Answer]
    ) throws -> (Result<PutOutcome, AWSError>, [String]) {
        let server = FaultServer(answers)
        defer { server.stop() }
        var configuration = S3Configuration(region: "us-east-1", endpoint: server.url)
        configuration.partLength = 5 << 20
        configuration.multipartThreshold = 5 << 20
        configuration.parallelParts = 1
        configuration.policy.transient = Backoff(base: 0.001, cap: 0.001)
        configuration.policy.throttled = Backoff(base: 0.001, cap: 0.001)
        var client = try S3Client(
            configuration,
            credentials: CredentialsProvider(Credentials(accessKeyID: "A", secretAccessKey: "S")))
        let file = try ScratchFile(content)
        let result: Result<PutOutcome, AWSError>
        do throws(AWSError) {
            result = .success(
                try client.put(ObjectUpload(path: file.path, bucket: "bucket", key: "k")))
        } catch { result = .failure(error) }
        return (result, server.requests.map(\.method))
    }

    @Test(arguments: [
        (FaultServer.Answer.respond(204), FaultServer.Answer.respond(404), false),
        (.respond(202), .respond(404), false),
        (.respond(204), .respond(200, body: "hell"), false),
        (.respond(204), .respond(200, body: "hello"), true),
        // A writer may have no right to look.
        (.respond(204), .respond(403), true),
        (.respond(200, body: error("SlowDown")), .respond(200), true),
        (.respond(200, body: " \n" + error("InternalError")), .respond(200), true),
    ])
    func `an object counts as stored when S3 says so, or it is there`(
        answer: FaultServer.Answer, next: FaultServer.Answer, isStored: Bool
    ) throws {
        let (result, requests) = try put(Array("hello".utf8), [answer, next])
        #expect(requests.count == 2)
        switch result {
        case .success(let outcome): #expect(isStored && outcome == .created)
        case .failure(let error):
            #expect(!isStored && error.category == .unavailable, "\(error)")
            #expect("\(error)".contains("is not there; does a proxy"), "\(error)")
        }
    }

    @Test(arguments: ["", "  \n "])
    func `parts count as joined when S3 says so, or the object is there`(body: String) throws {
        let content = [UInt8](repeating: 7, count: 5 << 20 | 1)
        let part = FaultServer.Answer.respond(200, headers: [("ETag", "\"e\"")])
        let start = [
            FaultServer.Answer.respond(200, body: "<R><UploadId>u</UploadId></R>"), part, part,
            .respond(200, body: body),
        ]
        let lost = try put(content, start + [.respond(404), .respond(204)])
        #expect(throws: AWSError.self) { try lost.0.get() }
        #expect(lost.1 == ["POST", "PUT", "PUT", "POST", "HEAD", "DELETE"])
        let there = FaultServer.Answer.respond(
            200, body: String(decoding: content, as: UTF8.self))
        let kept = try put(content, start + [there])
        #expect(try kept.0.get() == .created)
        #expect(kept.1 == ["POST", "PUT", "PUT", "POST", "HEAD"])
    }
}
