import Identity
public import Parquet
public import Posix

/// Writes records of one kind as a Parquet file.
public struct ColumnWriter: ~Copyable {
    private let template: UInt16
    private var writer: ParquetWriter
    private var sink: ColumnSink

    /// Prepares a file, or many of the same kind one after another.
    ///
    /// - Parameters:
    ///   - template: of all records that will come.
    ///   - createdBy: in the form `name version 1.2.3 (build 0a1b2c3)`, which readers parse.
    public init(
        template: UInt16, codec: ParquetCodec = .zstd, createdBy: String
    ) throws(ParquetError) {
        let table = ColumnTable(template: template)
        self.template = template
        writer = try ParquetWriter(
            table.columns, order: table.order, codec: codec, createdBy: createdBy)
        sink = ColumnSink(table, writer.columns)
    }

    /// Adds a record.
    ///
    /// - Parameter output: gets the bytes of the file that are finished.
    /// - Throws: ``FrameError/badMessage(_:)`` for a record that ``FrameView/checkColumns()`` refuses,
    ///   and nothing was added then; or ``ParquetError``.
    public mutating func append(
        _ frame: borrowing FrameView, to output: inout Bytes
    ) throws {
        precondition(frame.template == template)
        try frame.checkColumns()
        try frame.describe(to: &sink)
        try writer.endRows(sink.endRecord(), to: &output)
    }

    /// Writes the rest of the file.
    ///
    /// - Parameter metadata: keys and values for the footer, beside the kind.
    public mutating func finish(
        metadata: [(key: String, value: String)] = [], to output: inout Bytes
    ) throws(ParquetError) {
        let own = [
            (key: "kind", value: RecordKind.name(template: template)),
            (key: "template", value: "\(template)"),
        ]
        try writer.finish(metadata: own + metadata, to: &output)
        sink.beginFile()
    }
}

/// Fields as values of columns.
struct ColumnSink: FieldSink, ~Copyable {
    private var slots: ColumnSlots
    private let extra: ColumnBuilder
    /// Of books.
    private let level: (side: ColumnBuilder, price: ColumnBuilder, quantity: ColumnBuilder)?
    private let message: ColumnBuilder?
    /// Columns that have one value for all rows of a message.
    private let shared: [ColumnBuilder]
    private var messages: Int64 = 0
    private var levelRows = 0
    /// What other columns cannot say.
    private var oddities = ""

    init(_ table: ColumnTable, _ builders: [ColumnBuilder]) {
        func column(_ name: String) -> ColumnBuilder? { table.index(name).map { builders[$0] } }
        slots = ColumnSlots(table.slots.map { $0.map { builders[$0] } })
        extra = builders[builders.count - 1]
        message = column(ColumnTable.message)
        if message != nil, let side = column("side"), let price = column("price"),
            let quantity = column("qty")
        {
            level = (side, price, quantity)
            shared = builders.filter { $0 !== side && $0 !== price && $0 !== quantity }
        } else {
            level = nil
            shared = []
        }
    }

    mutating func beginFile() { messages = 0 }

    /// Completes a record.
    ///
    /// - Returns: its rows.
    mutating func endRecord() -> Int {
        slots.restart()
        if oddities.isEmpty {
            extra.appendNothing()
        } else {
            extra.append(utf8: oddities + "}")
            oddities = ""
        }
        guard let message, let level else { return 1 }
        message.append(messages)
        messages += 1
        if levelRows == 0 {
            level.side.appendNothing()
            level.price.appendNothing()
            level.quantity.appendNothing()
            return 1
        }
        let rows = levelRows
        levelRows = 0
        if rows > 1 { for column in shared { column.append(again: rows - 1) } }
        return rows
    }

    @inline(__always)
    mutating func long(_ name: StaticString, _ value: Int64) { slots.takeNext { $0.append(value) } }
    @inline(__always)
    mutating func exponent(_ name: StaticString, _ value: Int8) {
        slots.takeNext { $0.append(Int64(value)) }
    }
    @inline(__always)
    mutating func decimal(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8) {}
    @inline(__always)
    mutating func wideDecimal(_ name: StaticString, _ mantissa: Int128, _ exponent: Int8) {}
    @inline(__always)
    mutating func mantissa(_ name: StaticString, _ value: Int64) {}
    @inline(__always)
    mutating func wideMantissa(_ name: StaticString, _ value: Int128) {}

    // That they fit was found out before.

    @inline(__always)
    mutating func exactPrice(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8) {
        slots.takeNext { $0.append(ColumnDecimal.price(mantissa, exponent) ?? 0) }
    }

