import Encoding
import Posix
import TestSupport
import Testing

/// Base64, hexadecimal, percent-encoding and JSON strings.
struct TextTests {
    @Test func `base64 as in RFC 4648, both ways`() {
        let cases = [
            "": "", "f": "Zg==", "fo": "Zm8=", "foo": "Zm9v", "foob": "Zm9vYg==",
            "fooba": "Zm9vYmE=",
        ]
        for (text, expected) in cases {
            #expect(Base64.text(Array(text.utf8)) == expected)
            #expect(Base64.decode(expected) == Array(text.utf8))
        }
    }

    @Test func `base64 comes back as it was, of any length`() {
        var random = SeededRandom(3)
        for length in 0..<200 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            let text = Base64.text(bytes)
            #expect(Base64.decode(text) == bytes)
            let bare = String(text.prefix { $0 != "=" })
            #expect(Base64.decode(bare, requiringPadding: false) == bytes)
            #expect(Base64.decode(bare) == (bare == text ? bytes : nil))
        }
    }

    @Test(arguments: [
        "Zg=", "Zg", "Z", "Zg===", "Zg==Zg==", "Zm9v!", "Zm9v\n", "====", "=", "Zm=v",
    ])
    func `what is not base64 is refused`(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test func `numbers and bytes in base 16`() {
        #expect(Hex.text([0, 1, 0xAB, 0xFF]) == "0001abff")
        #expect(Hex.text(10 as UInt32, width: 4) == "000a")
        #expect(Hex.text(0x1_2345 as UInt32, width: 4) == "12345")
    }

    @Test(arguments: [
        ("aZ09-._~", "aZ09-._~", "aZ09-%2E_%7E"), ("a/b c", "a%2Fb%20c", "a%2Fb%20c"),
        ("币", "%E5%B8%81", "%E5%B8%81"), ("", "", ""),
    ])
    func `percent-encoding leaves what is named`(text: String, url: String, key: String) {
        #expect(text.percentEncoded() == url)
        #expect(text.percentEncoded(keeping: "-_") == key)
    }

    @Test func `every character survives a JSON string`() throws {
        var text = ""
        for value in 0..<0x300 { text.unicodeScalars.append(UnicodeScalar(value) ?? "?") }
        text += "币安人生🚀\u{2028}"
        let quoted = Array(String(jsonQuoted: text).utf8)
        #expect(quoted.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
        var scanner = JSONScanner(quoted.span.bytes)
        #expect(try scanner.text() == text)
        var bytes = Bytes()
        bytes.append(jsonEscaping: text)
        #expect(Array("\"".utf8) + bytes.array + Array("\"".utf8) == quoted)
    }

    @Test(arguments: [
        #"{"a":"x\"\\","b":[1,{"c":"d"}]}"#, #"[]"#, #"{"n":-1.5e+10,"t":true}"#, #""\u00e9""#,
        #"{"a long name, longer than words":"and a long value, with \" in it"}"#,
    ])
    func `a scanner skips any value whole`(_ text: String) {
        let bytes = Array(text.utf8)
        for length in 0...bytes.count {
            let cut = Array(bytes[..<length])
            var scanner = JSONScanner(cut.span.bytes)
            let isTaken = (try? scanner.skip()) != nil && (try? scanner.end()) != nil
            #expect(isTaken == (length == bytes.count), "\(length)")
        }
    }

    @Test func `strings end at their quote, wherever that is among eight bytes`() throws {
        for length in 0..<40 {
            for stop in ["\"", "\\\"\"", "\u{1}\""] {
                let text =
                    "\"" + String(repeating: "é", count: length / 2)
                    + String(repeating: "x", count: length % 2) + stop + ",\"\"\"\"\"\""
                let bytes = Array(text.utf8)
                var scanner = JSONScanner(bytes.span.bytes)
                let end = try? scanner.string().upperBound
                let content = 1 + length / 2 * 2 + length % 2
                #expect(end == (stop == "\u{1}\"" ? nil : content + (stop.count - 1)), "\(text)")
            }
        }
    }

    @Test func `escapes become characters, and nesting has an end`() throws {
        let text = Array(#""a\u20ac\ud83d\ude00\n\/""#.utf8)
        var scanner = JSONScanner(text.span.bytes)
        #expect(try scanner.text() == "a€😀\n/")
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
        var nested = JSONScanner(deep.span.bytes)
        #expect(throws: JSONScanner.Failure.self) { try nested.skip() }
    }

    @Test func `a foreign text that is not UTF-8 shows where it is not`() throws {
        for (bytes, shown) in [
            (Array("\"a".utf8) + [0xFF] + Array("b\"".utf8), "a\u{FFFD}b"),
            (Array(#""a\ud83dx\q""#.utf8), "a\u{FFFD}xq"),
        ] {
            var lenient = JSONScanner(bytes.span.bytes)
            #expect(try lenient.lenientText() == shown)
            var strict = JSONScanner(bytes.span.bytes)
            #expect(throws: JSONScanner.Failure.self) { try strict.text() }
        }
    }
}
