/// SBE's primitive types. Source: FIX Simple Binary Encoding 1.0, section 2.4.
public enum Primitive: String, CaseIterable, Sendable {
    case char, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float, double

    /// Bytes of one value.
    public var length: Int {
        switch self {
        case .char, .int8, .uint8: 1
        case .int16, .uint16: 2
        case .int32, .uint32, .float: 4
        case .int64, .uint64, .double: 8
        }
    }

    /// True for the unsigned integers and char, which may encode enums, sets and lengths.
    public var isUnsigned: Bool {
        switch self {
        case .char, .uint8, .uint16, .uint32, .uint64: true
        default: false
        }
    }

    /// True for float and double.
    public var isFloat: Bool { self == .float || self == .double }

    /// The Swift type of a field.
    public var swiftType: String {
        switch self {
        case .char, .uint8: "UInt8"
        case .int8: "Int8"
        case .int16: "Int16"
        case .int32: "Int32"
        case .int64: "Int64"
        case .uint16: "UInt16"
        case .uint32: "UInt32"
        case .uint64: "UInt64"
        case .float: "Float"
        case .double: "Double"
        }
    }

    /// The integer that carries it on the wire.
    public var wireType: String {
        switch self {
        case .float: "UInt32"
        case .double: "UInt64"
        default: swiftType
        }
    }

    /// The value that stands for null, unless the schema names another; floats use NaN.
    public var null: SchemaNumber {
        switch self {
        case .char: .unsigned(0)
        case .int8: .signed(Int64(Int8.min))
        case .int16: .signed(Int64(Int16.min))
        case .int32: .signed(Int64(Int32.min))
        case .int64: .signed(.min)
        case .uint8: .unsigned(UInt64(UInt8.max))
        case .uint16: .unsigned(UInt64(UInt16.max))
        case .uint32: .unsigned(UInt64(UInt32.max))
        case .uint64: .unsigned(.max)
        case .float, .double: .notANumber
        }
    }

    /// The greatest value of an unsigned integer.
    public var maximum: UInt64 {
        length == 8 ? .max : (1 << UInt64(8 * length)) - 1
    }

    /// Reads a number as a schema writes it: a char may be a letter.
    func number(_ text: String) -> SchemaNumber? {
        let text = text.trimmingSpaces
        switch self {
        case .char:
            // A single character stands for itself, unless it is a digit.
            let bytes = Array(text.utf8)
            if bytes.count == 1, !(48...57).contains(bytes[0]) {
                return .unsigned(UInt64(bytes[0]))
            }
            return UInt8(text).map { .unsigned(UInt64($0)) }
        case .int8: return Int8(text).map { .signed(Int64($0)) }
        case .int16: return Int16(text).map { .signed(Int64($0)) }
        case .int32: return Int32(text).map { .signed(Int64($0)) }
        case .int64: return Int64(text).map { .signed($0) }
        case .uint8: return UInt8(text).map { .unsigned(UInt64($0)) }
        case .uint16: return UInt16(text).map { .unsigned(UInt64($0)) }
        case .uint32: return UInt32(text).map { .unsigned(UInt64($0)) }
        case .uint64: return UInt64(text).map { .unsigned($0) }
        case .float: return Float(text).map { .real(Double($0)) }
        case .double: return Double(text).map { .real($0) }
        }
    }
}

/// A number that a schema gives: a null value, a constant, an enum's value.
public enum SchemaNumber: Equatable, Sendable {
    /// Of a signed integer.
    case signed(Int64)
    /// Of an unsigned integer or a char.
    case unsigned(UInt64)
    /// Of a float or double.
    case real(Double)
    /// NaN, the null of floats.
    case notANumber

    /// As a Swift literal.
    public var literal: String {
        switch self {
        case .signed(let value): "\(value)"
        case .unsigned(let value): "\(value)"
        case .real(let value): "\(value)"
        case .notANumber: ".nan"
        }
    }
}

extension String {
    var trimmingSpaces: String {
        var text = Substring(self)
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}
