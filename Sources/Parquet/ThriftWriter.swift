import Posix

/// Structures in Thrift's compact protocol, in which Parquet keeps everything that is not values.
///
/// Source: apache/thrift, doc/specs/thrift-compact-protocol.md.
struct ThriftWriter: ~Copyable {
    /// Types by their number in a field's or a list's head.
    enum Kind: UInt8 {
        case yes = 1
        case no = 2
        case byte = 3
        case int32 = 5
        case int64 = 6
        case binary = 8
        case list = 9
        case structure = 12
    }

    private(set) var bytes: Bytes
    /// The id of the field before, in the structure at hand.
    private var last: Int16 = 0

    init(capacity: Int = 512) { bytes = Bytes(capacity: capacity) }

    mutating func removeAll() {
        bytes.removeAll()
        last = 0
    }

    // MARK: - Fields

    mutating func int32(_ id: Int16, _ value: Int32) {
        head(id, .int32)
        bytes.append(zigzag: Int64(value))
    }

    mutating func int64(_ id: Int16, _ value: Int64) {
        head(id, .int64)
        bytes.append(zigzag: value)
    }

    mutating func byte(_ id: Int16, _ value: Int8) {
        head(id, .byte)
        bytes.append(UInt8(bitPattern: value))
    }

    mutating func boolean(_ id: Int16, _ value: Bool) { head(id, value ? .yes : .no) }

    mutating func text(_ id: Int16, _ value: String) {
        head(id, .binary)
        element(value)
    }

    mutating func binary(_ id: Int16, _ value: [UInt8]) {
        head(id, .binary)
        element(value)
    }

    /// A field that is a structure, or a union of one field.
    mutating func structure(_ id: Int16, _ body: (inout ThriftWriter) -> Void) {
        head(id, .structure)
        element(body)
    }

    /// A field that is a list, whose elements are written by `body`.
    mutating func list(
        _ id: Int16, _ kind: Kind, count: Int, _ body: (inout ThriftWriter) -> Void
    ) {
        head(id, .list)
        if count < 15 {
            bytes.append(UInt8(count) << 4 | kind.rawValue)
        } else {
            bytes.append(0xF0 | kind.rawValue)
            bytes.append(varint: UInt64(count))
        }
        body(&self)
    }

    // MARK: - Elements of a list

    mutating func element(_ value: Int32) { bytes.append(zigzag: Int64(value)) }
    mutating func element(_ value: Int64) { bytes.append(zigzag: value) }
    mutating func element(_ value: Bool) { bytes.append(value ? 1 : 2) }

    mutating func element(_ text: String) {
        bytes.append(varint: UInt64(text.utf8.count))
        bytes.append(utf8: text)
    }

    mutating func element(_ binary: [UInt8]) {
        bytes.append(varint: UInt64(binary.count))
        bytes.append(binary.span.bytes)
    }

    /// A structure as an element, or the one at the top.
    mutating func element(_ body: (inout ThriftWriter) -> Void) {
        let outer = last
        last = 0
        body(&self)
        bytes.append(0)
        last = outer
    }

    private mutating func head(_ id: Int16, _ kind: Kind) {
        let step = id - last
        if (1...15).contains(step) {
            bytes.append(UInt8(step) << 4 | kind.rawValue)
        } else {
            bytes.append(kind.rawValue)
            bytes.append(zigzag: Int64(id))
        }
        last = id
    }
}

extension Bytes {
    /// Appends a number of any size: seven bits to a byte, low bits first.
    mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    /// Appends a signed number: 0, −1, 1, −2 are 0, 1, 2, 3.
    mutating func append(zigzag value: Int64) {
        append(varint: UInt64(bitPattern: value &<< 1 ^ value &>> 63))
    }
}
