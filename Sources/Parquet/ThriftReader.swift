/// Reads structures in Thrift's compact protocol that may come from anybody: each length is compared
/// with what is left before anything is allocated, fields that are not known are passed over.
///
/// Source: apache/thrift, doc/specs/thrift-compact-protocol.md.
struct ThriftReader: ~Escapable {
    typealias Kind = ThriftWriter.Kind

    /// Structures within structures; the format's own have six.
    private static let deepest = 24

    private let bytes: RawSpan
    private(set) var position: Int
    /// Where the bytes are in the file, for messages.
    private let base: Int64
    private var last: Int16 = 0
    private var depth = 0

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan, at base: Int64) {
        self.bytes = bytes
        self.base = base
        position = 0
    }

    func failure(_ reason: String) -> ParquetError {
        .damaged(offset: base &+ Int64(position), reason)
    }

    // MARK: - Structures

    /// The head of a field.
    struct Field {
        let id: Int16
        let type: UInt8
    }

    /// Reads a structure: `body` takes the value of each field that it knows, and returns false for
    /// the others.
    mutating func structure(
        _ body: (inout ThriftReader, Field) throws(ParquetError) -> Bool
    ) throws(ParquetError) {
        guard depth < Self.deepest else { throw failure("structures are nested too deeply") }
        depth += 1
        let outer = last
        last = 0
        while let field = try next() {
            if try !body(&self, field) { try skip(field.type) }
        }
        last = outer
        depth -= 1
    }

    private mutating func next() throws(ParquetError) -> Field? {
        let head = try byte()
        if head == 0 { return nil }
        let step = Int16(head >> 4)
        let id: Int16
        if step == 0 {
            guard let value = Int16(exactly: try zigzag()) else {
                throw failure("a field id beyond 16 bits")
            }
            id = value
        } else {
            let (sum, overflows) = last.addingReportingOverflow(step)
            guard !overflows else { throw failure("a field id beyond 16 bits") }
            id = sum
        }
        last = id
        return Field(id: id, type: head & 0x0F)
    }

    /// Reads a list's head.
    ///
    /// - Parameter most: more elements are refused.
    mutating func list(
        _ field: Field, of kind: Kind, most: Int
    ) throws(ParquetError) -> Int {
        try require(field, .list)
        let head = try byte()
        let count = try elements(head)
        // Booleans may be declared by either of their two types.
        let type = head & 0x0F
        guard type == kind.rawValue || kind == .yes && type == Kind.no.rawValue || count == 0 else {
            throw failure("a list of type \(type) instead of \(kind.rawValue)")
        }
        guard count <= most else { throw failure("a list of \(count), more than \(most)") }
        return count
    }

    private mutating func elements(_ head: UInt8) throws(ParquetError) -> Int {
        let count = head >> 4 == 15 ? try varint() : UInt64(head >> 4)
        // Each element has a byte at least.
        guard count <= UInt64(bytes.byteCount - position) else {
            throw failure("a list of \(count) elements in \(bytes.byteCount - position) bytes")
        }
        return Int(count)
    }

    // MARK: - Values of fields

    mutating func int32(_ field: Field) throws(ParquetError) -> Int32 {
        try require(field, .int32)
        return try int32()
    }

    mutating func int64(_ field: Field) throws(ParquetError) -> Int64 {
        try require(field, .int64)
        return try zigzag()
    }

    mutating func boolean(_ field: Field) throws(ParquetError) -> Bool {
        guard field.type == Kind.yes.rawValue || field.type == Kind.no.rawValue else {
            throw failure("field \(field.id) is not a boolean")
        }
        return field.type == Kind.yes.rawValue
    }

    mutating func binary(_ field: Field) throws(ParquetError) -> [UInt8] {
        try require(field, .binary)
        return try binary()
    }

    mutating func text(_ field: Field) throws(ParquetError) -> String {
        String(decoding: try binary(field), as: UTF8.self)
    }

    /// Says that a field's value follows as a structure.
    func require(_ field: Field, _ kind: Kind) throws(ParquetError) {
        guard field.type == kind.rawValue else {
            throw failure("field \(field.id) has type \(field.type), not \(kind.rawValue)")
        }
    }

    // MARK: - Values

    mutating func int32() throws(ParquetError) -> Int32 {
        guard let value = Int32(exactly: try zigzag()) else {
            throw failure("a number beyond 32 bits")
        }
        return value
    }

    mutating func binary() throws(ParquetError) -> [UInt8] {
        let range = try content()
        return bytes.extracting(range).withUnsafeBytes { Array($0) }
    }

    private mutating func content() throws(ParquetError) -> Range<Int> {
        let length = try varint()
        guard length <= UInt64(bytes.byteCount - position) else {
            throw failure("\(length) bytes are announced, \(bytes.byteCount - position) are left")
        }
        let start = position
        position += Int(length)
        return start..<position
    }

    mutating func zigzag() throws(ParquetError) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1 ^ (0 &- (value & 1)))
    }

    private mutating func varint() throws(ParquetError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            let next = try byte()
            value |= UInt64(next & 0x7F) &<< shift
            if next & 0x80 == 0 {
                guard shift < 63 || next <= 1 else { break }
                return value
            }
        }
        throw failure("a number beyond 64 bits")
    }

    mutating func byte() throws(ParquetError) -> UInt8 {
        guard position < bytes.byteCount else { throw failure("the structure is cut off") }
        defer { position += 1 }
        return bytes.unsafeLoad(fromByteOffset: position, as: UInt8.self)
    }

    // MARK: - What is not known

    private mutating func skip(_ type: UInt8, inList: Bool = false) throws(ParquetError) {
        switch type {
        case 1, 2: if inList { _ = try byte() }
        case 3: _ = try byte()
        case 4...6: _ = try varint()
        case 7:
            guard bytes.byteCount - position >= 8 else { throw failure("a number is cut off") }
            position += 8
        case 8: _ = try content()
        case 9, 10:
            let head = try byte()
            try skip(head & 0x0F, times: try elements(head))
        case 11: try skipMap()
        case 12: try structure { (_, _) throws(ParquetError) in false }
        default: throw failure("type \(type) does not exist")
        }
    }

    private mutating func skip(_ type: UInt8, times: Int) throws(ParquetError) {
        guard depth < Self.deepest else { throw failure("lists are nested too deeply") }
        depth += 1
        for _ in 0..<times { try skip(type, inList: true) }
        depth -= 1
    }

    private mutating func skipMap() throws(ParquetError) {
        let count = try varint()
        guard count > 0 else { return }
        guard count <= UInt64(bytes.byteCount - position) else { throw failure("a map is cut off") }
        let types = try byte()
        guard depth < Self.deepest else { throw failure("maps are nested too deeply") }
        depth += 1
        for _ in 0..<count {
            try skip(types >> 4, inList: true)
            try skip(types & 0x0F, inList: true)
        }
        depth -= 1
    }
}
