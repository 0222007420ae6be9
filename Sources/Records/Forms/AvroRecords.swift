public import Avro
import Encoding
import Identity
public import Posix

/// Turns records of Avro back into the frames that they came from, under whatever schema of ours
/// their file has: fields are found by name, those that are not known here are stepped over.
public struct AvroRecords: ~Copyable {
    /// What a field of the file's schema is for a record.
    private struct Column {
        let use: Use
        let type: AvroType
    }

    private enum Use {
        /// Nothing.
        case skipped
        /// A field.
        case field(FormField)
        /// The digits of a decimal, whose exponent another field has.
        case mantissa(FormField)
        /// The digits once more, with an exponent of their own: compressed blocks of Avro have no
        /// checksum, and this is where most damage to a number shows.
        case copy(FormField)
        /// One side of a book.
        case side(FormField, LevelParts)
    }

    /// Where in a level the digits of price and quantity are, and those of their copies; -1 for none.
    private struct LevelParts {
        let price: Int
        let quantity: Int
        let priceCopy: Int
        let quantityCopy: Int
    }

    /// A number that has to be the same as one of ``mantissas`` or ``wideMantissas``.
    private struct Copy {
        let field: FormField
        let value: Int128
        let exponent: Int8
    }

    private let kind: RecordKind?
    private let columns: [Column]
    private var row = RecordRow()
    /// Decimals whose exponent may come behind them.
    private var mantissas: [(field: FormField, value: Int64)] = []
    /// Those of over 64 bits, which few records have.
    private var wideMantissas: [(field: FormField, value: Int128)] = []
    private var copies: [Copy] = []
    /// Of the levels of the record, in their order.
    private var levelCopies: [Copy] = []

    /// The series of every record, where the file's metadata say it.
    private let ownSeries: UInt16?

    /// Looks at the schema of a file.
    ///
    /// - Parameter metadata: of the file: what ``AvroForm/metadata(of:)`` put there.
    /// - Throws: ``AvroError`` for a schema that is not of our records.
    public init(_ type: AvroType, metadata: [String: [UInt8]] = [:]) throws(AvroError) {
        let series = try Self.series(metadata)
        let symbol = try Self.symbol(metadata)
        guard case .record(let fullName, let fields) = type else {
            throw AvroError("the schema is not of records")
        }
        let name = fullName.split(separator: ".").last.map(String.init) ?? fullName
        let word = name.prefix(1).lowercased() + name.dropFirst()
        if let kind = RecordKind(name: word) {
            self.kind = kind
        } else if name == "Unknown" {
            kind = nil
        } else {
            throw AvroError(
                "the schema is of \(fullName.prefix(80)), not of this product's records")
        }
        let names = Set(fields.map(\.name))
        columns = fields.map { field in
            Column(use: Self.use(of: field, names), type: field.type)
        }
        ownSeries = series
        row.ownSymbol = symbol
    }

    private static func series(_ metadata: [String: [UInt8]]) throws(AvroError) -> UInt16? {
        guard let bytes = metadata[AvroForm.seriesKey] else { return nil }
        guard let series = UInt16(String(decoding: bytes, as: UTF8.self)) else {
            throw AvroError("\(AvroForm.seriesKey) of the file is not a number of 16 bits")
        }
        return series
    }

    private static func symbol(_ metadata: [String: [UInt8]]) throws(AvroError) -> SymbolName? {
        guard let text = metadata[AvroForm.symbolKey] else { return nil }
        guard let bytes = Base64.decode(unsafe text.span.bytes), bytes.count <= SymbolName.capacity
        else {
            throw AvroError("\(AvroForm.symbolKey) of the file is not a symbol in base64")
        }
        return SymbolName(padded: unsafe bytes.span.bytes)
    }

