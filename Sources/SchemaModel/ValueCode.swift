/// How one value reads and writes in Swift: the same for fields and members of composites.
struct ValueCode {
    /// What the getter returns, without the `?` of optional values.
    var type: String
    /// True where a value on the wire stands for nil.
    var isNullable: Bool
    private let form: Form
    private let order: String

    private enum Form {
        case number(Primitive, null: SchemaNumber)
        case boolean(Primitive, null: SchemaNumber)
        case coded(Primitive, name: String, null: SchemaNumber)
        case int128
        case composite(String)
        case bytes(Int)
        case numbers(Primitive, Int)
    }

    /// - Parameters:
    ///   - qualifier: `REST.` where types are in a namespace.
    ///   - copiesBytes: true where a run of bytes is a value of its own instead of lent.
    init(
        _ type: SchemaType, presence: Presence, bigEndian: Bool, qualifier: String,
        copiesBytes: Bool = false
    ) {
        order = bigEndian ? "big" : "little"
        let isOptional = presence == .optional
        switch type {
        case .encoded(let encoded)
        where encoded.isArray && encoded.primitive.length == 1 && !copiesBytes:
            form = .bytes(encoded.count)
            (self.type, isNullable) = ("RawSpan", false)
        case .encoded(let encoded) where encoded.isArray:
            form = .numbers(encoded.primitive, encoded.count)
            self.type = "InlineArray<\(encoded.count), \(encoded.primitive.swiftType)>"
            isNullable = false
        case .encoded(let encoded):
            form = .number(encoded.primitive, null: encoded.null)
            (self.type, isNullable) = (encoded.primitive.swiftType, isOptional)
        case .enumeration(let type) where type.isBoolean:
            form = .boolean(type.primitive, null: type.null)
            (self.type, isNullable) = ("Bool", isOptional)
        case .enumeration(let type):
            let name = qualifier + SwiftNames.type(type.name)
            form = .coded(type.primitive, name: name, null: type.null)
            (self.type, isNullable) = (name, isOptional)
        case .set(let type):
            // A set has no null: no bit set is a value.
            let name = qualifier + SwiftNames.type(type.name)
            form = .coded(type.primitive, name: name, null: .unsigned(0))
            (self.type, isNullable) = (name, false)
        case .composite(let type) where type.isInt128:
            form = .int128
            (self.type, isNullable) = ("Int128", isOptional)
        case .composite(let type):
            let name = qualifier + SwiftNames.type(type.name)
            form = .composite(name)
            (self.type, isNullable) = (name, false)
        }
    }

    /// True for a run of bytes, which is lent, not copied.
    var isBytes: Bool { if case .bytes = form { true } else { false } }
    /// The number of bytes of a run of bytes.
    var byteCount: Int? { if case .bytes(let count) = form { count } else { nil } }
    /// For a Bool: the integer behind it, in which a value may be neither.
    var rawBoolean: Primitive? {
        if case .boolean(let primitive, _) = form { primitive } else { nil }
    }
    /// The getter's whole type.
    var fullType: String { isNullable ? type + "?" : type }

    // MARK: - Reading

    /// The bits on the wire.
    func bits(_ primitive: Primitive, in bytes: String, at offset: String) -> String {
        "unsafe \(bytes).\(order)(\(offset), as: \(primitive.wireType).self)"
    }

