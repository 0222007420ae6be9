import Encoding
import Identity
public import Posix

/// How the members of a line are named.
public enum JSONNaming: Sendable {
    /// As in a stream of lines: `kind`, `interval`.
    case line
    /// As in an object whose path has `kind=` and `interval=`: a column of the same name would
    /// come twice, which most engines refuse. `record_kind`, `kline_interval`.
    case object
}

extension FrameView {
    /// Appends the record as one JSON object on a line of its own.
    ///
    /// Numbers are exact decimal text. Those that a double may not keep are there a second time as
    /// a string, under the same name with `_exact` after it: a filter such as jq may bend the
    /// number, and ``JSONRecord`` then takes the string. A double keeps every decimal of 15 digits,
    /// and every whole number up to 2^53.
    ///
    /// - Throws: ``FrameError/badMessage(_:)``; nothing was appended then.
    public func appendJSON(
        to bytes: inout Bytes, naming: JSONNaming = .line
    ) throws(FrameError) {
        unsafe try bytes.append(room: jsonRoom) { (room) throws(FrameError) in
            guard let start = room.baseAddress else { return 0 }
            var sink = unsafe JSONSink(next: start, naming: naming)
            sink.open(RecordKind(rawValue: template)?.word ?? "unknown")
            try describe(to: &sink)
            sink.close()
            return unsafe sink.text.next - start
        }
    }

    /// At least as many bytes as the record takes as a line, so that one check for room is enough.
    ///
    /// Of the fields of fixed number klines have most: 9 decimals, twice, of at most 170 bytes (39
    /// digits and 128 zeros), 24 whole numbers, 40 names, and a symbol of 32 bytes with escapes and
    /// again in base64: below 8 KiB. Beside them, for each byte of the frame: a level has 16 bytes
    /// there and two decimals in the line, a byte of a gap's evidence may need an escape of six
    /// (`\u001F`), and a foreign message or frame is base64.
    private var jsonRoom: Int {
        let perByte: Int
        switch kind {
        case .depthDiff, .depthSnapshot:
            let isPlain =
                (-18...0).contains(priceExponent) && (-18...0).contains(quantityExponent)
            perByte = isPlain ? 4 : 24
        case .gap: perByte = 6
        case .trade, .aggTrade, .kline, .bestBidAsk, .raw, nil: perByte = 2
        }
        return 8192 + bytes.byteCount * perByte
    }
}

/// Fields as the members of a JSON object.
@safe
private struct JSONSink: FieldSink, ~Copyable {
    /// Into memory that has room for the whole line.
    private(set) var text: TextWriter
    let naming: JSONNaming

    @inline(__always)
    init(next: UnsafeMutableRawPointer, naming: JSONNaming) {
        text = unsafe TextWriter(next: next)
        self.naming = naming
    }

    @inline(__always)
    mutating func open(_ kind: StaticString) {
        text.put(naming == .object ? "{\"record_kind\":\"" : "{\"kind\":\"")
        text.put(kind)
        text.put(UInt8(ascii: "\""))
    }

    @inline(__always)
    mutating func close() { text.put("}\n") }

    /// `,"name":`
    @inline(__always)
    private mutating func key(_ name: StaticString) {
        text.put(pair: 0x222C)
        text.put(name)
        text.put(pair: 0x3A22)
    }

    private mutating func key(_ name: StaticString, _ suffix: StaticString) {
        text.put(pair: 0x222C)
        text.put(name)
        text.put(suffix)
        text.put(pair: 0x3A22)
    }

