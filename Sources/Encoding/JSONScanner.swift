/// Reads JSON in place, value by value, without building a tree.
///
/// Numbers stay text until the caller says which exact form it wants, so that no price ever goes
/// through a double. Source: RFC 8259.
public struct JSONScanner: ~Escapable {
    /// What does not fit, and at which byte.
    public struct Failure: Error, Equatable, CustomStringConvertible {
        /// Bytes from the start of the text.
        public let offset: Int
        /// What was expected there.
        public let reason: String

        /// For example `byte 17: expected a number`.
        public var description: String { "byte \(offset): \(reason)" }
    }

    /// Deeper nesting is refused; the venue's own goes to six.
    public static let maximumDepth = 64

    /// The text.
    public let bytes: RawSpan
    /// The next byte to read.
    @inlinable public var position: Int { offset }
    @usableFromInline var offset = 0

    /// Starts at the first byte.
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan) { self.bytes = bytes }

    /// Starts at a byte inside.
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan, from position: Int) {
        self.bytes = bytes
        offset = position
    }

    // MARK: - Structure

    /// The next byte that is not white space, without taking it; nil at the end.
    @inlinable @inline(__always) @_lifetime(self: copy self)
    public mutating func peek() -> UInt8? {
        if offset < bytes.byteCount, self[offset] > 0x20 { return self[offset] }
        while position < bytes.byteCount {
            let byte = self[position]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            offset += 1
        }
        return nil
    }

    /// Takes one byte of structure, such as `[`.
    @inlinable @inline(__always) @_lifetime(self: copy self)
    public mutating func take(_ byte: UInt8) throws(Failure) {
        guard peek() == byte else {
            throw failure("expected `\(Character(UnicodeScalar(byte)))`")
        }
        offset += 1
    }

    /// Takes one byte of structure if it is next.
    @inlinable @inline(__always) @_lifetime(self: copy self)
    public mutating func takes(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        offset += 1
        return true
    }

    /// Moves to the next element of an array or member of an object.
    ///
    /// - Parameters:
    ///   - isFirst: true right after the opening bracket; set to false.
    ///   - close: the closing bracket, taken when it is next.
    /// - Returns: false when the bracket closed.
    @inlinable @inline(__always) @_lifetime(self: copy self)
    public mutating func more(_ isFirst: inout Bool, until close: UInt8) throws(Failure) -> Bool {
        let next = peek()
        if next == close {
            offset += 1
            return false
        }
        if !isFirst {
            guard next == UInt8(ascii: ",") else { throw failure("expected `,`") }
            offset += 1
            if peek() == close { throw failure("a comma with nothing after it") }
        }
        isFirst = false
        return true
    }

    /// Takes a member's key and the colon: the bytes between the quotes.
    @_lifetime(self: copy self)
    public mutating func key() throws(Failure) -> Range<Int> {
        if let quick = letterKey() { return quick }
        let key = try string()
        try take(UInt8(ascii: ":"))
        return key
    }

    /// Requires that only white space is left.
    @_lifetime(self: copy self)
    public mutating func end() throws(Failure) {
        if peek() != nil { throw failure("bytes after the end of the value") }
    }

    // MARK: - Values

    /// Takes a string: the bytes between its quotes, escapes left as they are.
    @_lifetime(self: copy self)
    public mutating func string() throws(Failure) -> Range<Int> { try stringOfBytes().range }

    /// Takes a string: the bytes between its quotes, and whether they are what it says, without an
    /// escape among them.
    @_lifetime(self: copy self)
    public mutating func stringOfBytes() throws(Failure) -> (range: Range<Int>, isPlain: Bool) {
        guard peek() == UInt8(ascii: "\"") else { throw failure("expected a string") }
        offset += 1
        let start = position
        // Eight bytes at a time, as long as none of them is a quote, a backslash or a control.
        while offset + 8 <= bytes.byteCount {
            let stops = Self.stops(bytes.word(offset))
            guard stops == 0 else {
                offset += stops.trailingZeroBitCount / 8
                break
            }
            offset += 8
        }
        var isPlain = true
        while position < bytes.byteCount {
            let byte = self[position]
            if byte == UInt8(ascii: "\"") {
                offset += 1
                return (start..<(position - 1), isPlain)
            }
            guard byte >= 0x20 else { throw failure("a control character in a string") }
            if byte == UInt8(ascii: "\\") {
                isPlain = false
                offset += 1
            }
            offset += 1
        }
        throw failure("a string without end")
    }

    /// The top bit of the first byte that is a quote, a backslash or a control character, and
    /// perhaps of later ones.
    @inline(__always)
    private static func stops(_ word: UInt64) -> UInt64 {
        let (ones, tops): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
        let quotes = word ^ (ones &* 0x22)
        let slashes = word ^ (ones &* 0x5C)
        return
            ((quotes &- ones) & ~quotes | (slashes &- ones) & ~slashes
            | (word &- ones &* 0x20) & ~word) & tops
    }

    /// Takes a string of a foreign service: what is not UTF-8, or half of a pair, shows as U+FFFD.
    @_lifetime(self: copy self)
    public mutating func lenientText() throws(Failure) -> String {
        try JSONEscapes.resolve(string(), in: bytes, isLenient: true)
    }

    /// Takes a string and resolves its escapes.
    @_lifetime(self: copy self)
    public mutating func text() throws(Failure) -> String {
        try JSONEscapes.resolve(string(), in: bytes)
    }

    /// Takes a number, or a string with a number in it: its text.
    @_lifetime(self: copy self)
    public mutating func number() throws(Failure) -> Range<Int> {
        if peek() == UInt8(ascii: "\"") {
            let range = try string()
            guard !range.isEmpty else { throw failure("expected a number") }
            return range
        }
        let start = position
        while position < bytes.byteCount, Self.isNumeric(self[position]) { offset += 1 }
        guard position > start else { throw failure("expected a number") }
        return start..<position
    }

    /// Takes a whole number that fits 64 bits.
    @_lifetime(self: copy self)
    public mutating func integer() throws(Failure) -> Int64 {
        let run = digits(from: offset)
        if run.count > 0, run.end == bytes.byteCount || !Self.isNumeric(self[run.end]) {
            offset = run.end
            return run.value
        }
        let range = try number()
        var value: Int64 = 0
        var index = range.lowerBound
        let isNegative = self[index] == UInt8(ascii: "-")
        if isNegative { index += 1 }
        guard index < range.upperBound else { throw failure("expected digits", at: index) }
        while index < range.upperBound {
            let digit = Int64(self[index]) - 0x30
            guard (0...9).contains(digit) else {
                throw failure("expected a whole number", at: range.lowerBound)
            }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowed) = product.subtractingReportingOverflow(digit)
            guard !overflow, !overflowed else {
                throw failure("a number over 64 bits", at: range.lowerBound)
            }
            value = sum
            index += 1
        }
        if isNegative { return value }
        guard value != .min else { throw failure("a number over 64 bits", at: range.lowerBound) }
        return -value
    }

    /// Takes a number, exactly as written.
    @_lifetime(self: copy self)
    public mutating func decimal() throws(Failure) -> ExactDecimal {
        let range = try number()
        guard let value = Self.decimal(bytes, range) else {
            throw failure("expected a decimal number of at most 128 bits", at: range.lowerBound)
        }
        return value
    }

    /// Takes a number, as prices and quantities of a venue are, exactly: the fast way for what
    /// ``decimal()`` does for any width.
    ///
    /// A number of up to 64 bits keeps the exponent that it is written with. A longer one that ends
    /// in zeros loses them: 120000000000.00000000 is 12 × 10^10.
    ///
    /// - Throws: ``Failure`` also for a number whose other digits are more than 64 bits hold.
    @_lifetime(self: copy self)
    public mutating func mantissa() throws(Failure) -> (mantissa: Int64, exponent: Int8) {
        if let quick = quickMantissa() { return quick }
        // Anything unusual, such as a sign, an exponent or no quotes, takes the general way.
        let range = try number()
        guard let wide = Self.decimal(bytes, range),
            let narrow = wide.narrowed(), let mantissa = Int64(exactly: narrow.mantissa)
        else {
            throw failure("expected a decimal number of at most 64 bits", at: range.lowerBound)
        }
        return (mantissa, narrow.exponent)
    }

    /// Takes `true` or `false`.
    @_lifetime(self: copy self)
    public mutating func boolean() throws(Failure) -> Bool {
        let next = peek()
        // One load of four letters, written as the little-endian number that they are.
        if offset + 5 <= bytes.byteCount {
            let letters = bytes.half(offset)
            if letters == 0x6575_7274 {
                offset += 4
                return true
            }
            if letters == 0x736C_6166, self[offset + 4] == UInt8(ascii: "e") {
                offset += 5
                return false
            }
        }
        if next == UInt8(ascii: "t") {
            try literal("true")
            return true
        }
        guard next == UInt8(ascii: "f") else { throw failure("expected true or false") }
        try literal("false")
        return false
    }

    /// Takes `null` if it is next.
    @_lifetime(self: copy self)
    public mutating func null() throws(Failure) -> Bool {
        guard peek() == UInt8(ascii: "n") else { return false }
        try literal("null")
        return true
    }

    /// Steps over one value of any kind.
    @_lifetime(self: copy self)
    public mutating func skip(depth: Int = 0) throws(Failure) {
        guard depth < Self.maximumDepth else { throw failure("nested too deep") }
        switch peek() {
        case UInt8(ascii: "{"):
            offset += 1
            var isFirst = true
            while try more(&isFirst, until: UInt8(ascii: "}")) {
                _ = try key()
                try skip(depth: depth + 1)
            }
        case UInt8(ascii: "["):
            offset += 1
            var isFirst = true
            while try more(&isFirst, until: UInt8(ascii: "]")) { try skip(depth: depth + 1) }
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "t"), UInt8(ascii: "f"): _ = try boolean()
        case UInt8(ascii: "n"): _ = try null()
        default:
            let range = try number()
            guard Self.isNumber(bytes, range) else {
                throw failure("expected a value", at: range.lowerBound)
            }
        }
    }

    // MARK: - Bytes

    /// A byte of the text.
    ///
    /// - Precondition: the index is inside the text.
    public subscript(index: Int) -> UInt8 {
        @inlinable @inline(__always) get { bytes.byte(index) }
    }

    /// True when a range of the text has exactly these bytes.
    public func equals(_ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        for index in 0..<range.count {
            if unsafe self[range.lowerBound + index] != text.utf8Start[index] { return false }
        }
        return true
    }

    /// True when a range of the text has exactly these bytes.
    public func equals(_ range: Range<Int>, _ bytes: [UInt8]) -> Bool {
        guard range.count == bytes.count else { return false }
        for index in bytes.indices where self[range.lowerBound + index] != bytes[index] {
            return false
        }
        return true
    }

    /// True when a string is next.
    @_lifetime(self: copy self)
    public mutating func isAtString() -> Bool { peek() == UInt8(ascii: "\"") }

    /// A failure at the present position, or at `offset`.
    public func failure(_ reason: String, at offset: Int? = nil) -> Failure {
        Failure(offset: offset ?? position, reason: reason)
    }

    @_lifetime(self: copy self)
    private mutating func literal(_ text: StaticString) throws(Failure) {
        let range = position..<(position + text.utf8CodeUnitCount)
        guard range.upperBound <= bytes.byteCount, equals(range, text) else {
            throw failure("expected \(text)")
        }
        offset = range.upperBound
    }

    static func isNumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
            UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }
}
