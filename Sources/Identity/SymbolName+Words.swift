/// A symbol of a message by whole words. Byte by byte, through memory, the words are loaded where
/// shorter stores have just been: the processor waits for those to reach the cache, which was half
/// of the time that decoding a bestBidAsk message takes. Inlined for the same reason: what a function
/// returns in memory is loaded again at once.
extension SymbolName {
    /// Takes a symbol as it is in a message, without an allocation.
    ///
    /// - Returns: nil when there are no bytes or over 32, or one of them is NUL.
    @inlinable
    @inline(__always)
    public init?(_ text: RawSpan) {
        let count = text.byteCount
        guard count >= 1, count <= Self.capacity else { return nil }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var hasNUL = false
        if count < 8 {
            words.0 = Self.shortWord(text)
            // The bytes after the text are no part of it, and count as filled.
            hasNUL = Self.hasZeroByte(words.0 | (~0 << UInt64(8 &* count)))
        } else {
            // The last eight bytes, some of which are in the word before, shifted to where they are.
            let last = unsafe text.unsafeLoadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
                .littleEndian
            hasNUL = Self.hasZeroByte(last)
            let rest = last >> UInt64(8 &* (-count & 7))
            func word(_ offset: Int) -> UInt64 {
                let word = unsafe text.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
                    .littleEndian
                hasNUL = hasNUL || Self.hasZeroByte(word)
                return word
            }
            switch (count &- 1) / 8 {
            case 0: words.0 = rest
            case 1: words = (word(0), rest, 0, 0)
            case 2: words = (word(0), word(8), rest, 0)
            default: words = (word(0), word(8), word(16), rest)
            }
        }
        guard !hasNUL else { return nil }
        self.init(words: words)
    }

    /// One to seven bytes as a word, little-endian, by loads that overlap.
    @inlinable
    @inline(__always)
    static func shortWord(_ text: RawSpan) -> UInt64 {
        let count = text.byteCount
        func byte(_ offset: Int) -> UInt64 {
            unsafe UInt64(text.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
                << UInt64(8 &* offset)
        }
        guard count >= 4 else { return byte(0) | byte(count / 2) | byte(count &- 1) }
        let first = unsafe text.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt32.self).littleEndian
        let last = unsafe text.unsafeLoadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
            .littleEndian
        return UInt64(first) | UInt64(last) << UInt64(8 &* (count &- 4))
    }

    /// Whether one of a word's bytes is zero: the usual trick of a borrow that reaches its top bit.
    @inlinable
    @inline(__always)
    static func hasZeroByte(_ word: UInt64) -> Bool {
        (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080 != 0
    }
}