    private static func use(of field: AvroType.Field, _ names: Set<String>) -> Use {
        let name = field.name
        if case .array(.record(_, let level)) = field.type, name == "bids" || name == "asks" {
            func place(_ name: String) -> Int? {
                level.firstIndex { $0.name == name && $0.type == .long }
            }
            func copy(_ name: String) -> Int {
                level.firstIndex { field in
                    if case .decimal = field.type { field.name == name } else { false }
                } ?? -1
            }
            guard let price = place("price_mantissa"), let quantity = place("qty_mantissa")
            else { return .skipped }
            return .side(
                name == "bids" ? .bids : .asks,
                LevelParts(
                    price: price, quantity: quantity, priceCopy: copy("price_exact"),
                    quantityCopy: copy("qty_exact")))
        }
        if name.hasSuffix("_mantissa") {
            return match(String(name.dropLast("_mantissa".count))).map { .mantissa($0) } ?? .skipped
        }
        if case .decimal = field.type {
            let stem = name.hasSuffix("_exact") ? String(name.dropLast("_exact".count)) : name
            guard let field = match(stem) else { return .skipped }
            return names.contains(stem + "_mantissa") ? .copy(field) : .field(field)
        }
        // A double beside the exact digits.
        if field.type == .double { return .skipped }
        return match(name).map { .field($0) } ?? .skipped
    }

    private static func match(_ name: String) -> FormField? {
        let bytes = Array(name.utf8)
        let match = FormFieldTable.shared.match(unsafe bytes.span.bytes, 0..<bytes.count)
        return match.flatMap { $0.isExact ? nil : $0.field }
    }

    /// Appends the frames of one block's records.
    ///
    /// - Parameters:
    ///   - block: decompressed.
    ///   - records: how many are in it.
    /// - Throws: ``AvroError`` for bytes that are not such records; whole frames that came before
    ///   were appended.
    public mutating func appendFrames(
        of block: RawSpan, records: Int, to frames: inout Bytes
    ) throws(AvroError) {
        var input = AvroInput(block)
        for number in 0..<records {
            row.removeAll()
            mantissas.removeAll(keepingCapacity: true)
            wideMantissas.removeAll(keepingCapacity: true)
            copies.removeAll(keepingCapacity: true)
            levelCopies.removeAll(keepingCapacity: true)
            for column in columns { try read(column, &input) }
            if let ownSeries, !row.has(.series) { row.set(.series, Int64(ownSeries)) }
            do throws(FieldFailure) {
                try setMantissas(block)
                try row.appendFrame(kind, block, to: &frames)
            } catch { throw AvroError("record \(number + 1) of a block: \(error)") }
        }
        guard input.isAtEnd else {
            throw AvroError("a block has \(block.byteCount - input.place) bytes after its records")
        }
    }

    // MARK: - Values

    private mutating func read(_ column: Column, _ input: inout AvroInput) throws(AvroError) {
        switch column.use {
        case .skipped: try input.skip(column.type)
        case .field(let field): try read(field, column.type, &input)
        case .mantissa(let field):
            if column.type == .long {
                mantissas.append((field, try input.long()))
            } else {
                // A volume, which may be over 64 bits: decimal text.
                let range = try input.content()
                guard let number = JSONScanner.decimal(input.bytes, range)?.rescaled(to: 0) else {
                    throw AvroError("\(field.name)_mantissa: is not a whole number of 128 bits")
                }
                if let narrow = Int64(exactly: number) {
                    mantissas.append((field, narrow))
                } else {
                    wideMantissas.append((field, number))
                }
            }
        case .copy(let field): copies.append(try copy(of: field, column.type, &input))
        case .side(let field, let parts): try read(field, column.type, parts, &input)
        }
    }

    private func copy(
        of field: FormField, _ type: AvroType, _ input: inout AvroInput
    ) throws(AvroError) -> Copy {
        guard case .decimal(let scale, let length) = type, let exponent = Int8(exactly: -scale)
        else { throw AvroError("\(field.name)_exact: is not a decimal of a scale up to 127") }
        return Copy(field: field, value: try input.decimal(length: length), exponent: exponent)
    }

