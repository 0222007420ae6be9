import Posix
import TestSupport
import Testing

@testable import AWS

/// A source that gives what it is told to.
private final class Source: Sendable {
    private let answers: Locked<[Result<Credentials, AWSError>]>
    private let count = Locked(0)

    init(_ answers: [Result<Credentials, AWSError>]) { self.answers = Locked(answers) }

    var asked: Int { count.withLock { $0 } }

    func find() throws(AWSError) -> Credentials {
        count.withLock { $0 += 1 }
        return try answers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }.get()
    }

    static func key(_ name: String, until end: Int64?) -> Result<Credentials, AWSError> {
        .success(
            Credentials(
                accessKeyID: name, secretAccessKey: "s", sessionToken: nil, expiration: end,
                source: "test", isRenewable: true))
    }

    static let down = Result<Credentials, AWSError>.failure(
        AWSError(.unavailable, service: "", operation: "x", message: "down"))
}

struct CredentialsProviderTests {
    private func provider(_ source: Source) -> CredentialsProvider {
        CredentialsProvider { () throws(AWSError) in try source.find() }
    }

    @Test func `the old ones stay in use beside a renewal, and while it fails`() throws {
        let source = Source([
            Source.key("A", until: 10_000), Source.down, Source.key("B", until: 20_000),
        ])
        let provider = provider(source)
        #expect(try provider.credentials(at: 0).accessKeyID == "A")
        #expect(try provider.credentials(at: 9399).accessKeyID == "A")
        #expect(source.asked == 1, "not before ten minutes to the end")
        #expect(try provider.credentials(at: 9460).accessKeyID == "A")
        #expect(waitUntil { source.asked == 2 }, "\(source.asked) times")
        // Within fifteen seconds of a failure nobody asks again.
        #expect(try provider.credentials(at: 9474).accessKeyID == "A")
        #expect(source.asked == 2)
        #expect(
            try waitUntil { try provider.credentials(at: 9540).accessKeyID == "B" })
        #expect(source.asked == 3 && provider.secondsLeft(at: 19_000) == 1000)
    }

    @Test func `ended ones are waited for, and used when no others come`() throws {
        let source = Source([
            Source.key("A", until: 1000), Source.key("B", until: 2000), Source.down,
        ])
        let provider = provider(source)
        #expect(try provider.credentials(at: 0).accessKeyID == "A")
        #expect(try provider.credentials(at: 1000).accessKeyID == "B")
        #expect(try provider.credentials(at: 2000).accessKeyID == "B")
        let asked = source.asked
        #expect(try provider.credentials(at: 2001).accessKeyID == "B")
        #expect(source.asked == asked, "a failed renewal is not repeated at once")
    }

    @Test func `a source that gives ended ones is believed for a while`() throws {
        let source = Source([Source.key("A", until: 1000)])
        let provider = provider(source)
        #expect(try provider.credentials(at: 5000).accessKeyID == "A")
        #expect(try provider.credentials(at: 5119).accessKeyID == "A")
        #expect(source.asked == 1)
    }

    @Test func `refused ones are renewed at once; without a source that is final`() throws {
        let source = Source([Source.key("A", until: nil), Source.key("B", until: nil), Source.down])
        let provider = provider(source)
        let first = try provider.credentials(at: 0)
        #expect(provider.invalidate(first))
        let second = try provider.credentials(at: 1)
        #expect(second.accessKeyID == "B")
        #expect(provider.invalidate(first), "a late answer about the old ones")
        #expect(try provider.credentials(at: 2) == second && source.asked == 2)
        #expect(provider.invalidate(second))
        do throws(AWSError) {
            _ = try provider.credentials(at: 3)
            Issue.record("no error")
        } catch { #expect(error.category == .unavailable && error.description.contains("refused")) }
        let given = Credentials(accessKeyID: "A", secretAccessKey: "S")
        #expect(!CredentialsProvider(given).invalidate(given))
    }

    // MARK: - Another source

    private func fixed(_ id: String) -> Credentials {
        Credentials(accessKeyID: id, secretAccessKey: "s", source: "test")
    }

    @Test func `another source is asked beside the next request, and its answer is used`() throws {
        let provider = CredentialsProvider(fixed("OLD"))
        #expect(try provider.credentials(at: 100).accessKeyID == "OLD")
        provider.takeOver(CredentialsProvider(fixed("NEW")))
        // Nobody waits for it.
        #expect(try provider.credentials(at: 101).accessKeyID == "OLD")
        #expect(
            waitUntil(30) {
                (try? provider.credentials(at: 102).accessKeyID) == "NEW"
            })
    }

    @Test func `another source that fails leaves the old credentials in use`() throws {
        let provider = CredentialsProvider(fixed("OLD"))
        #expect(try provider.credentials(at: 100).accessKeyID == "OLD")
        let asked = Locked(0)
        provider.takeOver(
            CredentialsProvider(source: { () throws(AWSError) in
                asked.withLock { $0 += 1 }
                throw AWSError(
                    .configuration, service: "", operation: "find credentials", message: "none")
            }))
        _ = try provider.credentials(at: 101)
        #expect(waitUntil(30) { asked.withLock { $0 } > 0 })
        #expect(try provider.credentials(at: 102).accessKeyID == "OLD")
    }
}
