import Encoding
import Foundation
import Posix
import TestSupport
import Testing

@testable import AWS

/// The bytes that go to Kinesis and come back, without a network.
struct KinesisFormTests {
    private static func hex(_ text: String) -> [UInt8] {
        stride(from: 0, to: text.count, by: 2).map { place in
            let start = text.index(text.startIndex, offsetBy: place)
            return UInt8(text[start...].prefix(2), radix: 16) ?? 0
        }
    }

    private static func random(_ count: Int, _ generator: inout SeededRandom) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    // MARK: - Requests

    @Test func `a body holds what was put in, as another JSON reader sees it`() throws {
        var generator = SeededRandom(7)
        let keys = ["BTCUSDT", "币安人生USDT", "quote\"back\\slash\u{1}", "a"]
        let stream = try #require(StreamReference("market-sbe-trade"))
        var memory = Bytes()
        memory.append(utf8: "left over from the call before")
        var body = PutRecordsBody(stream, reusing: memory)
        var expected: [(Data, String, String?)] = []
        var payload = 0
        for length in 0..<200 {
            let bytes = Self.random(length, &generator)
            let key = keys[length % keys.count]
            let hash: UInt128? = length % 3 == 0 ? UInt128.max - UInt128(length) : nil
            body.append(bytes.span.bytes, RecordSuffix(partitionKey: key, explicitHash: hash))
            expected.append((Data(bytes), key, hash.map { "\($0)" }))
            payload += bytes.count + key.utf8.count
        }
        let (count, payloadBytes) = (body.count, body.payloadBytes)
        #expect(count == 200 && payloadBytes == payload)
        let text = body.finish().array
        let parsed = try #require(
            try JSONSerialization.jsonObject(with: Data(text)) as? [String: Any])
        #expect(parsed["StreamName"] as? String == "market-sbe-trade")
        let records = try #require(parsed["Records"] as? [[String: String]])
        #expect(records.count == 200)
        for (record, (bytes, key, hash)) in zip(records, expected) {
            #expect(Data(base64Encoded: record["Data"] ?? "?") == bytes)
            #expect(record["PartitionKey"] == key)
            #expect(record["ExplicitHashKey"] == hash)
        }
    }

    @Test(
        .enabled(if: Python.path != nil, "there is no .venv; run make setup"))
    func `Python's json and base64 read the same`() throws {
        var generator = SeededRandom(11)
        let stream = try #require(StreamReference("s"))
        var body = PutRecordsBody(stream, reusing: Bytes())
        var whole: [UInt8] = []
        for length in 0..<100 {
            let bytes = Self.random(length, &generator)
            whole += bytes
            body.append(bytes.span.bytes, RecordSuffix(partitionKey: "€\"\\\n"))
        }
        let script = """
            import base64, json, sys
            call = json.load(sys.stdin)
            assert list(call) == ["StreamName", "Records"], call
            assert {r["PartitionKey"] for r in call["Records"]} == {'€"\\\\\\n'}, call
            whole = [base64.b64decode(r["Data"], validate=True) for r in call["Records"]]
            sys.stdout.buffer.write(b"".join(whole))
            """
        let python = try #require(Python.path)
        let outcome = try Program.run(python, ["-c", script], input: body.finish().array)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output == whole)
    }

    @Test func `the quick signature is the general one`() {
        for token in [nil, "a-token"] {
            let credentials = Credentials(
                accessKeyID: "AKIDEXAMPLE", secretAccessKey: "secret", sessionToken: token)
            var signer = PostSigner(
                authority: "127.0.0.1:4566", path: "/a b/", region: "eu-west-1",
                service: "kinesis", contentType: "application/x-amz-json-1.1")
            // Over midnight, so that the key is made anew.
            for now in [1_700_006_398, 1_700_006_399, 1_700_006_400] as [Int64] {
                let body = Array("{\"now\":\(now)}".utf8)
                var headers = signer.headers(
                    target: "Kinesis_20131202.PutRecords", body: body.span.bytes,
                    credentials: credentials, now: now)
                let authorization = headers.removeLast()
                let general = SigV4(
                    SigV4.Request(
                        method: "POST", path: "/a b/",
                        headers: headers + [("host", "127.0.0.1:4566")],
                        payloadHash: Hex.text(SHA256.of(body))),
                    credentials: credentials, region: "eu-west-1", service: "kinesis",
                    timestamp: Timestamp.basic(seconds: now), pathRule: .encoded(normalising: false)
                )
                #expect(authorization.1 == general.authorization)
            }
        }
    }

    @Test(arguments: [
        ("trades", "trades"), ("arn:aws:kinesis:us-east-1:123456789012:stream/t.x", "t.x"),
    ])
    func `a stream has a name or an ARN`(_ text: String, _ name: String) {
        #expect(StreamReference(text)?.name == name)
    }

    @Test(arguments: [
        "", "a/b", "..", "ü", "arn:aws:s3:::x", "arn:aws:kinesis:r:1:stream/", "a\"b",
        String(repeating: "x", count: 129),
    ])
    func `what names no stream is refused`(_ text: String) {
        #expect(StreamReference(text) == nil)
    }

    // MARK: - Answers

    @Test func `an answer names the failed entries, whatever the order of members`() throws {
        let body = """
            {"Records":[{"ShardId":"shardId-000000000000","SequenceNumber":"1"},
             {"ErrorMessage":"Rate exceeded for shard \\"x\\"","ErrorCode":
              "ProvisionedThroughputExceededException"},
             {"SequenceNumber":null,"ErrorCode":"InternalFailure","ErrorMessage":"x"},
             {"SequenceNumber":"","ShardId":""},
             {"SequenceNumber":"9","ShardId":"shardId-000000000001","New":[{}]}],
             "FailedRecordCount":3,"EncryptionType":"NONE"}
            """
        let reply = try #require(
            PutRecordsReply(Array(body.utf8), count: 5, shard: "shardId-000000000000"))
        #expect(reply.failures.map(\.index) == [1, 2, 3])
        #expect(
            reply.failures.map(\.code) == [
                "ProvisionedThroughputExceededException", "InternalFailure", "",
            ])
        #expect(reply.failures[0].message == "Rate exceeded for shard \"x\"")
        #expect(reply.hasStrayed)
        #expect(PutRecordsReply(Array(body.utf8), count: 4, shard: "") == nil)
        let bytes = Array(body.utf8)
        for length in 0..<bytes.count {
            #expect(PutRecordsReply(Array(bytes[..<length]), count: 5, shard: "") == nil)
        }
    }

    @Test func `an entry with a sequence number is stored, whatever its error code is`() throws {
        let body = """
            {"FailedRecordCount":1,"Records":[
             {"SequenceNumber":"49","ShardId":"s","ErrorCode":null,"ErrorMessage":null},
             {"SequenceNumber":null,"ShardId":null,"ErrorCode":"InternalFailure"}]}
            """
        let reply = try #require(PutRecordsReply(Array(body.utf8), count: 2, shard: "s"))
        #expect(reply.failures.map(\.index) == [1])
        #expect(!reply.hasStrayed)
        // Fewer or more entries than were sent say nothing of any of them.
        #expect(PutRecordsReply(Array(body.utf8), count: 3, shard: "s") == nil)
        #expect(PutRecordsReply(Array(body.utf8), count: 1, shard: "s") == nil)
    }

    @Test(
        arguments: [
            ("market", "market", nil), ("a.b_c-D", "a.b_c-D", nil), ("", nil, nil),
            ("a/b", nil, nil),
            ("..", nil, nil),
            (
                "arn:aws:kinesis:us-east-1:111111111111:stream/market", "market",
                "aws us-east-1 111111111111"
            ),
            (
                "arn:aws-cn:kinesis:cn-north-1:222222222222:stream/market", "market",
                "aws-cn cn-north-1 222222222222"
            ),
            ("arn:aws:kinesis:us-east-1:1:stream/market", nil, nil),
            ("arn:aws:kinesis:us\"east:111111111111:stream/market", nil, nil),
            ("arn:aws:kinesis::111111111111:stream/market", nil, nil),
            ("arn:aws:s3:us-east-1:111111111111:stream/market", nil, nil),
            ("arn:aws:kinesis:us-east-1:111111111111:stream/", nil, nil),
        ] as [(String, String?, String?)])
    func `a stream is a name or a whole ARN`(_ text: String, _ name: String?, _ place: String?) {
        let stream = StreamReference(text)
        #expect(stream?.name == name)
        #expect(
            stream?.place.map { "\($0.partition) \($0.region) \($0.account)" } == place)
        guard let stream else { return }
        #expect(stream.description == text)
        #expect(StreamReference(directoryName: stream.directoryName) == stream)
        #expect(!stream.directoryName.contains("/"))
    }

    @Test func `pages of shards become a map of the open ones`() throws {
        func shard(_ number: Int, _ start: String, _ end: String, closed: Bool = false) -> String {
            let ending = closed ? ",\"EndingSequenceNumber\":\"7\"" : ""
            return """
                {"ShardId":"shardId-\(number)","ParentShardId":"p","HashKeyRange":
                {"StartingHashKey":"\(start)","EndingHashKey":"\(end)"},
                "SequenceNumberRange":{"StartingSequenceNumber":"1"\(ending)}}
                """
        }
        let half = "170141183460469231731687303715884105727"
        let above = "170141183460469231731687303715884105728"
        let top = "340282366920938463463374607431768211455"
        var listing = ShardListing()
        #expect(
            try listing.add(
                Array("{\"NextToken\":\"t\",\"Shards\":[\(shard(2, above, top))]}".utf8)) == nil)
        #expect(listing.nextToken == "t")
        let second =
            "{\"Shards\":[\(shard(0, "0", top, closed: true)),\(shard(1, "0", half))]}"
        let map = try #require(try listing.add(Array(second.utf8)))
        #expect(map.shards.map(\.id) == ["shardId-1", "shardId-2"])
        #expect(map.index(of: 0) == 0)
        #expect(map.index(of: UInt128(half) ?? 0) == 0)
        #expect(map.index(of: UInt128(above) ?? 0) == 1)
        #expect(map.index(of: .max) == 1)
        for broken in ["", "{}", "{\"Shards\":[{}]}", "{\"Shards\":[]}"] {
            var listing = ShardListing()
            #expect(throws: ShardListing.Broken.self) { try listing.add(Array(broken.utf8)) }
        }
    }

    @Test(arguments: [
        ("BTCUSDT", "228598311225101518626403573345525552013"),
        ("ETHUSDT", "58886934971987764755507134287328834841"),
        ("a", "16955237001963240173058271559858726497"),
    ])
    func `a key's hash is its MD5 as a number`(_ key: String, _ hash: String) {
        #expect(HashKey.of(key) == UInt128(hash))
    }

    // MARK: - Containers

    @Test func `containers are byte for byte those of the public examples`() {
        var record = AggregatedRecord()
        record.reset(explicitHash: nil)
        let hello = Array("hello".utf8)
        let hi = Array("hi".utf8)
        let nothing: [UInt8] = []
        record.append(hello.span.bytes, partitionKey: "BTCUSDT")
        record.append(hi.span.bytes, partitionKey: "ETHUSDT")
        record.append(nothing.span.bytes, partitionKey: "BTCUSDT")
        var output = Bytes()
        let isWritten = record.write(to: &output)
        let lengths = (record.length, output.count)
        #expect(isWritten && lengths.0 == lengths.1)
        let container = output.array
        #expect(
            container
                == Self.hex(
                    "f3899ac20a07425443555344540a07455448555344541a0908001a0568656c6c6f1a0608011a"
                        + "0268691a0408001a00a40cb4261bdbf707e676f5238666688a"))

        record.reset(explicitHash: UInt128(1) << 127)
        record.append(hello.span.bytes, partitionKey: "BTCUSDT")
        record.append(hi.span.bytes, partitionKey: "ETHUSDT")
        output.removeAll()
        let isWrittenToo = record.write(to: &output)
        let lengthsToo = (record.length, output.count)
        #expect(isWrittenToo && lengthsToo.0 == lengthsToo.1)
        let containerToo = output.array
        #expect(
            containerToo
                == Self.hex(
                    "f3899ac20a07425443555344540a074554485553445412273137303134313138333436303436"
                        + "393233313733313638373330333731353838343130353732381a0b080010001a056865"
                        + "6c6c6f1a08080110001a0268697e6811c0978fe26abf330bcba3021632"))
    }

    @Test func `a container's growth is never more than announced`() {
        var generator = SeededRandom(3)
        var record = AggregatedRecord()
        record.reset(explicitHash: .max)
        for number in 0..<500 {
            let data = Self.random(Int.random(in: 0...300, using: &generator), &generator)
            let key = "K\(number % 200)"
            let before = record.length
            record.append(data.span.bytes, partitionKey: key)
            let growth = record.length - before
            #expect(growth <= AggregatedRecord.growth(data: data.count, key: key.utf8.count))
        }
    }
}
