import Testing

/// One stream of a server's, and what it has to come to.
struct WebSocketCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let stream: [UInt8]
    let seen: [Seen]
    var limit = 1 << 20

    init(_ name: String, _ stream: [[UInt8]], _ seen: [Seen], limit: Int = 1 << 20) {
        (testDescription, self.stream, self.seen, self.limit) = (
            name, Array(stream.joined()), seen, limit
        )
    }

    private static func run(_ byte: UInt8, _ count: Int) -> [UInt8] {
        [UInt8](repeating: byte, count: count)
    }

    private static func rows(_ count: Int, _ row: (Int) -> [UInt8]) -> [UInt8] {
        (0..<count).flatMap { row($0) }
    }

    /// By the categories of the Autobahn test suite for clients.
    static let all: [WebSocketCase] =
        framing + pings + reserved + opcodes + fragments + closes + limits

    // MARK: - 1 Framing

    static let framing =
        [0, 125, 126, 127, 128, 65535, 65536].flatMap { count in
            [
                WebSocketCase(
                    "1.1 text of \(count)", [frame(1, run(0x2A, count))], [.text(run(0x2A, count))]),
                WebSocketCase(
                    "1.2 binary of \(count)", [frame(2, run(0xFE, count))],
                    [.binary(run(0xFE, count))]),
            ]
        } + [
            WebSocketCase(
                "length 125 in two bytes", [frame(2, run(1, 125), lengthBytes: 2)], [.failed(1002)]),
            WebSocketCase(
                "length 65535 in eight", [frame(2, run(1, 65535), lengthBytes: 8)], [.failed(1002)]),
            WebSocketCase("length 0 in eight", [frame(2, [], lengthBytes: 8)], [.failed(1002)]),
            WebSocketCase("masked", [frame(2, [1, 2], isMasked: true)], [.failed(1002)]),
            WebSocketCase("masked, empty", [frame(1, isMasked: true)], [.failed(1002)]),
        ]

    // MARK: - 2 Pings and pongs

    static let pings: [WebSocketCase] = [
        WebSocketCase("2.1 ping without payload", [frame(9)], [.ping([])]),
        WebSocketCase(
            "2.2 ping with payload", [frame(9, Array("Hello".utf8))], [.ping(Array("Hello".utf8))]),
        WebSocketCase(
            "2.3 binary payload", [frame(9, [0, 0xFF, 0xFE])], [.ping([0, 0xFF, 0xFE])]),
        WebSocketCase("2.4 125 bytes", [frame(9, run(0xFE, 125))], [.ping(run(0xFE, 125))]),
        WebSocketCase("2.5 126 bytes", [frame(9, run(0xFE, 126))], [.failed(1002)]),
        WebSocketCase(
            "ping that says eight bytes of length", [frame(9, [], lengthBytes: 8)], [.failed(1002)]),
        WebSocketCase("2.7 unasked pong", [frame(10)], [.pong([])]),
        WebSocketCase(
            "2.9 unasked pong, then ping", [frame(10, [1]), frame(9, [2])],
            [.pong([1]), .ping([2])]),
        WebSocketCase(
            "2.10 ten pings", [rows(10) { frame(9, [UInt8($0)]) }], (0..<10).map { .ping([$0]) }),
    ]

    // MARK: - 3 Reserved bits

    static let reserved =
        (1...7).flatMap { bits in
            [1, 2, 8, 9, 10].map { opcode in
                WebSocketCase(
                    "3 reserved \(bits), opcode \(opcode)",
                    [text("a"), frame(opcode, [], reserved: bits), frame(9)],
                    [.text("a"), .failed(1002)])
            }
        }

    // MARK: - 4 Opcodes

    static let opcodes = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap { opcode in
        [
            WebSocketCase("4 opcode \(opcode)", [frame(opcode)], [.failed(1002)]),
            WebSocketCase(
                "4 opcode \(opcode) after text", [text("a"), frame(opcode, [1]), frame(9)],
                [.text("a"), .failed(1002)]),
            WebSocketCase(
                "4 opcode \(opcode) inside a message",
                [text("a", final: false), frame(opcode), frame(0)], [.failed(1002)]),
        ]
    }

    // MARK: - 5 Fragments

    static let fragments: [WebSocketCase] = [
        WebSocketCase(
            "5.1 fragmented ping", [frame(9, [1], final: false), frame(0, [2])], [.failed(1002)]),
        WebSocketCase(
            "5.2 fragmented pong", [frame(10, [1], final: false), frame(0, [2])], [.failed(1002)]),
        WebSocketCase("7 fragmented close", [frame(8, final: false)], [.failed(1002)]),
        WebSocketCase(
            "5.3 two fragments", [text("ab", final: false), frame(0, [0x63])], [.text("abc")]),
        WebSocketCase(
            "5.6 ping between",
            [text("ab", final: false), frame(9, [7]), frame(0, [0x63]), frame(2, [9])],
            [.ping([7]), .text("abc"), .binary([9])]),
        WebSocketCase("5.9 continuation of nothing", [frame(0, [1]), text("a")], [.failed(1002)]),
        WebSocketCase(
            "5.11 the same, not final", [frame(0, [1], final: false), text("a")], [.failed(1002)]),
        WebSocketCase(
            "5.15 continuation after a whole message",
            [text("a", final: false), frame(0, [0x62]), frame(0, [0x63], final: false), text("d")],
            [.text("ab"), .failed(1002)]),
        WebSocketCase(
            "5.18 text inside text", [text("a", final: false), text("b")], [.failed(1002)]),
        WebSocketCase(
            "5.18 binary inside text", [text("a", final: false), frame(2, [1], final: false)],
            [.failed(1002)]),
        WebSocketCase(
            "5.19 five fragments, pings between",
            [
                text("1", final: false), frame(0, [0x32], final: false), frame(9, [1]),
                frame(0, [0x33], final: false), frame(0, [0x34], final: false), frame(9, [2]),
                frame(0, [0x35]),
            ],
            [.ping([1]), .ping([2]), .text("12345")]),
        WebSocketCase(
            "empty fragments", [frame(2, final: false), frame(0, final: false), frame(0)],
            [.binary([])]),
        WebSocketCase(
            "empty first fragment", [frame(2, final: false), frame(10), frame(0, [5])],
            [.pong([]), .binary([5])]),
        WebSocketCase(
            "close between fragments", [text("a", final: false), closing(1000), frame(0, [0x62])],
            [.close(1000, [])]),
        WebSocketCase(
            "two fragmented messages, the first binary and no UTF-8",
            [
                frame(2, [0xFF], final: false), frame(0, [0xFE]), text("ä", final: false),
                text("", final: true),
            ],
            [.binary([0xFF, 0xFE]), .failed(1002)]),
    ]

    // MARK: - 7 Close

    static let closes =
        [
            WebSocketCase(
                "7.1.1 text, then close", [text("a"), closing(1000)],
                [.text("a"), .close(1000, [])]),
            WebSocketCase("7.1.2 two closes", [closing(1000), closing(1001)], [.close(1000, [])]),
            WebSocketCase("7.1.3 ping after close", [closing(1000), frame(9)], [.close(1000, [])]),
            WebSocketCase(
                "7.1.4 text after close", [closing(1000), text("b")], [.close(1000, [])]),
            WebSocketCase(
                "7.1.6 garbage after close", [closing(1000), run(0xFF, 5000)], [.close(1000, [])]),
            WebSocketCase("7.3.1 no code", [frame(8)], [.close(1005, [])]),
            WebSocketCase("7.3.2 a code of one byte", [frame(8, [3])], [.failed(1002)]),
            WebSocketCase(
                "7.3.4 reason", [closing(1000, Array("Hello".utf8))],
                [.close(1000, Array("Hello".utf8))]),
            WebSocketCase(
                "7.3.5 123 bytes of reason", [closing(1000, run(0x2A, 123))],
                [.close(1000, run(0x2A, 123))]),
            WebSocketCase(
                "7.3.6 124 bytes of reason", [closing(1000, run(0x2A, 124))], [.failed(1002)]),
            WebSocketCase(
                "7.5.1 a reason that is not UTF-8", [closing(1000, [0xCE, 0xED, 0xA0, 0x80])],
                [.failed(1007)]),
            WebSocketCase(
                "7.5 a reason cut inside a character", [closing(1000, [0xE2, 0x82])],
                [.failed(1007)]),
        ]
        + [
            1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999,
            4000, 4999,
        ].map {
            WebSocketCase("7.7 code \($0)", [closing($0)], [.close($0, [])])
        }
        + [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535].map {
            WebSocketCase("7.9 code \($0)", [closing($0)], [.failed(1002)])
        }

    // MARK: - 9 Limits, 10 Miscellaneous

    static let limits: [WebSocketCase] = [
        WebSocketCase(
            "9.1 at the limit", [frame(1, run(0x2A, 5000))], [.text(run(0x2A, 5000))], limit: 5000),
        WebSocketCase("9 over the limit", [frame(2, run(1, 5001))], [.failed(1009)], limit: 5000),
        WebSocketCase(
            "9 over it by the header alone", [frame(2, claiming: 5001)], [.failed(1009)],
            limit: 5000),
        WebSocketCase(
            "a length of 2^63 - 1", [frame(2, claiming: UInt64(Int64.max))], [.failed(1002)]),
        WebSocketCase("a length of 2^64 - 1", [frame(2, claiming: .max)], [.failed(1002)]),
        WebSocketCase("a length of 2^62 - 1", [frame(2, claiming: 1 << 62 - 1)], [.failed(1009)]),
        WebSocketCase(
            "9.3 fragments at the limit",
            [
                frame(2, run(1, 10), final: false),
                rows(9) { frame(0, run(1, 10), final: $0 == 8) },
            ],
            [.binary(run(1, 100))], limit: 100),
        WebSocketCase(
            "9.3 fragments over it", [frame(2, run(1, 100), final: false), frame(0, claiming: 1)],
            [.failed(1009)], limit: 100),
        WebSocketCase(
            "no bytes allowed", [frame(2), frame(2, [1])], [.binary([]), .failed(1009)], limit: 0),
        WebSocketCase(
            "10.1 65536 bytes in fragments of 1300",
            [
                rows(51) { number in
                    frame(
                        number == 0 ? 1 : 0, run(0x2A, number == 50 ? 536 : 1300),
                        final: number == 50)
                }
            ], [.text(run(0x2A, 65536))]),
    ]
}

struct WebSocketCaseTests {
    @Test(arguments: WebSocketCase.all, Cut.allCases)
    func `a stream comes to the same however it is cut`(_ one: WebSocketCase, _ cut: Cut) {
        let fed = feed(cut.pieces(of: one.stream), limit: one.limit)
        #expect(fed.seen == one.seen)
        // Every ping is answered with its payload; a close with its code, an error with its own.
        let answers: [Seen] = one.seen.compactMap { seen in
            switch seen {
            case .ping(let payload): .pong(payload)
            case .close(let code, _): .close(code, [])
            case .failed(let code): .close(code, [])
            default: nil
            }
        }
        #expect(fed.sent == answers)
    }

    @Test func `a frame too long fails with its header, not with its bytes`() {
        for (stream, length) in [
            (frame(2, [UInt8](repeating: 1, count: 200)), 4),
            (frame(9, [UInt8](repeating: 1, count: 126)), 2),
            (frame(2, claiming: 1 << 40), 10),
        ] {
            let fed = feed(Cut.bytes.pieces(of: stream), limit: 100)
            #expect(fed.failedAt == length)
            #expect(fed.reserved < 512 << 10)
        }
    }
}
