import Encoding
import Identity

extension FrameView {
    /// Finds out whether the record is what its template says, and whether columns hold its numbers
    /// exactly.
    ///
    /// - Throws: ``FrameError/badMessage(_:)``, which names the number that does not fit.
    public func checkColumns() throws(FrameError) {
        var sink = FitSink()
        try describe(to: &sink)
        if let fault = sink.fault { throw .badMessage(fault) }
    }
}

extension FrameView {
    /// Finds out whether the record is what its template says, and whether the decimals of Avro hold
    /// its numbers exactly: what ``appendAvro(to:)`` refuses.
    ///
    /// - Throws: ``FrameError/badMessage(_:)``, which names the number that does not fit.
    public func checkAvro() throws(FrameError) {
        var sink = FitSink(arePricesWide: true)
        try describe(to: &sink)
        if let fault = sink.fault { throw .badMessage(fault) }
    }
}

/// Looks at the numbers of a record only.
private struct FitSink: FieldSink, ~Copyable {
    /// True where prices have the type of quantities.
    let arePricesWide: Bool
    /// The first that does not fit.
    var fault: String?

    init(arePricesWide: Bool = false) { self.arePricesWide = arePricesWide }

    @inline(__always)
    mutating func exactPrice(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8) {
        if arePricesWide { return exactVolume(name, Int128(mantissa), exponent) }
        if ColumnDecimal.price(mantissa, exponent) == nil {
            note(name, Int128(mantissa), exponent, "DECIMAL(18,8)")
        }
    }

    @inline(__always)
    mutating func exactQuantity(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8) {
        exactVolume(name, Int128(mantissa), exponent)
    }

    @inline(__always)
    mutating func exactVolume(_ name: StaticString, _ mantissa: Int128, _ exponent: Int8) {
        if ColumnDecimal.quantity(mantissa, exponent) == nil {
            note(name, mantissa, exponent, "DECIMAL(38,8)")
        }
    }

    private mutating func note(
        _ name: StaticString, _ mantissa: Int128, _ exponent: Int8, _ type: String
    ) {
        guard fault == nil else { return }
        let name = "\(name)"
        let column = name.hasSuffix("_exact") ? String(name.dropLast("_exact".count)) : name
        fault = "\(column): \(mantissa) × 10^\(exponent) does not fit \(type)"
    }

    mutating func levels(
        _ name: StaticString, _ levels: [BookLevel], _ frame: borrowing FrameView
    ) {
        for level in levels {
            exactPrice("price", level.price, frame.priceExponent)
            exactQuantity("qty", level.quantity, frame.quantityExponent)
        }
    }

    mutating func long(_ name: StaticString, _ value: Int64) {}
    mutating func exponent(_ name: StaticString, _ value: Int8) {}
    mutating func decimal(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8) {}
    mutating func wideDecimal(_ name: StaticString, _ mantissa: Int128, _ exponent: Int8) {}
    mutating func mantissa(_ name: StaticString, _ value: Int64) {}
    mutating func wideMantissa(_ name: StaticString, _ value: Int128) {}
    mutating func eventTime(_ microseconds: Int64) {}
    mutating func nanoseconds(_ name: StaticString, _ value: Int64) {}
    mutating func boolean(_ name: StaticString, _ value: Bool) {}
    mutating func optionalBoolean(_ name: StaticString, _ value: Bool?) {}
    mutating func word(_ name: StaticString, _ value: StaticString) {}
    mutating func interval(_ value: StaticString) {}
    mutating func symbol(_ name: StaticString, _ value: SymbolName) {}
    mutating func text(_ name: StaticString, _ value: RawSpan) {}
    mutating func bytes(_ name: StaticString, _ value: RawSpan) {}
}
