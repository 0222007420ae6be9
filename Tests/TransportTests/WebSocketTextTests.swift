import TestSupport
import Testing

/// Category 6 of the Autobahn test suite, with the sequences of Markus Kuhn's UTF-8 test file.
struct WebSocketTextTests {
    static let valid: [[UInt8]] =
        ["", "hello$world", "hello\u{A2}world", "hello\u{20AC}world", "hello\u{24B62}world"].map {
            Array($0.utf8)
        }
        + [
            "\u{0}", "\u{80}", "\u{800}", "\u{10000}", "\u{7F}", "\u{7FF}", "\u{FFFF}",
            "\u{D7FF}", "\u{E000}", "\u{FFFD}", "\u{10FFFF}", "\u{FFFE}", "\u{1FFFE}",
            "κόσμε", "Hello-µ@ßöäüàá-UTF-8!!",
        ].map { (text: String) in Array(text.utf8) }

    /// Bytes, and how many of them it takes until no more could make them right; nil when they
    /// only end too early.
    static let invalid: [([UInt8], Int?)] = [
        ([0x80], 1), ([0xBF], 1), ([0xC0], 1), ([0xC1, 0xBF], 1), ([0xF5, 0x80], 1), ([0xFE], 1),
        ([0xFF], 1), ([0xF8, 0x88, 0x80, 0x80, 0x80], 1), ([0xFC, 0x84], 1),
        ([0xE0, 0x80, 0xAF], 2), ([0xE0, 0x9F, 0xBF], 2), ([0xF0, 0x80, 0x80, 0xAF], 2),
        ([0xF0, 0x8F, 0xBF, 0xBF], 2), ([0xED, 0xA0, 0x80], 2), ([0xED, 0xBF, 0xBF], 2),
        ([0xED, 0xAD, 0xBF, 0xED, 0xB0, 0x80], 2), ([0xF4, 0x90, 0x80, 0x80], 2),
        ([0xF4, 0x8F, 0xC0], 3), ([0xC2, 0x20], 2), ([0xE1, 0x80, 0x20], 3),
        ([0xF1, 0x80, 0x80, 0xFF], 4), ([0xF1, 0x80, 0xC2, 0x80], 3),
        ([0xC2], nil), ([0xDF], nil), ([0xE0], nil), ([0xE0, 0xA0], nil), ([0xEF, 0xBF], nil),
        ([0xF0], nil), ([0xF0, 0x90], nil), ([0xF0, 0x90, 0x80], nil), ([0xF4, 0x8F, 0xBF], nil),
    ]
    /// Before and behind a sequence; some of them longer than the check's stride of eight.
    static let surroundings = ["", "a", "1234567", "12345678", "123456789 123456789", "κόσμε"]

    /// A text in one frame, in two, and a byte a frame with a ping before each.
    private func streams(_ text: [UInt8]) -> [[UInt8]] {
        let middle = text.count / 2
        var single = frame(1, [], final: false)
        for byte in text { single += frame(9) + frame(0, [byte], final: false) }
        return [
            frame(1, text),
            frame(1, Array(text[..<middle]), final: false) + frame(0, Array(text[middle...])),
            single + frame(0),
        ]
    }

    @Test(arguments: valid) func `UTF-8 is text, wherever it is cut`(_ sequence: [UInt8]) {
        for around in Self.surroundings {
            let whole = Array(around.utf8) + sequence + Array(around.utf8)
            for stream in streams(whole) {
                for cut in Cut.allCases {
                    let seen = feed(cut.pieces(of: stream)).seen.filter { $0 != .ping([]) }
                    #expect(seen == [.text(whole)])
                }
            }
        }
    }

    @Test(arguments: invalid) func `what is not UTF-8 ends with 1007`(
        _ sequence: [UInt8], _ failing: Int?
    ) {
        for around in Self.surroundings {
            for behind in [[], Array(around.utf8)] {
                for stream in streams(Array(around.utf8) + sequence + behind) {
                    for cut in Cut.allCases {
                        let seen = feed(cut.pieces(of: stream)).seen.filter { $0 != .ping([]) }
                        #expect(seen == [.failed(1007)])
                    }
                }
            }
        }
    }

    @Test(arguments: invalid) func `it ends with the first byte that cannot be right`(
        _ sequence: [UInt8], _ failing: Int?
    ) {
        for around in Self.surroundings {
            let text = Array(around.utf8) + sequence
            let stream = frame(1, text + [0x20])
            let at = 2 + around.utf8.count + (failing ?? sequence.count + 1)
            #expect(feed(Cut.bytes.pieces(of: stream)).failedAt == at)
        }
    }

    @Test func `every character is text and every sequence beside them is not`() {
        // All scalars once; then each two-byte start with each second byte.
        var all: [UInt8] = []
        for value in UInt32(0)...0x10FFFF {
            if let scalar = Unicode.Scalar(value) { all += Array(String(scalar).utf8) }
        }
        #expect(feed(Cut.whole.pieces(of: frame(1, all)), limit: 8 << 20).seen == [.text(all)])
        for first in UInt8(0x80)...0xFF {
            for second in UInt8(0)...0xFF {
                let text = [first, second]
                let isGood = String(validating: text, as: UTF8.self) != nil
                let seen = feed([frame(1, text)[...]]).seen
                #expect(seen == [isGood ? .text(text) : .failed(1007)])
            }
        }
    }
}
