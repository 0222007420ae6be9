/// Emits a message's encoder: it writes into a caller's buffer, and what it has written is a whole
/// message at every moment, because groups and data not yet written are there as empty ones.
struct EncoderEmitter {
    let schema: Schema
    let message: Message
    let qualifier: String
    /// Fields at the beginning of the root block that have a view of their own.
    var prefixCount = 0

    var store: String { schema.isBigEndian ? "storeBig" : "storeLittle" }

    func code() -> CodePrinter {
        var out = CodePrinter()
        let body = message.body
        out.doc(message.description.isEmpty ? "\(message.name)." : message.description)
        out.line("///")
        out.doc(
            "Writes into the buffer it was made from. Fields start as zero or, when optional, as"
                + " null; groups and data start empty and are written once, in the schema's order.")
        out.line("@frozen")
        out.block(
            "public struct \(SwiftNames.type(message.name))Encoder: ~Copyable, ~Escapable"
        ) { out in
            out.message(message, of: schema)
            out.line("")
            stored(body, &out)
            out.line("")
            out.doc("Begins a message: writes header and block.")
            out.line("///")
            out.line("/// - Throws: ``SBEError`` when the buffer cannot take an empty message.")
            out.line("@inlinable @_lifetime(copy buffer)")
            out.block("public init(_ buffer: consuming MutableRawSpan) throws(SBEError)") { out in
                let length = 8 + body.blockLength + body.emptyTail
                out.line(
                    "try buffer.requireRoom(\(length), at: 0, \"\(message.name)\", \"message\")",
                    "sbeBytes = buffer")
                if !body.isFlat {
                    out.line(
                        "sbeEnd = \(8 + body.blockLength)", "sbeTail = \(body.emptyTail)",
                        "sbeStep = 0")
                }
                header(&out)
                begin(body, at: 8, &out)
                if !body.isFlat { out.line("sbeFinish(0)") }
            }
            out.line("")
            out.doc("Bytes of the message so far, from the message header on.")
            let length = body.isFlat ? "\(8 + body.blockLength)" : "sbeEnd + sbeTail"
            out.line("@inlinable public var encodedLength: Int { \(length) }")
            fields(body.droppingFields(prefixCount), base: "8", &out)
            elements(body, &out)
        }
        return out
    }

    private func header(_ out: inout CodePrinter) {
        for (offset, value) in [
            (0, "UInt16(truncatingIfNeeded: Self.blockLength)"), (2, "Self.templateID"),
            (4, "Self.schemaID"), (6, "Self.schemaVersion"),
        ] {
            out.line("unsafe sbeBytes.\(store)(\(value), at: \(offset))")
        }
    }

    func stored(_ body: Body, _ out: inout CodePrinter) {
        out.line("@usableFromInline var sbeBytes: MutableRawSpan")
        guard !body.isFlat else { return }
        out.line("@usableFromInline var sbeEnd: Int", "@usableFromInline var sbeTail: Int")
        out.line("@usableFromInline var sbeStep: Int")
        for group in body.groups where group.body.isFlat {
            let name = SwiftNames.upperCamel(group.name)
            out.line("@usableFromInline var sbeStart\(name) = 0")
            out.line("@usableFromInline var sbeCount\(name) = 0")
        }
    }

    /// Statements that make a block of zeros and nulls.
    func begin(_ body: Body, at base: Int, _ out: inout CodePrinter) {
        begin(body, base: "\(base)", &out)
    }

    func begin(_ body: Body, base: String, _ out: inout CodePrinter) {
        guard body.blockLength > 0 else { return }
        out.line("unsafe sbeBytes.zero(\(base), length: \(body.blockLength))")
        for field in body.fields where field.presence == .optional {
            let code = code(field)
            guard code.isNullable else { continue }
            for line in code.writeNull(in: "sbeBytes", at: offset(base, field.offset)) {
                out.line(line)
            }
        }
    }

    func code(_ field: Field) -> ValueCode {
        ValueCode(
            field.type, presence: field.presence, bigEndian: schema.isBigEndian,
            qualifier: qualifier)
    }

    func offset(_ base: String, _ offset: Int) -> String {
        Int(base).map { "\($0 + offset)" } ?? "\(base) + \(offset)"
    }

    // MARK: - Fields

    func fields(_ body: Body, base: String, _ out: inout CodePrinter) {
        for field in body.fields where field.presence != .constant {
            out.line("")
            let property = SwiftNames.property(field.name)
            let code = code(field)
            let at = offset(base, field.offset)
            field.document(&out)
            guard let room = code.byteCount else {
                out.block("@inlinable public var \(property): \(code.fullType)") { out in
                    out.block("get") { out in
                        for line in code.read(in: "sbeBytes.bytes", at: at) { out.line(line) }
                    }
                    out.line("@_lifetime(self: copy self)")
                    out.block("set") { out in
                        for line in code.write("newValue", in: "sbeBytes", at: at) {
                            out.line(line)
                        }
                    }
                }
                continue
            }
            out.line("///")
            out.line("/// NUL-padded.", "/// - Throws: ``SBEError`` above \(room) bytes.")
            out.line("@inlinable @_lifetime(self: copy self)")
            out.block("public mutating func \(property)(_ bytes: RawSpan) throws(SBEError)") {
                bytes(field, "bytes", room: room, at: at, &$0)
            }
            words(field, room: room, at: at, &out)
        }
    }

    func bytes(
        _ field: Field, _ value: String, room: Int, at: String, _ out: inout CodePrinter
    ) {
        out.line(
            "try sbeBytes.requireLength(\(value).byteCount, atMost: \(room), at: \(at),"
                + " \"\(message.name)\", \"\(field.name)\")",
            "unsafe sbeBytes.zero(\(at), length: \(room))",
            "unsafe sbeBytes.copy(\(value), to: \(at))")
    }

    /// A char array of a few words can also be written as those, without a loop.
    private func words(_ field: Field, room: Int, at: String, _ out: inout CodePrinter) {
        guard room % 8 == 0, (1...4).contains(room / 8) else { return }
        let names = ["first", "second", "third", "fourth"].prefix(room / 8)
        out.line("")
        out.doc("The bytes of \(field.name) as words in the machine's own order.")
        out.line("@inlinable @_lifetime(self: copy self)")
        let parameters = names.map { "_ \($0): UInt64" }.joined(separator: ", ")
        let name = "set" + SwiftNames.upperCamel(field.name)
        out.block("public mutating func \(name)(\(parameters))") { out in
            for (index, name) in names.enumerated() {
                out.line(
                    "unsafe sbeBytes.storeBytes(of: \(name), toUncheckedByteOffset:"
                        + " \(offset(at, index * 8)), as: UInt64.self)")
            }
        }
    }
}
