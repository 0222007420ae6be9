/// Bytes that are not Avro, or not as their schema says.
public struct AvroError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, in words.
    public let description: String

    /// An error of whoever reads values.
    public init(_ description: String) { self.description = description }
}

/// Reads values of Avro's binary encoding, one after another. Every length is checked first.
///
/// Source: Apache Avro 1.11 specification, "Binary Encoding".
public struct AvroInput: ~Escapable {
    /// What is read.
    public let bytes: RawSpan
    /// The next byte.
    public private(set) var place: Int

    /// Starts at a byte.
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan, at place: Int = 0) {
        self.bytes = bytes
        self.place = place
    }

    /// True when nothing is left.
    public var isAtEnd: Bool { place >= bytes.byteCount }

    /// An int or long.
    @inline(__always)
    @_lifetime(self: copy self)
    public mutating func long() throws(AvroError) -> Int64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while place < bytes.byteCount {
            let byte = bytes.unsafeLoad(fromUncheckedByteOffset: place, as: UInt8.self)
            place &+= 1
            value |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 {
                guard shift < 63 || byte <= 1 else { break }
                return Int64(bitPattern: value &>> 1) ^ -Int64(bitPattern: value & 1)
            }
            shift &+= 7
            guard shift <= 63 else { break }
        }
        throw AvroError("byte \(place): a number that is cut or over 64 bits")
    }

    /// A length, which its bytes follow: their range, stepped over.
    @inline(__always)
    @_lifetime(self: copy self)
    public mutating func content() throws(AvroError) -> Range<Int> {
        let length = try long()
        guard length >= 0, length <= Int64(bytes.byteCount - place) else {
            throw AvroError("byte \(place): a length of \(length) bytes, which are not there")
        }
        return try fixed(Int(length))
    }

    /// So many bytes: their range, stepped over.
    @inline(__always)
    @_lifetime(self: copy self)
    public mutating func fixed(_ length: Int) throws(AvroError) -> Range<Int> {
        guard length <= bytes.byteCount - place else {
            throw AvroError("byte \(place): the end where \(length) bytes are due")
        }
        place += length
        return (place - length)..<place
    }

    /// A boolean.
    @_lifetime(self: copy self)
    public mutating func boolean() throws(AvroError) -> Bool {
        let range = try fixed(1)
        let byte = bytes.unsafeLoad(fromUncheckedByteOffset: range.lowerBound, as: UInt8.self)
        guard byte <= 1 else { throw AvroError("byte \(range.lowerBound): neither true nor false") }
        return byte == 1
    }

    /// A decimal's digits: big-endian two's complement of at most 16 bytes.
    @_lifetime(self: copy self)
    public mutating func decimal(length: Int?) throws(AvroError) -> Int128 {
        let range = if let length { try fixed(length) } else { try content() }
        guard (1...16).contains(range.count) else {
            throw AvroError("byte \(range.lowerBound): a decimal of \(range.count) bytes")
        }
        // As this product writes them.
        if range.count == 16 {
            let high = bytes.unsafeLoadUnaligned(
                fromUncheckedByteOffset: range.lowerBound, as: Int64.self)
            let low = bytes.unsafeLoadUnaligned(
                fromUncheckedByteOffset: range.lowerBound + 8, as: UInt64.self)
            return Int128(Int64(bigEndian: high)) << 64 | Int128(UInt64(bigEndian: low))
        }
        var value: Int128 = 0
        for index in range {
            let byte = bytes.unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self)
            if index == range.lowerBound, byte >= 0x80 { value = -1 }
            value = value << 8 | Int128(byte)
        }
        return value
    }

    /// How many elements the next block of an array or map has; 0 at its end.
    @_lifetime(self: copy self)
    public mutating func blockCount() throws(AvroError) -> Int {
        let count = try long()
        if count < 0 {
            // The bytes of the block follow, for who skips it.
            _ = try long()
            guard count > -(1 << 31) else { throw AvroError("byte \(place): a block without end") }
            return Int(-count)
        }
        // An element of no bytes would let a small number take all time.
        guard count <= 1 << 31 else { throw AvroError("byte \(place): a block without end") }
        return Int(count)
    }

    /// Steps over a value.
    @_lifetime(self: copy self)
    public mutating func skip(_ type: AvroType) throws(AvroError) {
        switch type {
        case .null: break
        case .boolean: _ = try fixed(1)
        case .long, .enumeration: _ = try long()
        case .float: _ = try fixed(4)
        case .double: _ = try fixed(8)
        case .bytes, .string: _ = try content()
        case .fixed(let length): _ = try fixed(length)
        case .decimal(_, let length):
            if let length { _ = try fixed(length) } else { _ = try content() }
        case .array(let element):
            while case let count = try blockCount(), count > 0 {
                for _ in 0..<count {
                    let before = place
                    try skip(element)
                    guard place > before else {
                        throw AvroError("byte \(place): elements of no bytes")
                    }
                }
            }
        case .map(let value):
            while case let count = try blockCount(), count > 0 {
                for _ in 0..<count {
                    _ = try content()
                    try skip(value)
                }
            }
        case .union(let types): try skip(try branch(of: types))
        case .record(_, let fields): for field in fields { try skip(field.type) }
        }
    }

    /// Which type of a union is next.
    @_lifetime(self: copy self)
    public mutating func branch(of types: [AvroType]) throws(AvroError) -> AvroType {
        let index = try long()
        guard index >= 0, index < types.count else {
            throw AvroError("byte \(place): a union has no type \(index)")
        }
        return types[Int(index)]
    }
}