    /// Appends what is rare by way of a buffer.
    @inline(never)
    private mutating func put(_ body: (inout Bytes) -> Void) {
        var rare = Bytes(capacity: 256)
        body(&rare)
        unsafe rare.span.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            unsafe text.put(bytes: start, count: bytes.count)
        }
    }

    @inline(__always)
    private mutating func put(decimal mantissa: Int64, _ exponent: Int8) {
        if exponent <= 0, exponent >= -18 {
            text.put(decimal: mantissa, exponent: exponent)
        } else {
            put { $0.append(decimal: mantissa, exponent: exponent) }
        }
    }

    @inline(__always)
    mutating func long(_ name: StaticString, _ value: Int64) {
        key(name)
        text.put(decimal: value)
        if value.magnitude > 1 << 53 { exact(name, value, 0) }
    }

    /// A number again, as a string.
    @inline(never)
    private mutating func exact(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8) {
        key(name, "_exact")
        text.put(UInt8(ascii: "\""))
        put(decimal: mantissa, exponent)
        text.put(UInt8(ascii: "\""))
    }

    mutating func code(_ name: StaticString, _ value: Int64) { long(name, value) }

    @inline(__always)
    mutating func exponent(_ name: StaticString, _ value: Int8) {
        key(name)
        text.put(decimal: Int64(value))
    }

    @inline(__always)
    mutating func decimal(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8) {
        key(name)
        put(decimal: mantissa, exponent)
        if mantissa.magnitude >= 1_000_000_000_000_000 { exact(name, mantissa, exponent) }
    }

    mutating func wideDecimal(_ name: StaticString, _ mantissa: Int128, _ exponent: Int8) {
        if let narrow = Int64(exactly: mantissa) { return decimal(name, narrow, exponent) }
        key(name)
        put { $0.append(decimal: mantissa, exponent: exponent) }
        key(name, "_exact")
        text.put(UInt8(ascii: "\""))
        put { $0.append(decimal: mantissa, exponent: exponent) }
        text.put(UInt8(ascii: "\""))
    }

    @inline(__always)
    mutating func mantissa(_ name: StaticString, _ value: Int64) {}
    @inline(__always)
    mutating func wideMantissa(_ name: StaticString, _ value: Int128) {}

    @inline(__always)
    mutating func eventTime(_ microseconds: Int64) { long("event_time_us", microseconds) }

    @inline(__always)
    mutating func nanoseconds(_ name: StaticString, _ value: Int64) {
        key(name)
        text.put(UInt8(ascii: "\""))
        text.put(decimal: value)
        text.put(UInt8(ascii: "\""))
    }

    @inline(__always)
    mutating func boolean(_ name: StaticString, _ value: Bool) {
        key(name)
        if value { text.put("true") } else { text.put("false") }
    }

    @inline(__always)
    mutating func optionalBoolean(_ name: StaticString, _ value: Bool?) {
        key(name)
        if let value {
            if value { text.put("true") } else { text.put("false") }
        } else {
            text.put("null")
        }
    }

    @inline(__always)
    mutating func word(_ name: StaticString, _ value: StaticString) {
        key(name)
        text.put(UInt8(ascii: "\""))
        text.put(value)
        text.put(UInt8(ascii: "\""))
    }

    mutating func interval(_ value: StaticString) {
        word(naming == .object ? "kline_interval" : "interval", value)
    }

    @inline(__always)
    mutating func symbol(_ name: StaticString, _ value: SymbolName) {
        key(name)
        text.put(UInt8(ascii: "\""))
        if value.isPlain {
            text.put(padded: value.words, count: value.count)
            text.put(UInt8(ascii: "\""))
        } else {
            putOdd(name, value)
        }
    }

    /// A symbol that needs escapes, or whose bytes are not the UTF-8 of what they show.
    @inline(never)
    private mutating func putOdd(_ name: StaticString, _ value: SymbolName) {
        put { $0.append(jsonEscaping: value.description) }
        text.put(UInt8(ascii: "\""))
        if value.count > 0, SymbolName(value.description) == value { return }
        key(name, "_bytes")
        text.put(UInt8(ascii: "\""))
        let words = [value.words.0, value.words.1, value.words.2, value.words.3]
        put { $0.append(base64: unsafe words.span.bytes) }
        text.put(UInt8(ascii: "\""))
    }

    mutating func levels(
        _ name: StaticString, _ levels: [BookLevel], _ frame: borrowing FrameView
    ) {
        key(name)
        text.put(UInt8(ascii: "["))
        let (price, quantity) = (frame.priceExponent, frame.quantityExponent)
        for (index, level) in levels.enumerated() {
            if index > 0 { text.put(UInt8(ascii: ",")) }
            text.put("[\"")
            put(decimal: level.price, price)
            text.put("\",\"")
            put(decimal: level.quantity, quantity)
            text.put("\"]")
        }
        text.put(UInt8(ascii: "]"))
    }

    mutating func text(_ name: StaticString, _ value: RawSpan) {
        guard value.byteCount > 0 else { return }
        key(name)
        text.put(UInt8(ascii: "\""))
        let words = unsafe value.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
        put { $0.append(jsonEscaping: words) }
        text.put(UInt8(ascii: "\""))
    }

    mutating func bytes(_ name: StaticString, _ value: RawSpan) {
        key(name)
        text.put(UInt8(ascii: "\""))
        put { $0.append(base64: value) }
        text.put(UInt8(ascii: "\""))
    }
}

extension SymbolName {
    /// True when the bytes up to the last that is not NUL are the text as it is in JSON, which is
    /// nearly always: printable ASCII, no quotation mark, no backslash, no NUL among them.
    fileprivate var isPlain: Bool {
        guard count > 0 else { return false }
        let words = self.words
        var rest = count
        for word in [words.0, words.1, words.2, words.3] {
            guard rest > 0 else { return true }
            // What is behind the last byte counts as a letter.
            let own = min(rest, 8)
            let filled = own == 8 ? word : word | 0x4141_4141_4141_4141 &<< UInt64(8 * own)
            guard Self.isPlain(filled) else { return false }
            rest -= own
        }
        return true
    }

    /// Eight bytes at once: none below 0x20 or above 0x7E, none 0x22 or 0x5C.
    private static func isPlain(_ word: UInt64) -> Bool {
        let (ones, tops): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
        let quotes = word ^ (ones &* 0x22)
        let slashes = word ^ (ones &* 0x5C)
        let deletes = word ^ (ones &* 0x7F)
        func zero(_ value: UInt64) -> UInt64 { (value &- ones) & ~value }
        let low = (word &- ones &* 0x20) & ~word
        return (word | zero(quotes) | zero(slashes) | zero(deletes) | low) & tops == 0
    }
}
