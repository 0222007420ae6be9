import Glibc

/// What the entries of an answer have in common, but for their sequence numbers: where all of a call
/// was stored, one entry after another has the same bytes, in whatever order the service writes the
/// members. Comparing those takes a tenth of what reading each member takes, and says as much.
struct UsualEntry {
    /// Before and after the sequence number, in the answer's bytes.
    private let before: Range<Int>
    private let after: Range<Int>

    /// - Parameters:
    ///   - entry: from its opening brace to the closing one, in the answer's bytes.
    ///   - number: its sequence number, inside.
    init(_ entry: Range<Int>, number: Range<Int>) {
        before = entry.lowerBound..<number.lowerBound
        after = number.upperBound..<entry.upperBound
    }

    /// Where the entry that begins at a place ends, if it differs from this one in the digits of its
    /// sequence number only; nil for any other.
    func end(at place: Int, in body: RawSpan) -> Int? {
        unsafe body.withUnsafeBytes { body in
            guard unsafe Self.isSame(before, place, body) else { return nil }
            let start = place + before.count
            var end = start
            while end + 8 <= body.count,
                unsafe Self.areDigits(body.loadUnaligned(fromByteOffset: end, as: UInt64.self))
            {
                end += 8
            }
            while end < body.count, unsafe (0x30...0x39).contains(body[end]) { end += 1 }
            guard end > start, unsafe Self.isSame(after, end, body) else { return nil }
            return end + after.count
        }
    }

    private static func isSame(
        _ range: Range<Int>, _ place: Int, _ body: UnsafeRawBufferPointer
    ) -> Bool {
        guard let base = body.baseAddress, body.count - place >= range.count else {
            return false
        }
        return unsafe memcmp(base + range.lowerBound, base + place, range.count) == 0
    }

    /// Whether each byte is a digit: its upper half is 3, also with 6 added.
    private static func areDigits(_ word: UInt64) -> Bool {
        let upper: UInt64 = 0xF0F0_F0F0_F0F0_F0F0
        let threes: UInt64 = 0x3030_3030_3030_3030
        return word & upper == threes && (word &+ 0x0606_0606_0606_0606) & upper == threes
    }
}
