import AWS
import Testing

@testable import kinesis_put

/// Questions about a stream, without a service.
struct ShardDiscoveryTests {
    private static func summary(_ status: String, _ more: String = "") -> [UInt8] {
        Array("{\"StreamDescriptionSummary\":{\"StreamStatus\":\"\(status)\"\(more)}}".utf8)
    }

    private static let shards = Array(
        """
        {"Shards":[{"ShardId":"a","HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"9"},
        "SequenceNumberRange":{"StartingSequenceNumber":"1"}}]}
        """.utf8)

    private func discovery(creates: Bool = false) -> ShardDiscovery {
        ShardDiscovery(createsStream: creates, refresh: 60, hold: 30)
    }

    @Test(arguments: [
        ("", 1 << 20), (",\"MaxRecordSizeInKiB\":10240", 10 << 20),
        (",\"MaxRecordSizeInKiB\":2048", 2 << 20), (",\"MaxRecordSizeInKiB\":null", 1 << 20),
        (",\"MaxRecordSizeInKiB\":9223372036854775807", 1 << 20),
        (",\"MaxRecordSizeInKiB\":-1", 1 << 20), (",\"MaxRecordSizeInKiB\":\"x\"", 1 << 20),
    ])
    func `a record is as long as the stream says, and 1 MiB while it says nothing`(
        _ member: String, _ bytes: Int
    ) {
        var discovery = discovery()
        #expect(discovery.recordBytes == 1 << 20)
        let first = discovery.ask(at: 0)
        #expect(first == .describe)
        guard case .described = discovery.accept(.success(Self.summary("ACTIVE", member)), at: 0)
        else {
            Issue.record("no description")
            return
        }
        #expect(discovery.recordBytes == bytes && discovery.isFound && !discovery.isOpen)
        let second = discovery.ask(at: 0)
        #expect(second == .list(nextToken: nil))
        _ = discovery.accept(.success(Self.shards), at: 0)
        #expect(discovery.isOpen)
        // From then on only the shards are asked for.
        let third = discovery.ask(at: 60)
        #expect(third == .list(nextToken: nil))
    }

    @Test func `a stream is made, and waited for`() {
        var discovery = discovery(creates: true)
        var asked = [discovery.ask(at: 0)]
        _ = discovery.accept(.failure(.example("ResourceNotFoundException")), at: 0)
        asked.append(discovery.ask(at: 0))
        guard case .created = discovery.accept(.success([]), at: 0) else {
            Issue.record("not made")
            return
        }
        asked.append(discovery.ask(at: 0))
        _ = discovery.accept(.success(Self.summary("CREATING")), at: 0)
        #expect(!discovery.isFound)
        asked.append(discovery.ask(at: 0))
        asked.append(discovery.ask(at: 600_000_000))
        #expect(asked == [.describe, .create, .describe, nil, .describe])
        _ = discovery.accept(.success(Self.summary("ACTIVE")), at: 600_000_000)
        #expect(discovery.isFound)
    }

    @Test(arguments: [
        ("AccessDeniedException", true), ("UnknownOperationException", true),
        ("InvalidArgumentException", true), ("ResourceNotFoundException", false),
        ("UnrecognizedClientException", false), ("ExpiredTokenException", false),
    ])
    func `who may not describe or list may still write; a stream that is missing takes nothing`(
        _ code: String, _ goesOn: Bool
    ) {
        var discovery = discovery()
        _ = discovery.ask(at: 0)
        let effect = discovery.accept(.failure(.example(code)), at: 0)
        let next = discovery.ask(at: 0)
        if goesOn {
            #expect(discovery.isFound && next == .list(nextToken: nil))
        } else {
            guard case .trouble(let error) = effect else {
                Issue.record("no trouble")
                return
            }
            #expect(error.code == code && !discovery.isFound && next == nil)
        }
    }
}