    @inline(__always)
    mutating func exactQuantity(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8) {
        exactVolume(name, Int128(mantissa), exponent)
    }

    @inline(__always)
    mutating func exactVolume(_ name: StaticString, _ mantissa: Int128, _ exponent: Int8) {
        slots.takeNext { $0.append(wide: ColumnDecimal.quantity(mantissa, exponent) ?? 0) }
    }

    @inline(__always)
    mutating func eventTime(_ microseconds: Int64) { slots.takeNext { $0.append(microseconds) } }
    @inline(__always)
    mutating func nanoseconds(_ name: StaticString, _ value: Int64) {
        slots.takeNext { $0.append(value) }
    }
    @inline(__always)
    mutating func boolean(_ name: StaticString, _ value: Bool) {
        slots.takeNext { $0.append(value) }
    }

    @inline(__always)
    mutating func optionalBoolean(_ name: StaticString, _ value: Bool?) {
        slots.takeNext { column in
            if let value { column.append(value) } else { column.appendNothing() }
        }
    }

    @inline(__always)
    mutating func word(_ name: StaticString, _ value: StaticString) {
        slots.takeNext { $0.append(value) }
    }
    @inline(__always)
    mutating func interval(_ value: StaticString) { slots.takeNext { $0.append(value) } }

    @inline(__always)
    mutating func symbol(_ name: StaticString, _ value: SymbolName) {
        let words = value.words
        let isPlain = (words.0 | words.1 | words.2 | words.3) & 0x8080_8080_8080_8080 == 0
        if isPlain { slots.takeNext { $0.append(words) } } else { appendText(words) }
    }

    /// A symbol of other characters. Readers refuse a whole file for a text that is not UTF-8: of such
    /// a symbol they get what can be shown, and its bytes are among the oddities.
    private mutating func appendText(_ words: (UInt64, UInt64, UInt64, UInt64)) {
        var bytes = unsafe withUnsafeBytes(of: words) { unsafe Array($0) }
        while bytes.last == 0 { bytes.removeLast() }
        if let text = String(validating: bytes, as: UTF8.self) {
            slots.takeNext { $0.append(utf8: text) }
        } else {
            slots.takeNext { $0.append(utf8: String(decoding: bytes, as: UTF8.self)) }
            code("symbol_0", Int64(bitPattern: words.0))
            code("symbol_1", Int64(bitPattern: words.1))
            code("symbol_2", Int64(bitPattern: words.2))
            code("symbol_3", Int64(bitPattern: words.3))
        }
    }

    mutating func code(_ name: StaticString, _ value: Int64) {
        oddities += "\(oddities.isEmpty ? "{" : ",")\"\(name)\":\(value)"
    }

    mutating func levels(
        _ name: StaticString, _ levels: [BookLevel], _ frame: borrowing FrameView
    ) {
        // The three columns of levels are one place in the list of fields.
        if let level, slots.isNext(level.side) { slots.skip(3) }
        guard let level else { return }
        let side: StaticString = "\(name)" == "bids" ? "bid" : "ask"
        let (price, quantity) = (frame.priceExponent, frame.quantityExponent)
        for own in levels {
            level.side.append(side)
            level.price.append(ColumnDecimal.price(own.price, price) ?? 0)
            level.quantity.append(
                wide: ColumnDecimal.quantity(Int128(own.quantity), quantity) ?? 0)
        }
        levelRows += levels.count
    }

    mutating func text(_ name: StaticString, _ value: RawSpan) { bytes(name, value) }

    mutating func bytes(_ name: StaticString, _ value: RawSpan) {
        unsafe value.withUnsafeBytes { bytes in
            slots.takeNext { unsafe $0.append(bytes) }
        }
    }
}

extension ColumnBuilder {
    /// Appends a symbol: all of its bytes but the NULs at the end.
    @inline(__always)
    fileprivate func append(_ words: (UInt64, UInt64, UInt64, UInt64)) {
        let last =
            words.3 != 0 ? words.3 : words.2 != 0 ? words.2 : words.1 != 0 ? words.1 : words.0
        let before = words.3 != 0 ? 24 : words.2 != 0 ? 16 : words.1 != 0 ? 8 : 0
        let length = before + (UInt64.bitWidth - last.leadingZeroBitCount + 7) / 8
        unsafe withUnsafeBytes(of: words) { bytes in
            unsafe append(UnsafeRawBufferPointer(rebasing: bytes.prefix(length)))
        }
    }
}
