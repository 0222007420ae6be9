/// Emits the types that fields have: enums, sets and composites.
struct TypeEmitter {
    let isBigEndian: Bool
    let qualifier: String

    /// The code of a type, or nil where the type needs none of its own.
    func code(_ type: SchemaType) -> CodePrinter? {
        var out = CodePrinter()
        switch type {
        case .encoded: return nil
        case .enumeration(let type):
            if type.isBoolean { return nil }
            enumeration(type, &out)
        case .set(let type): set(type, &out)
        case .composite(let type):
            if type.isInt128 { return nil }
            composite(type, &out)
        }
        return out
    }

    private func enumeration(_ type: EnumType, _ out: inout CodePrinter) {
        let name = SwiftNames.type(type.name)
        out.doc(type.description.isEmpty ? "A \(type.name) of the schema." : type.description)
        out.line("///")
        out.doc("Values that a newer schema may add are kept as they are.")
        out.line("@frozen")
        let protocols = "RawRepresentable, Hashable, Sendable, CustomStringConvertible"
        out.block("public struct \(name): \(protocols)") { out in
            rawValue(type.primitive, &out)
            for value in type.values {
                out.line("")
                out.doc(value.description.isEmpty ? "`\(value.name)`." : value.description)
                out.line(
                    "@inlinable public static var \(SwiftNames.property(value.name)): \(name) {"
                        + " \(name)(rawValue: \(value.number.literal)) }")
            }
            out.line("")
            out.doc("The name in the schema, or the number of a value that it does not have.")
            out.block("public var description: String") { out in
                out.line("switch rawValue {")
                for value in type.values {
                    out.line("case \(value.number.literal): \"\(value.name)\"")
                }
                out.line("default: \"\\(rawValue)\"", "}")
            }
        }
    }

    private func set(_ type: SetType, _ out: inout CodePrinter) {
        let name = SwiftNames.type(type.name)
        out.doc(type.description.isEmpty ? "A \(type.name) of the schema." : type.description)
        out.line("@frozen")
        out.block("public struct \(name): OptionSet, Hashable, Sendable") { out in
            rawValue(type.primitive, &out)
            for choice in type.choices {
                out.line("")
                out.doc(choice.description.isEmpty ? "`\(choice.name)`." : choice.description)
                out.line(
                    "@inlinable public static var \(SwiftNames.property(choice.name)): \(name) {"
                        + " \(name)(rawValue: 1 << \(choice.bit)) }")
            }
        }
    }

    private func rawValue(_ primitive: Primitive, _ out: inout CodePrinter) {
        out.doc("As on the wire.")
        out.line("public var rawValue: \(primitive.swiftType)", "")
        out.doc("From a value on the wire; any is allowed.")
        out.line("@inlinable")
        out.line("public init(rawValue: \(primitive.swiftType)) { self.rawValue = rawValue }")
    }

    // MARK: - Composites

    private func composite(_ type: CompositeType, _ out: inout CodePrinter) {
        let name = SwiftNames.type(type.name)
        let members = type.members.filter { !$0.isConstant }
        let isHashable = members.allSatisfy { !$0.isArray }
        out.doc(type.description.isEmpty ? "A \(type.name) of the schema." : type.description)
        out.line("@frozen")
        out.block("public struct \(name): \(isHashable ? "Hashable, " : "")Sendable") { out in
            for member in type.members {
                let property = SwiftNames.property(member.name)
                out.doc(member.words)
                if member.isConstant, case .encoded(let encoded) = member.type {
                    out.line(ConstantCode(encoded).property(property))
                } else {
                    out.line("public var \(property): \(code(member).memberType)")
                }
                out.line("")
            }
            let parameters = members.map {
                "\(SwiftNames.property($0.name)): \(code($0).memberType)"
            }
            out.doc("From its values.")
            out.line("@inlinable")
            out.block("public init(\(parameters.joined(separator: ", ")))") { out in
                for member in members {
                    let property = SwiftNames.property(member.name)
                    out.line("self.\(property) = \(property)")
                }
            }
            out.line("", "@unsafe @inlinable")
            out.block("init(sbe sbeBytes: RawSpan, at sbeOffset: Int)") { out in
                for member in members { read(member, &out) }
            }
            out.line("", "@unsafe @inlinable @_lifetime(sbeBytes: copy sbeBytes)")
            out.block("func store(sbe sbeBytes: inout MutableRawSpan, at sbeOffset: Int)") { out in
                for member in members {
                    let property = "self.\(SwiftNames.property(member.name))"
                    for line in code(member).write(
                        property, in: "sbeBytes", at: "sbeOffset + \(member.offset)")
                    {
                        out.line(line)
                    }
                }
            }
        }
    }

    private func read(_ member: CompositeType.Member, _ out: inout CodePrinter) {
        let property = "self.\(SwiftNames.property(member.name))"
        let lines = code(member).read(in: "sbeBytes", at: "sbeOffset + \(member.offset)")
        if lines.count == 1 {
            out.line("\(property) = \(lines[0])")
        } else {
            out.block("do") { out in
                out.line(lines[0])
                let value = lines[1].replacingPrefix("return ", with: "")
                out.line("\(property) = \(value)")
            }
        }
    }

    /// Arrays in a composite are copied, bytes too: a composite is a value.
    private func code(_ member: CompositeType.Member) -> ValueCode {
        var presence = Presence.required
        if case .encoded(let encoded) = member.type { presence = encoded.presence }
        return ValueCode(
            member.type, presence: presence, bigEndian: isBigEndian, qualifier: qualifier,
            copiesBytes: true)
    }
}

extension ValueCode {
    fileprivate var memberType: String { fullType }
}

extension CompositeType.Member {
    var isConstant: Bool {
        if case .encoded(let encoded) = type { encoded.presence == .constant } else { false }
    }

    fileprivate var isArray: Bool {
        switch type {
        case .encoded(let encoded): encoded.isArray
        case .composite(let composite):
            composite.members.contains { !$0.isConstant && $0.isArray }
        default: false
        }
    }

    fileprivate var words: String {
        if case .encoded(let encoded) = type, !encoded.description.isEmpty {
            return encoded.description
        }
        return "`\(name)` of the schema."
    }
}

extension String {
    func replacingPrefix(_ prefix: String, with other: String) -> String {
        hasPrefix(prefix) ? other + dropFirst(prefix.count) : self
    }
}