    /// Statements that return the value found at an offset, or an expression when there is one.
    func read(in bytes: String, at offset: String) -> [String] {
        switch form {
        case .number(let primitive, let null):
            let load = bits(primitive, in: bytes, at: offset)
            let value = primitive.isFloat ? "\(type)(bitPattern: \(load))" : load
            guard isNullable else { return [value] }
            let isNull = null == .notANumber ? "value.isNaN" : "value == \(null.literal)"
            return ["let value = \(value)", "return \(isNull) ? nil : value"]
        case .boolean(let primitive, let null):
            let load = bits(primitive, in: bytes, at: offset)
            guard isNullable else { return ["\(load) == 1"] }
            return ["let value = \(load)", "return value == \(null.literal) ? nil : value == 1"]
        case .coded(let primitive, let name, let null):
            let load = bits(primitive, in: bytes, at: offset)
            guard isNullable else { return ["\(name)(rawValue: \(load))"] }
            return [
                "let value = \(load)",
                "return value == \(null.literal) ? nil : \(name)(rawValue: value)",
            ]
        case .int128:
            let value: String
            if order == "little" {
                value = "unsafe \(bytes).little(\(offset), as: Int128.self)"
            } else {
                // The low half comes first in either byte order.
                let low = bits(.uint64, in: bytes, at: offset)
                let high = bits(.int64, in: bytes, at: offset + " + 8")
                value =
                    "Int128(truncatingIfNeeded: \(high)) << 64 | Int128(truncatingIfNeeded: \(low))"
            }
            return isNullable
                ? ["let value = \(value)", "return value == .min ? nil : value"] : [value]
        case .composite(let name):
            return ["unsafe \(name)(sbe: \(bytes), at: \(offset))"]
        case .bytes(let count):
            return ["unsafe \(bytes).part(\(offset), length: \(count))"]
        case .numbers(let primitive, _):
            let at = "\(offset) + $0 * \(primitive.length)"
            let load = bits(primitive, in: bytes, at: at)
            let value = primitive.isFloat ? "\(primitive.swiftType)(bitPattern: \(load))" : load
            return ["InlineArray { \(value) }"]
        }
    }

    // MARK: - Writing

    /// Statements that write null at an offset; only for nullable values.
    func writeNull(in bytes: String, at offset: String) -> [String] {
        switch form {
        case .int128: write("(nil as Int128?)", in: bytes, at: offset)
        case .number(let primitive, let null), .boolean(let primitive, let null),
            .coded(let primitive, _, let null):
            [
                "unsafe \(bytes).\(order == "little" ? "storeLittle" : "storeBig")("
                    + (primitive.isFloat
                        ? "\(primitive.swiftType)(\(floatNull(null))).bitPattern"
                        : "\(null.literal) as \(primitive.wireType)") + ", at: \(offset))"
            ]
        default: []
        }
    }

    private func floatNull(_ null: SchemaNumber) -> String {
        null == .notANumber ? "\(type).nan" : null.literal
    }

    /// Statements that write `value` at an offset.
    func write(_ value: String, in bytes: String, at offset: String) -> [String] {
        func store(_ expression: String, at offset: String) -> String {
            let name = order == "little" ? "storeLittle" : "storeBig"
            return "unsafe \(bytes).\(name)(\(expression), at: \(offset))"
        }
        switch form {
        case .number(let primitive, let null):
            let number = isNullable ? "(\(value) ?? \(null.literal))" : value
            let wire =
                primitive.isFloat
                ? "\(isNullable ? "(\(value) ?? \(floatNull(null)))" : value).bitPattern"
                : "\(number)"
            return [store(primitive.isFloat ? wire : "\(number) as \(type)", at: offset)]
        case .boolean(let primitive, let null):
            let wire = primitive.wireType
            guard isNullable else {
                return [store("(\(value) ? 1 : 0) as \(wire)", at: offset)]
            }
            return [
                store(
                    "(\(value) == nil ? \(null.literal) : \(value) == true ? 1 : 0) as \(wire)",
                    at: offset)
            ]
        case .coded(let primitive, _, let null):
            let wire =
                isNullable
                ? "(\(value)?.rawValue ?? \(null.literal)) as \(primitive.wireType)"
                : "\(value).rawValue"
            return [store(wire, at: offset)]
        case .int128:
            let number = isNullable ? "(\(value) ?? .min)" : value
            if order == "little" { return [store("\(number) as Int128", at: offset)] }
            return [
                store("UInt64(truncatingIfNeeded: \(number))", at: offset),
                store("Int64(truncatingIfNeeded: \(number) >> 64)", at: "\(offset) + 8"),
            ]
        case .composite:
            return ["unsafe \(value).store(sbe: &\(bytes), at: \(offset))"]
        case .bytes:
            return ["unsafe \(bytes).copy(\(value), to: \(offset))"]
        case .numbers(let primitive, let count):
            let element =
                primitive.isFloat ? "\(value)[sbeElement].bitPattern" : "\(value)[sbeElement]"
            return [
                "for sbeElement in 0..<\(count) {",
                "    " + store(element, at: "\(offset) + sbeElement * \(primitive.length)"),
                "}",
            ]
        }
    }
}
