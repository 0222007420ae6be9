/// Emits a message's decoder: a view of bytes that its initialiser has checked from end to end.
struct DecoderEmitter {
    let schema: Schema
    let message: Message
    let qualifier: String
    /// Fields at the beginning of the root block that have a view of their own.
    var prefixCount = 0

    var load: String { schema.isBigEndian ? "big" : "little" }

    func code() -> CodePrinter {
        var out = CodePrinter()
        out.doc(message.description.isEmpty ? "\(message.name)." : message.description)
        out.line("///")
        out.doc(
            "A view of the bytes it was made from, which begin at the message header. All lengths"
                + " are checked when it is made; from then on no access can leave the bytes.")
        out.line("@frozen")
        out.block("public struct \(SwiftNames.type(message.name))Decoder: ~Escapable") { out in
            out.message(message, of: schema)
            out.line("", "@usableFromInline let sbeBytes: RawSpan")
            stored(message.body, &out)
            out.line("")
            out.doc("Looks at a message.")
            out.line("///")
            out.line(
                "/// - Parameter message: from the message header on; bytes after the message are"
                    + " ignored.",
                "/// - Throws: ``SBEError`` when the bytes are not this message, whole.")
            let inline = message.body.walksInline ? "@inline(__always) " : ""
            out.line("@inlinable \(inline)@_lifetime(copy message)")
            out.block("public init(_ message: RawSpan) throws(SBEError)") { out in
                let label = schema.isBigEndian ? "bigEndian: " : ""
                out.line(
                    "let header = try MessageHeader(\(label)message, name: \"\(message.name)\")")
                if message.body.needsVersion { out.line("let version = header.version") }
                out.indentedCall(
                    message.body.isFlat
                        ? "_ = try header.check(" : "var offset = try header.check(",
                    "schemaID: Self.schemaID, templateID: Self.templateID,",
                    "fieldLength: \(fieldLength(message.body)), in: message,"
                        + " \"\(message.name)\")")
                walk(message.body, path: message.name, &out)
                out.line("sbeBytes = message")
                if message.body.isVersioned { out.line("sbeVersion = version") }
            }
            fields(message.body.droppingFields(prefixCount), at: 8, &out)
            groups(message.body, &out)
        }
        return out
    }

    // MARK: - What is stored, and the walk that finds it

    func stored(_ body: Body, _ out: inout CodePrinter) {
        if body.isVersioned { out.line("@usableFromInline let sbeVersion: UInt16") }
        for group in body.groups {
            out.doc(group.description.isEmpty ? "The \(group.name)." : group.description)
            out.line("public let \(SwiftNames.property(group.name)): \(group.typeName)")
        }
        for data in body.data {
            out.doc(
                data.description.isEmpty ? "The bytes of \(data.name)." : data.description)
            let type = data.since > 0 ? "RawSpan?" : "RawSpan"
            out.line("public let \(SwiftNames.property(data.name)): \(type)")
        }
    }

    /// Statements that move `offset` over groups and data of `message`, which has `version`.
    func walk(_ body: Body, path: String, _ out: inout CodePrinter) {
        for group in body.groups {
            let local = "group" + SwiftNames.upperCamel(group.name)
            let version = group.body.needsVersion ? ", version: version" : ""
            let make = "try \(group.typeName)(message, at: offset\(version))"
            if group.since > 0 {
                out.line("let \(local) = version >= \(group.since)")
                out.line(
                    "    ? \(make) : \(group.typeName)(sbeAbsentFrom: message, at: offset)")
            } else {
                out.line("let \(local) = \(make)")
            }
            out.line("offset = \(local).sbeEnd")
            out.line("self.\(SwiftNames.property(group.name)) = \(local)")
        }
        for data in body.data {
            let property = "self." + SwiftNames.property(data.name)
            if data.since > 0 {
                out.line("if version >= \(data.since) {")
                out.indented { out in self.data(data, property, path: path, &out) }
                out.line("} else {", "    \(property) = nil", "}")
            } else {
                self.data(data, property, path: path, &out)
            }
        }
    }

    func data(
        _ data: VariableData, _ property: String, path: String, _ out: inout CodePrinter
    ) {
        let names = "\"\(path)\", \"\(data.name)\""
        let local = "end" + SwiftNames.upperCamel(data.name)
        let header = data.primitive.length
        out.line("try message.require(\(header), at: offset, \(names))")
        out.indentedCall(
            "let \(local) = try message.endOfData(",
            "Int(clamping: unsafe message.\(load)(offset, as: \(data.primitive.swiftType).self)),",
            "at: offset &+ \(header), limit: \(data.limit), \(names))")
        out.indentedCall(
            "\(property) = unsafe message.part(",
            "offset &+ \(header), length: \(local) &- offset &- \(header))")
        out.line("offset = \(local)")
    }

    /// An expression over `version`.
    func fieldLength(_ body: Body) -> String {
        let versions = Set(body.fields.filter { $0.length > 0 }.map(\.since)).union([0]).sorted()
        var text = ""
        for version in versions.reversed() where version > 0 {
            let length = body.fieldLength(version: version)
            let below = versions.last { $0 < version } ?? 0
            if length != body.fieldLength(version: below) {
                text += "version >= \(version) ? \(length) : "
            }
        }
        return text + "\(body.fieldLength(version: 0))"
    }

    // MARK: - Fields

    func fields(_ body: Body, at base: Int?, _ out: inout CodePrinter) {
        for field in body.fields {
            out.line("")
            field.document(&out)
            let property = SwiftNames.property(field.name)
            if field.presence == .constant {
                if let constant = ConstantCode(field, qualifier: qualifier) {
                    out.line(constant.property(property))
                }
                continue
            }
            let offset = base.map { "\($0 + field.offset)" } ?? "sbeStart &+ \(field.offset)"
            let code = ValueCode(
                field.type, presence: field.presence, bigEndian: schema.isBigEndian,
                qualifier: qualifier)
            getter(
                property, field, type: code.type, nullable: code.isNullable, bytes: code.isBytes,
                code.read(in: "sbeBytes", at: offset), &out)
            if let raw = code.rawBoolean {
                out.line("")
                out.doc("What stands for \(field.name) on the wire, which may be no Boolean.")
                let plain = SwiftNames.lowerCamel(field.name) + "Raw"
                getter(
                    plain, field, type: raw.swiftType, nullable: false, bytes: false,
                    [code.bits(raw, in: "sbeBytes", at: offset)], &out)
            }
        }
    }

    private func getter(
        _ property: String, _ field: Field, type: String, nullable: Bool, bytes: Bool,
        _ lines: [String], _ out: inout CodePrinter
    ) {
        let optional = nullable || field.since > 0 ? "?" : ""
        let guardLine = "guard sbeVersion >= \(field.since) else { return nil }"
        var lines = lines
        if field.since > 0 {
            if lines.count == 1 { lines[0] = "return " + lines[0] }
            lines.insert(guardLine, at: 0)
        }
        let head = "@inlinable public var \(property): \(type)\(optional)"
        if bytes {
            out.block(head) { out in
                out.line("@_lifetime(copy self)")
                out.block("get") { out in for line in lines { out.line(line) } }
            }
        } else if lines.count == 1 {
            out.line("\(head) { \(lines[0]) }")
        } else {
            out.block(head) { out in for line in lines { out.line(line) } }
        }
    }
}
