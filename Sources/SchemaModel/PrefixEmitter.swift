/// Emits what all messages of a schema begin with: one view of those fields, and one function that
/// writes them. Decoders and encoders then have only their own fields.
struct PrefixEmitter {
    let schema: Schema
    let name: String
    let fields: [Field]
    let qualifier: String

    /// The fields that every message begins with, at the same place; none when messages differ in
    /// their first field, or when there is only one message.
    static func shared(_ messages: [Message]) -> [Field] {
        guard let first = messages.first, messages.count > 1 else { return [] }
        var shared: [Field] = []
        for (index, field) in first.body.fields.enumerated() {
            let isShared = messages.allSatisfy { message in
                guard index < message.body.fields.count else { return false }
                let other = message.body.fields[index]
                return other.name == field.name && other.type.name == field.type.name
                    && other.offset == field.offset && other.presence == .required
                    && other.since == 0
            }
            guard isShared else { break }
            shared.append(field)
        }
        return shared
    }

    private var length: Int { fields.map { $0.offset + $0.length }.max() ?? 0 }

    func code() -> CodePrinter {
        var out = CodePrinter()
        out.doc("The fields that every message of the schema begins with.")
        out.line("@frozen")
        out.block("public struct \(name): ~Escapable") { out in
            out.doc("The schema id.")
            out.line("@inlinable public static var schemaID: UInt16 { \(schema.id) }")
            out.doc("The schema version that this code was generated from.")
            out.line("@inlinable public static var schemaVersion: UInt16 { \(schema.version) }")
            out.doc("Bytes of these fields.")
            out.line("@inlinable public static var length: Int { \(length) }", "")
            out.line(
                "@usableFromInline let sbeBytes: RawSpan", "@usableFromInline let sbeStart: Int")
            out.line("")
            out.doc("Looks at the root block that starts at a byte. Its maker has checked that")
            out.doc("``length`` bytes from there on are inside.")
            out.line("@unsafe @inlinable @inline(__always) @_lifetime(copy bytes)")
            out.block("public init(_ bytes: RawSpan, at start: Int)") { out in
                out.line("sbeBytes = bytes", "sbeStart = start")
            }
            let body = Body(blockLength: length, fields: fields, groups: [], data: [])
            let message = Message(name: name, id: 0, description: "", body: body)
            DecoderEmitter(schema: schema, message: message, qualifier: qualifier)
                .fields(body, at: nil, &out)
            for field in fields { words(field, &out) }
        }
        out.line("")
        out.block("extension MutableRawSpan") { out in writer(&out) }
        return out
    }

    /// The number of words that a run of bytes can be taken as; nil for other fields.
    private func wordCount(_ field: Field) -> Int? {
        guard let room = code(field).byteCount, room % 8 == 0, (1...4).contains(room / 8) else {
            return nil
        }
        return room / 8
    }

    private func wordType(_ count: Int) -> String {
        count == 1
            ? "UInt64"
            : "(" + Array(repeating: "UInt64", count: count).joined(separator: ", ") + ")"
    }

    private func words(_ field: Field, _ out: inout CodePrinter) {
        guard let count = wordCount(field) else { return }
        out.line("")
        out.doc("The bytes of \(field.name) as words in the machine's own order.")
        let property = SwiftNames.lowerCamel(field.name) + "Words"
        out.block("@inlinable public var \(property): \(wordType(count))") { out in
            let loads = (0..<count).map {
                "unsafe sbeBytes.unsafeLoadUnaligned(fromUncheckedByteOffset: sbeStart &+"
                    + " \(field.offset + $0 * 8), as: UInt64.self)"
            }
            out.line("(")
            out.indented { out in
                for (index, load) in loads.enumerated() {
                    out.line(load + (index < count - 1 ? "," : ""))
                }
            }
            out.line(")")
        }
    }

    private func writer(_ out: inout CodePrinter) {
        let parameters = fields.map { field in
            let type = wordCount(field).map(wordType) ?? code(field).fullType
            return "\(SwiftNames.property(field.name)): \(type)"
        }
        out.doc("Writes the fields that every message begins with. Its caller has checked that")
        out.doc("``\(name)/length`` bytes from `sbeStart` on are inside.")
        out.line("@unsafe @inlinable @inline(__always) @_lifetime(self: copy self)")
        out.line("public mutating func store\(name)(")
        out.indented { out in
            out.line("at sbeStart: Int,")
            for (index, parameter) in parameters.enumerated() {
                out.line(parameter + (index < parameters.count - 1 ? "," : ""))
            }
        }
        out.block(")") { out in
            for field in fields {
                let property = SwiftNames.property(field.name)
                let at = "sbeStart &+ \(field.offset)"
                if let count = wordCount(field) {
                    for index in 0..<count {
                        let word = count == 1 ? property : "\(property).\(index)"
                        out.line(
                            "unsafe storeBytes(of: \(word), toUncheckedByteOffset: sbeStart &+"
                                + " \(field.offset + index * 8), as: UInt64.self)")
                    }
                } else {
                    for line in code(field).write(property, in: "self", at: at) { out.line(line) }
                }
            }
        }
    }

    private func code(_ field: Field) -> ValueCode {
        ValueCode(
            field.type, presence: field.presence, bigEndian: schema.isBigEndian,
            qualifier: qualifier)
    }
}