    private mutating func read(
        _ field: FormField, _ type: AvroType, _ input: inout AvroInput
    ) throws(AvroError) {
        switch type {
        case .long: row.set(field, try input.long())
        case .boolean: row.set(field, try input.boolean())
        case .string: row.set(field, Self.isContent(field) ? .content : .text, try input.content())
        case .bytes: row.set(field, .content, try input.content())
        case .decimal(let scale, let length):
            let mantissa = try input.decimal(length: length)
            guard let exponent = Int8(exactly: -scale) else {
                throw AvroError("\(field.name): a scale of \(scale)")
            }
            row.set(field, ExactDecimal(mantissa: mantissa, exponent: exponent))
        case .union(let types):
            let branch = try input.branch(of: types)
            if branch == .null { row.set(field, nil) } else { try read(field, branch, &input) }
        default: try input.skip(type)
        }
    }

    /// Symbols are written as their bytes, UTF-8 or not.
    private static func isContent(_ field: FormField) -> Bool { field == .symbol }

    private mutating func read(
        _ field: FormField, _ type: AvroType, _ parts: LevelParts, _ input: inout AvroInput
    ) throws(AvroError) {
        guard case .array(.record(_, let level)) = type else { return try input.skip(type) }
        let start = row.levels.count
        while case let count = try input.blockCount(), count > 0 {
            for _ in 0..<count {
                var values = BookLevel(price: 0, quantity: 0)
                for (index, part) in level.enumerated() {
                    if index == parts.price {
                        values.price = try input.long()
                    } else if index == parts.quantity {
                        values.quantity = try input.long()
                    } else if index == parts.priceCopy {
                        levelCopies.append(try copy(of: .price, part.type, &input))
                    } else if index == parts.quantityCopy {
                        levelCopies.append(try copy(of: .quantity, part.type, &input))
                    } else {
                        try input.skip(part.type)
                    }
                }
                row.append(level: values)
            }
            // More would be over the frame limit.
            guard row.levels.count - start <= Frame.maximumLength / 16 else {
                throw AvroError("\(field.name): more levels than a frame holds")
            }
        }
        row.set(field, levelsFrom: start)
    }

    /// Gives decimals their exponents, all fields being known.
    private mutating func setMantissas(_ block: RawSpan) throws(FieldFailure) {
        guard !mantissas.isEmpty || !wideMantissas.isEmpty || !levelCopies.isEmpty else { return }
        let price: Int8 = try row.small(.priceExponent, block)
        let quantity: Int8 = try row.small(.quantityExponent, block)
        for (field, value) in mantissas {
            row.set(field, value, exponent: field.isOfPrice ? price : quantity)
        }
        for (field, value) in wideMantissas {
            row.set(
                field,
                ExactDecimal(mantissa: value, exponent: field.isOfPrice ? price : quantity))
        }
        try compareCopies(price, quantity)
    }

    private func compareCopies(_ price: Int8, _ quantity: Int8) throws(FieldFailure) {
        for copy in copies {
            let own =
                mantissas.first { $0.field == copy.field }.map { Int128($0.value) }
                ?? wideMantissas.first { $0.field == copy.field }?.value
            try compare(own, copy.field.isOfPrice ? price : quantity, copy)
        }
        guard !levelCopies.isEmpty else { return }
        // Of each level both, or of each level the same one.
        let perLevel = levelCopies.count / max(1, row.levels.count)
        for (index, copy) in levelCopies.enumerated() {
            let level = row.levels[min(index / max(1, perLevel), row.levels.count - 1)]
            if copy.field == .price {
                try compare(Int128(level.price), price, copy)
            } else {
                try compare(Int128(level.quantity), quantity, copy)
            }
        }
    }

    @inline(__always)
    private func compare(
        _ value: Int128?, _ exponent: Int8, _ copy: Copy
    ) throws(FieldFailure) {
        guard let value else { return }
        let same =
            exponent == copy.exponent
            ? value
            : ExactDecimal(mantissa: value, exponent: exponent).rescaled(to: copy.exponent)
        guard same == copy.value else {
            throw FieldFailure(
                "\(copy.field.name): its two exact forms are different numbers, so the bytes are damaged"
            )
        }
    }
}
