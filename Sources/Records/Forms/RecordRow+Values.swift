import Encoding
import Identity
import Posix

/// Values of fields, as the type that the record wants.
///
/// `record` is always the bytes that the record came in.
extension RecordRow {
    // MARK: - Numbers

    /// A whole number; the exact form beside it wins when both say the same to a double.
    func integer(_ field: FormField, _ record: RawSpan) throws(FieldFailure) -> Int64 {
        let slot = try slot(field)
        if exactSlot(field) == nil {
            if slot.form == .number, slot.exponent == 0 { return slot.value }
            if slot.form == .text,
                let value = Self.digits(record, Int(slot.value)..<Int(slot.end))
            {
                return value
            }
        }
        let number = try decimal(field, record)
        guard let whole = number.rescaled(to: 0) else {
            throw FieldFailure("\(field.name): expected a whole number")
        }
        guard let value = Int64(exactly: whole) else {
            throw FieldFailure("\(field.name): a number over 64 bits")
        }
        return value
    }

    /// The number that a text of up to 18 digits, or 19 small ones, is; nil for any other text.
    private static func digits(_ record: RawSpan, _ range: Range<Int>) -> Int64? {
        guard (1...19).contains(range.count) else { return nil }
        var value: UInt64 = 0
        for index in range {
            let digit = UInt64(record.byte(index)) &- 0x30
            guard digit < 10 else { return nil }
            value = value &* 10 &+ digit
        }
        return Int64(exactly: value)
    }

    /// A whole number that few records have; nil when there is no such field.
    func optionalInteger(_ field: FormField, _ record: RawSpan) throws(FieldFailure) -> Int64? {
        has(field) ? try integer(field, record) : nil
    }

    /// A whole number of fewer bits.
    func small<Value: FixedWidthInteger>(
        _ field: FormField, _ record: RawSpan, _ type: Value.Type = Value.self
    ) throws(FieldFailure) -> Value {
        let value = try integer(field, record)
        guard let small = Value(exactly: value) else {
            throw FieldFailure("\(field.name): \(value) is out of range")
        }
        return small
    }

    /// A decimal's digits under an exponent.
    @inline(__always)
    func mantissa(
        _ field: FormField, _ exponent: Int8, _ record: RawSpan
    ) throws(FieldFailure) -> Int64 {
        let slot = try slot(field)
        if slot.form == .number, slot.exponent == exponent, exactSlot(field) == nil {
            return slot.value
        }
        return try generalMantissa(field, exponent, record)
    }

    @inline(never)
    private func generalMantissa(
        _ field: FormField, _ exponent: Int8, _ record: RawSpan
    ) throws(FieldFailure) -> Int64 {
        guard let narrow = Int64(exactly: try wideMantissa(field, exponent, record)) else {
            throw FieldFailure("\(field.name): over 64 bits under exponent \(exponent)")
        }
        return narrow
    }

    /// A decimal's digits under an exponent, up to 128 bits.
    func wideMantissa(
        _ field: FormField, _ exponent: Int8, _ record: RawSpan
    ) throws(FieldFailure) -> Int128 {
        guard let mantissa = try decimal(field, record).rescaled(to: exponent) else {
            throw FieldFailure("\(field.name): has digits that exponent \(exponent) does not hold")
        }
        return mantissa
    }

    /// A number; the exact form beside it wins when both say the same to a double, which is what a
    /// filter leaves of the number.
    private func decimal(_ field: FormField, _ record: RawSpan) throws(FieldFailure) -> ExactDecimal
    {
        let slot = try slot(field)
        guard let exact = exactSlot(field) else { return try decimal(field, slot, record) }
        let exactNumber = try decimal(field, exact, record)
        let double: Double
        if let number = number(slot) {
            double = number.double
        } else if slot.form == .json, let text = try? numberText(field, slot, record),
            let number = Double(text)
        {
            double = number
        } else {
            throw FieldFailure("\(field.name): is not a number")
        }
        guard double == exactNumber.double else {
            throw FieldFailure(
                "\(field.name): differs from \(field.name)_exact; remove that to change it")
        }
        return exactNumber
    }

    private func decimal(
        _ field: FormField, _ slot: Slot, _ record: RawSpan
    ) throws(FieldFailure) -> ExactDecimal {
        if let number = number(slot) { return number }
        if slot.form == .yes || slot.form == .no || slot.form == .null {
            throw FieldFailure("\(field.name): expected a number")
        }
        if slot.form == .text {
            let range = Int(slot.value)..<Int(slot.end)
            guard let number = JSONScanner.decimal(record, range) else {
                throw FieldFailure(
                    "\(field.name): expected a decimal number of at most 128 bits")
            }
            return number
        }
        var scanner = try scanner(field, slot, record)
        return try Self.named(field) { () throws(JSONScanner.Failure) in try scanner.decimal() }
    }

    private func numberText(
        _ field: FormField, _ slot: Slot, _ record: RawSpan
    ) throws(FieldFailure) -> String {
        var scanner = try scanner(field, slot, record)
        let range = try Self.named(field) { () throws(JSONScanner.Failure) in
            try scanner.number()
        }
        return Self.string(record, range)
    }

