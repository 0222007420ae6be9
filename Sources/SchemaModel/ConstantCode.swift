/// A value that takes no bytes on the wire.
struct ConstantCode {
    let type: String
    let literal: String

    /// A constant type's own value.
    init(_ encoded: EncodedType) {
        let text = encoded.constant ?? ""
        if encoded.primitive == .char, encoded.count != 1 {
            type = "StaticString"
            literal = "\"\(text.escaped)\""
        } else {
            type = encoded.primitive.swiftType
            literal = encoded.primitive.number(text)?.literal ?? "0"
        }
    }

    /// A constant field's value: its type's, or an enum's.
    init?(_ field: Field, qualifier: String) {
        switch field.type {
        case .encoded(let encoded):
            self.init(encoded)
            if let value = field.valueReference { self.init(type, value.number.literal) }
        case .enumeration(let type) where type.isBoolean:
            self.init("Bool", field.valueReference?.number == .unsigned(1) ? "true" : "false")
        case .enumeration(let type):
            guard let value = field.valueReference else { return nil }
            let name = qualifier + SwiftNames.type(type.name)
            self.init(name, "\(name).\(SwiftNames.property(value.name))")
        default:
            return nil
        }
    }

    private init(_ type: String, _ literal: String) {
        self.type = type
        self.literal = literal
    }

    /// A declaration.
    func property(_ name: String) -> String {
        "@inlinable public var \(name): \(type) { \(literal) }"
    }
}

extension String {
    fileprivate var escaped: String {
        reduce(into: "") { text, character in
            if character == "\\" || character == "\"" { text.append("\\") }
            text.append(character)
        }
    }
}
