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
}