    // MARK: - Booleans

    /// True or false.
    func boolean(_ field: FormField, _ record: RawSpan) throws(FieldFailure) -> Bool {
        let slot = try slot(field)
        switch slot.form {
        case .yes: return true
        case .no: return false
        default: throw FieldFailure("\(field.name): expected true or false")
        }
    }

    /// Null, or no such field, is nil.
    func optionalBoolean(_ field: FormField, _ record: RawSpan) throws(FieldFailure) -> Bool? {
        guard has(field), try slot(field).form != .null else { return nil }
        return try boolean(field, record)
    }

    // MARK: - Texts

    /// A text.
    func text(_ field: FormField, _ record: RawSpan) throws(FieldFailure) -> String {
        let slot = try slot(field)
        if slot.form == .text || slot.form == .content {
            let range = Int(slot.value)..<Int(slot.end)
            let text = unsafe record.extracting(range).withUnsafeBytes {
                unsafe String(validating: $0, as: UTF8.self)
            }
            guard let text else { throw FieldFailure("\(field.name): is not UTF-8") }
            return text
        }
        var scanner = try scanner(field, slot, record)
        return try Self.named(field) { () throws(JSONScanner.Failure) in try scanner.text() }
    }

    /// True when a field is exactly this text.
    @inline(__always)
    func equals(_ field: FormField, _ text: StaticString, _ record: RawSpan) -> Bool {
        guard has(field), let slot = try? slot(field), slot.form == .text else { return false }
        return JSONScanner(record).equals(Int(slot.value)..<Int(slot.end), text)
    }

    /// Bytes: content as it is, or text that is base64.
    func base64(_ field: FormField, _ record: RawSpan) throws(FieldFailure) -> [UInt8] {
        let slot = try slot(field)
        if slot.form == .content {
            return unsafe record.extracting(Int(slot.value)..<Int(slot.end)).withUnsafeBytes {
                unsafe Array($0)
            }
        }
        guard let bytes = Base64.decode(try text(field, record)) else {
            throw FieldFailure("\(field.name): is not base64")
        }
        return bytes
    }

    // MARK: - Books

    /// One side of a book; JSON has it as `[["price","quantity"],…]`.
    mutating func side(
        _ field: FormField, price: Int8, quantity: Int8, _ record: RawSpan
    ) throws(FieldFailure) -> Range<Int> {
        let slot = try slot(field)
        if slot.form == .levels { return Int(slot.value)..<Int(slot.end) }
        let start = levels.count
        var scanner = try scanner(field, slot, record)
        do throws(JSONScanner.Failure) {
            var elements = JSONScanner.Place()
            while try scanner.nextElement(&elements) {
                try scanner.take(UInt8(ascii: "["))
                let one = try scanner.mantissa(under: price)
                try scanner.take(UInt8(ascii: ","))
                let other = try scanner.mantissa(under: quantity)
                try scanner.take(UInt8(ascii: "]"))
                guard let one, let other else {
                    throw scanner.failure("a level that the exponents do not hold")
                }
                append(level: BookLevel(price: one, quantity: other))
            }
        } catch { throw FieldFailure("\(field.name): \(error.reason)") }
        return start..<levels.count
    }

    // MARK: - JSON

    @_lifetime(copy record)
    private func scanner(
        _ field: FormField, _ slot: Slot, _ record: RawSpan
    ) throws(FieldFailure) -> JSONScanner {
        switch slot.form {
        case .json: return JSONScanner(record, from: Int(slot.value))
        default: throw FieldFailure("\(field.name): is of another type than expected")
        }
    }

    static func string(_ record: RawSpan, _ range: Range<Int>) -> String {
        unsafe record.extracting(range).withUnsafeBytes {
            unsafe String(decoding: $0, as: UTF8.self)
        }
    }

    private static func named<Value>(
        _ field: FormField, _ body: () throws(JSONScanner.Failure) -> Value
    ) throws(FieldFailure) -> Value {
        do throws(JSONScanner.Failure) { return try body() } catch {
            throw FieldFailure("\(field.name): \(error.reason)")
        }
    }
}

extension JSONScanner {
    /// Takes a number, or a string with one, as digits under an exponent; nil when they do not fit.
    @_lifetime(self: copy self)
    fileprivate mutating func mantissa(under exponent: Int8) throws(Failure) -> Int64? {
        // Nearly always with as many digits behind the point as the exponent says.
        let (mantissa, own) = try mantissa()
        if own == exponent { return mantissa }
        let number = ExactDecimal(mantissa: Int128(mantissa), exponent: own)
        return number.rescaled(to: exponent).flatMap { Int64(exactly: $0) }
    }
}

extension RawSpan {
    /// One byte; the index is checked.
    @inline(__always)
    fileprivate func byte(_ index: Int) -> UInt8 {
        unsafe unsafeLoad(fromByteOffset: index, as: UInt8.self)
    }
}
