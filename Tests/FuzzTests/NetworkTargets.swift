@testable import AWS
import Posix
@testable import Transport

/// WebSocket bytes and answers of AWS.
let networkTargets = [
    FuzzTarget(
        name: "websocket",
        seeds: [
            [0x81, 5] + bytes("hello"), [0x02, 1, 7, 0x89, 0, 0x80, 1, 8], [0x88, 2, 3, 0xE8],
        ]
    ) { input in
        // The first byte cuts the rest in pieces.
        var socket = WebSocket(maximumMessage: 1 << 16)
        let step = max(1, Int(input.first ?? 1))
        var rest = input.dropFirst()
        while !rest.isEmpty {
            let piece = Array(rest.prefix(step))
            rest = rest.dropFirst(piece.count)
            socket.receive(piece.span.bytes)
            do {
                while let event = try socket.next() {
                    if event.payload.byteCount > 1 << 16 { broken("a message over its limit") }
                }
            } catch { return }
        }
    },
    FuzzTarget(
        name: "put-records-reply",
        seeds: [
            bytes(
                """
                {"FailedRecordCount":1,"Records":[{"SequenceNumber":"1","ShardId":"shardId-000000000000"},\
                {"ErrorCode":"ProvisionedThroughputExceededException","ErrorMessage":"slow"}]}
                """)
        ]
    ) { input in
        _ = PutRecordsReply(input, count: 2, shard: "shardId-000000000000")
    },
    FuzzTarget(
        name: "xml",
        seeds: [bytes("<Error><Code>NoSuchBucket</Code><Message>a &amp; b &#65;</Message></Error>")]
    ) { input in
        _ = XMLText.first("Code", in: input)
        _ = XMLText.elements("Upload", in: input)
    },
]
