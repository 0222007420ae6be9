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
        let start = bytes.count
        var sink = JSONSink(bytes: consume bytes, naming: naming)
        sink.open(RecordKind(rawValue: template)?.word ?? "unknown")
        let failure: FrameError?
        do throws(FrameError) {
            try describe(to: &sink)
            failure = nil
        } catch { failure = error }
        bytes = sink.close()
        if let failure {
            bytes.truncate(to: start)
            throw failure
        }
    }
}

/// Fields as the members of a JSON object.
private struct JSONSink: FieldSink, ~Copyable {
    var bytes: Bytes
    let naming: JSONNaming

    mutating func open(_ kind: StaticString) {
        bytes.append(naming == .object ? "{\"record_kind\":\"" : "{\"kind\":\"")
        bytes.append(kind)
        bytes.append("\"")
    }

    consuming func close() -> Bytes {
        bytes.append("}\n")
        return bytes
    }

    /// `,"name":` as one piece.
    @inline(__always)
    private mutating func key(_ name: StaticString) {
        let length = name.utf8CodeUnitCount
        unsafe bytes.append(room: length + 4) { room in
            guard let start = unsafe room.baseAddress else { return 0 }
            // A comma and a quote, the name, a quote and a colon.
            unsafe start.storeBytes(of: 0x222C, as: UInt16.self)
            unsafe (start + 2).copyMemory(from: name.utf8Start, byteCount: length)
            unsafe (start + 2 + length).storeBytes(of: 0x3A22, as: UInt16.self)
            return length + 4
        }
    }

    private mutating func key(_ name: StaticString, _ suffix: StaticString) {
        bytes.append(",\"")
        bytes.append(name)
        bytes.append(suffix)
        bytes.append("\":")
    }

    mutating func long(_ name: StaticString, _ value: Int64) {
        key(name)
        bytes.append(decimal: value)
        guard value.magnitude > 1 << 53 else { return }
        key(name, "_exact")
        bytes.append("\"")
        bytes.append(decimal: value)
        bytes.append("\"")
    }

    mutating func code(_ name: StaticString, _ value: Int64) { long(name, value) }

    mutating func exponent(_ name: StaticString, _ value: Int8) { long(name, Int64(value)) }

    mutating func decimal(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8) {
        key(name)
        bytes.append(decimal: mantissa, exponent: exponent)
        guard mantissa.magnitude >= 1_000_000_000_000_000 else { return }
        key(name, "_exact")
        bytes.append("\"")
        bytes.append(decimal: mantissa, exponent: exponent)
        bytes.append("\"")
    }

    mutating func wideDecimal(_ name: StaticString, _ mantissa: Int128, _ exponent: Int8) {
        if let narrow = Int64(exactly: mantissa) { return decimal(name, narrow, exponent) }
        key(name)
        bytes.append(decimal: mantissa, exponent: exponent)
        key(name, "_exact")
        bytes.append("\"")
        bytes.append(decimal: mantissa, exponent: exponent)
        bytes.append("\"")
    }

    mutating func mantissa(_ name: StaticString, _ value: Int64) {}
    mutating func wideMantissa(_ name: StaticString, _ value: Int128) {}

    mutating func nanoseconds(_ name: StaticString, _ value: Int64) {
        key(name)
        bytes.append("\"")
        bytes.append(decimal: value)
        bytes.append("\"")
    }

    mutating func boolean(_ name: StaticString, _ value: Bool) {
        key(name)
        bytes.append(value ? "true" : "false")
    }

    mutating func optionalBoolean(_ name: StaticString, _ value: Bool?) {
        key(name)
        if let value { bytes.append(value ? "true" : "false") } else { bytes.append("null") }
    }

    mutating func eventTime(_ microseconds: Int64) { long("event_time_us", microseconds) }

    mutating func interval(_ value: StaticString) {
        word(naming == .object ? "kline_interval" : "interval", value)
    }

    mutating func word(_ name: StaticString, _ value: StaticString) {
        key(name)
        bytes.append("\"")
        bytes.append(value)
        bytes.append("\"")
    }

    mutating func symbol(_ name: StaticString, _ value: SymbolName) {
        key(name)
        bytes.append("\"")
        let isPlain = value.appendPlain(to: &bytes)
        if !isPlain { bytes.append(jsonEscaping: value.description) }
        bytes.append("\"")
        // Bytes that are not UTF-8, or have a NUL among them, show as something else.
        if !isPlain || value.count == 0, SymbolName(value.description) != value {
            key(name, "_bytes")
            bytes.append("\"")
            let words = [value.words.0, value.words.1, value.words.2, value.words.3]
            bytes.append(base64: unsafe words.span.bytes)
            bytes.append("\"")
        }
    }

    mutating func levels(
        _ name: StaticString, _ levels: [Level], _ frame: borrowing FrameView
    ) {
        key(name)
        bytes.append("[")
        for (index, level) in levels.enumerated() {
            bytes.append(index == 0 ? "[\"" : ",[\"")
            bytes.append(decimal: level.price, exponent: frame.priceExponent)
            bytes.append("\",\"")
            bytes.append(decimal: level.quantity, exponent: frame.quantityExponent)
            bytes.append("\"]")
        }
        bytes.append("]")
    }

    mutating func bytes(_ name: StaticString, _ value: RawSpan) {
        key(name)
        bytes.append("\"")
        bytes.append(base64: value)
        bytes.append("\"")
    }
}

extension SymbolName {
    /// Appends the text when it is all there is and needs no escape in JSON, which is nearly always.
    fileprivate func appendPlain(to bytes: inout Bytes) -> Bool {
        let start = bytes.count
        let words = self.words
        for word in [words.0, words.1, words.2, words.3] {
            var rest = word
            for _ in 0..<8 {
                let byte = UInt8(truncatingIfNeeded: rest)
                if byte == 0 {
                    // What follows a NUL would be left out.
                    guard bytes.count - start == count else {
                        bytes.truncate(to: start)
                        return false
                    }
                    return true
                }
                guard byte >= 0x20, byte < 0x7F, byte != 0x22, byte != 0x5C else {
                    bytes.truncate(to: start)
                    return false
                }
                bytes.append(byte)
                rest >>= 8
            }
        }
        return true
    }
}
