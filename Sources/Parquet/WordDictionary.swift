import Glibc
import Posix

/// The distinct texts of a column, numbered in the order in which they came first.
struct WordDictionary: ~Copyable {
    /// Bytes beyond which a column has too many different texts for a dictionary to pay.
    private static let mostBytes = 64 << 10

    /// The texts in the PLAIN encoding: a length of four bytes, then the bytes.
    private(set) var plain = Bytes(capacity: 256)
    /// Where each begins in `plain`.
    private var starts: [Int] = []
    /// Open addressing: number of a text plus one, 0 where nothing is.
    private var table = [UInt32](repeating: 0, count: 64)

    var count: Int { starts.count }
    /// True when further texts should be written as they are.
    var isFull: Bool { plain.count > Self.mostBytes }

    mutating func removeAll() {
        plain.removeAll()
        starts.removeAll(keepingCapacity: true)
        for index in table.indices { table[index] = 0 }
    }

    /// True when a number's text is this one.
    func isText(_ number: UInt32, _ text: UnsafeRawBufferPointer) -> Bool {
        let start = starts[Int(number)]
        return plain.span.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress,
                Int((base + start).loadUnaligned(as: UInt32.self)) == text.count
            else { return false }
            guard let other = text.baseAddress else { return true }
            return memcmp(base + start + 4, other, text.count) == 0
        }
    }

    /// The number of a text, which is added if it is new.
    mutating func number(of text: UnsafeRawBufferPointer) -> UInt32 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let mask = table.count - 1
        var place = Int(truncatingIfNeeded: hash ^ hash >> 32) & mask
        while table[place] != 0 {
            if isText(table[place] - 1, text) { return table[place] - 1 }
            place = (place + 1) & mask
        }
        let number = UInt32(starts.count)
        table[place] = number + 1
        starts.append(plain.count)
        plain.append(bits: UInt32(text.count))
        plain.append(text)
        if starts.count * 2 > table.count { rehash() }
        return number
    }

    private mutating func rehash() {
        var larger = [UInt32](repeating: 0, count: table.count * 2)
        let mask = larger.count - 1
        for number in starts.indices {
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            withText(UInt32(number)) { text in
                for byte in text { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            }
            var place = Int(truncatingIfNeeded: hash ^ hash >> 32) & mask
            while larger[place] != 0 { place = (place + 1) & mask }
            larger[place] = UInt32(number) + 1
        }
        table = larger
    }

    /// Appends all texts in the PLAIN encoding, in the order of their numbers.
    func appendTexts(to bytes: inout Bytes) { bytes.append(plain.span) }

    /// Lends a number's text.
    func withText<Result>(_ number: UInt32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let start = starts[Int(number)]
        return plain.span.withUnsafeBytes { bytes in
            let length = Int(bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))
            return body(UnsafeRawBufferPointer(rebasing: bytes[(start + 4)..<(start + 4 + length)]))
        }
    }
}
