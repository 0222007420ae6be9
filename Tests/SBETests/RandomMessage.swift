import SchemaModel

/// Writes random messages by walking a schema: any version, blocks longer than known, some nulls.
struct RandomMessage {
    private let schema: Schema
    private let version: UInt16
    private var bytes: [UInt8] = []
    private var numbers: SeededNumbers

    /// A message that a writer of `version` could have sent.
    static func bytes(
        _ schema: Schema, _ message: Message, version: UInt16, seed: UInt64
    ) -> [UInt8] {
        var writer = RandomMessage(schema: schema, version: version, seed: seed)
        let block = writer.blockLength(message.body)
        writer.put(UInt64(block), 2)
        writer.put(UInt64(message.id), 2)
        writer.put(UInt64(schema.id), 2)
        writer.put(UInt64(version), 2)
        writer.body(message.body, blockLength: block)
        return writer.bytes
    }

    private init(schema: Schema, version: UInt16, seed: UInt64) {
        self.schema = schema
        self.version = version
        numbers = SeededNumbers(state: seed)
    }

    /// A newer version's block may be longer than this one's.
    private mutating func blockLength(_ body: Body) -> Int {
        let length =
            version >= schema.version ? body.blockLength : body.fieldLength(version: version)
        return length + (version > schema.version ? Int.random(in: 0...9, using: &numbers) : 0)
    }

    private mutating func body(_ body: Body, blockLength: Int) {
        let start = bytes.count
        for _ in 0..<blockLength { bytes.append(UInt8.random(in: 0...255, using: &numbers)) }
        for field in body.fields where field.presence == .optional && field.since <= version {
            guard Int.random(in: 0..<3, using: &numbers) == 0 else { continue }
            setNull(field.type, at: start + field.offset)
        }
        for group in body.groups where group.since <= version {
            let count = Int.random(in: 0...3, using: &numbers)
            let block = self.blockLength(group.body)
            let dimension = group.dimension
            let header = bytes.count
            bytes += [UInt8](repeating: 0, count: dimension.length)
            set(
                UInt64(block), dimension.blockLength.primitive.length,
                at: header + dimension.blockLength.offset)
            set(
                UInt64(count), dimension.count.primitive.length, at: header + dimension.count.offset
            )
            for _ in 0..<count { self.body(group.body, blockLength: block) }
        }
        for data in body.data where data.since <= version {
            let length = Int.random(in: 0...12, using: &numbers)
            put(UInt64(length), data.primitive.length)
            for _ in 0..<length { bytes.append(UInt8.random(in: 0...255, using: &numbers)) }
        }
    }

    private mutating func setNull(_ type: SchemaType, at offset: Int) {
        switch type {
        case .encoded(let type) where !type.isArray:
            set(word(type.null), type.primitive.length, at: offset)
        case .enumeration(let type):
            set(word(type.null), type.primitive.length, at: offset)
        case .composite(let type) where type.isInt128:
            set(0, 8, at: offset)
            set(1 << 63, 8, at: offset + 8)
        default: break
        }
    }

    private func word(_ number: SchemaNumber) -> UInt64 {
        switch number {
        case .signed(let value): UInt64(bitPattern: value)
        case .unsigned(let value): value
        case .real(let value): value.bitPattern
        case .notANumber: UInt64(Float.nan.bitPattern)
        }
    }

    private mutating func put(_ value: UInt64, _ length: Int) {
        bytes += [UInt8](repeating: 0, count: length)
        set(value, length, at: bytes.count - length)
    }

    private mutating func set(_ value: UInt64, _ length: Int, at offset: Int) {
        for index in 0..<length {
            let place = schema.isBigEndian ? length - 1 - index : index
            bytes[offset + place] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
        }
    }
}
