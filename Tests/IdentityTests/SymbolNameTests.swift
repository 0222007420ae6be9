import Identity
import TestSupport
import Testing

struct SymbolNameTests {
    @Test(arguments: 1...32)
    func `a symbol from bytes is that from text, and has no NUL in it`(length: Int) {
        var random = SeededRandom(UInt64(length))
        for _ in 0..<50 {
            var bytes = (0..<length).map { _ in UInt8.random(in: 1...127, using: &random) }
            let text = String(decoding: bytes, as: UTF8.self)
            let name = SymbolName(bytes.span.bytes)
            #expect(name != nil)
            #expect(name == SymbolName(text))
            #expect(name?.description == text)
            bytes[Int.random(in: 0..<length, using: &random)] = 0
            #expect(SymbolName(bytes.span.bytes) == nil)
        }
    }

    @Test func `bytes over 127 count as they are`() {
        for length in 1...32 {
            let bytes = [UInt8](repeating: 0x80, count: length)
            #expect(SymbolName(bytes.span.bytes)?.bytes == bytes)
        }
    }

    @Test(arguments: [0, 33, 100])
    func `nothing, and what is too long, is not a symbol`(length: Int) {
        #expect(SymbolName([UInt8](repeating: 65, count: length).span.bytes) == nil)
    }
}
