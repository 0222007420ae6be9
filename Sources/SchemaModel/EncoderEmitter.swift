/// Emits a message's encoder: it writes into a caller's buffer, and what it has written is a whole
/// message at every moment, because groups and data not yet written are there as empty ones.
struct EncoderEmitter {
    let schema: Schema
    let message: Message
    let qualifier: String

    private var store: String { schema.isBigEndian ? "storeBig" : "storeLittle" }

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
            fields(body, base: "8", &out)
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

    private func stored(_ body: Body, _ out: inout CodePrinter) {
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
    private func begin(_ body: Body, at base: Int, _ out: inout CodePrinter) {
        begin(body, base: "\(base)", &out)
    }

    private func begin(_ body: Body, base: String, _ out: inout CodePrinter) {
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

    private func code(_ field: Field) -> ValueCode {
        ValueCode(
            field.type, presence: field.presence, bigEndian: schema.isBigEndian,
            qualifier: qualifier)
    }

    private func offset(_ base: String, _ offset: Int) -> String {
        Int(base).map { "\($0 + offset)" } ?? "\(base) + \(offset)"
    }

    // MARK: - Fields

    private func fields(_ body: Body, base: String, _ out: inout CodePrinter) {
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

    private func bytes(
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

    // MARK: - Groups and data

    private func elements(_ body: Body, _ out: inout CodePrinter) {
        guard !body.isFlat else { return }
        for (index, group) in body.groups.enumerated() {
            if group.body.isFlat {
                flat(group, at: index, of: body, &out)
            } else {
                nested(group, at: index, of: body, &out)
            }
        }
        for (index, data) in body.data.enumerated() {
            self.data(data, at: body.groups.count + index, of: body, &out)
        }
        skip(body, &out)
        finish(body, &out)
        for group in body.groups where !group.body.isFlat { entry(group, &out) }
    }

    /// Bytes of the empty elements after one.
    private func rest(after index: Int, of body: Body) -> Int {
        body.emptyLengths.dropFirst(index + 1).reduce(0, +)
    }

    private func dimensions(_ group: Group, count: String, at: String, _ out: inout CodePrinter) {
        let (block, number) = (group.dimension.blockLength, group.dimension.count)
        out.line("unsafe sbeBytes.zero(\(at), length: \(group.dimension.length))")
        out.line(
            "unsafe sbeBytes.\(store)(\(group.body.blockLength) as \(block.primitive.swiftType),"
                + " at: \(offset(at, block.offset)))")
        out.line(
            "unsafe sbeBytes.\(store)(\(number.primitive.swiftType)(truncatingIfNeeded: \(count)),"
                + " at: \(offset(at, number.offset)))")
    }

    private func flat(
        _ group: Group, at index: Int, of body: Body, _ out: inout CodePrinter
    ) {
        let name = SwiftNames.upperCamel(group.name)
        let (header, block) = (group.dimension.length, group.body.blockLength)
        out.line("")
        out.doc("Begins \(group.name): entries of zeros and nulls, to be filled by `set\(name)`.")
        out.line("///", "/// - Throws: ``SBEError`` when they are too many or have no room.")
        out.line("@inlinable @_lifetime(self: copy self)")
        out.block(
            "public mutating func \(SwiftNames.property(group.name))(count: Int) throws(SBEError)"
        ) { out in
            out.line("sbeSkip(to: \(index))")
            out.indentedCall(
                "try sbeBytes.requireRoom(",
                "forEntries: count, limit: \(group.dimension.limit), at: sbeEnd, header: \(header),",
                "entry: \(block), rest: \(rest(after: index, of: body)), \(group.names(message)))")
            dimensions(group, count: "count", at: "sbeEnd", &out)
            out.line("sbeStart\(name) = sbeEnd + \(header)", "sbeCount\(name) = count")
            out.line("sbeEnd = sbeStart\(name) + count * \(block)")
            out.line("unsafe sbeBytes.zero(sbeStart\(name), length: count * \(block))")
            let nullable = group.body.fields.contains {
                $0.presence == .optional && code($0).isNullable
            }
            if nullable {
                out.block("for index in 0..<count") { out in
                    out.line("let at = sbeStart\(name) + index * \(block)")
                    for field in group.body.fields where field.presence == .optional {
                        guard code(field).isNullable else { continue }
                        for line in code(field).writeNull(
                            in: "sbeBytes", at: offset("at", field.offset))
                        {
                            out.line(line)
                        }
                    }
                }
            }
            out.line("sbeFinish(\(index + 1))")
        }
        setter(group, &out)
    }

    private func setter(_ group: Group, _ out: inout CodePrinter) {
        let name = SwiftNames.upperCamel(group.name)
        let fields = group.body.fields.filter { $0.presence != .constant }
        guard !fields.isEmpty else { return }
        var canThrow = false
        var parameters = ["_ sbeIndex: Int"]
        for field in fields {
            let code = code(field)
            canThrow = canThrow || code.isBytes
            parameters.append(
                "\(SwiftNames.property(field.name)): \(code.fullType)"
                    + (code.isNullable ? " = nil" : ""))
        }
        out.line("")
        out.doc("Fills the entry of \(group.name) at an index below the count it was begun with.")
        out.line("@inlinable @_lifetime(self: copy self)")
        out.line("public mutating func set\(name)(")
        out.indented { out in out.line(parameters.joined(separator: ", ")) }
        out.block(")\(canThrow ? " throws(SBEError)" : "")") { out in
            out.line("precondition(sbeIndex >= 0 && sbeIndex < sbeCount\(name), \"no such entry\")")
            out.line("let sbeAt = sbeStart\(name) + sbeIndex * \(group.body.blockLength)")
            for field in fields {
                let code = code(field)
                let (value, at) = (SwiftNames.property(field.name), offset("sbeAt", field.offset))
                if let room = code.byteCount {
                    bytes(field, value, room: room, at: at, &out)
                } else {
                    for line in code.write(value, in: "sbeBytes", at: at) { out.line(line) }
                }
            }
        }
    }

    private func data(
        _ data: VariableData, at index: Int, of body: Body, _ out: inout CodePrinter
    ) {
        let header = data.primitive.length
        let names = "\"\(message.name)\", \"\(data.name)\""
        out.line("")
        out.doc(data.description.isEmpty ? "Writes \(data.name)." : data.description)
        out.line("///", "/// - Throws: ``SBEError`` when it is too long or has no room.")
        out.line("@inlinable @_lifetime(self: copy self)")
        out.block(
            "public mutating func \(SwiftNames.property(data.name))(_ bytes: RawSpan)"
                + " throws(SBEError)"
        ) { out in
            out.line("sbeSkip(to: \(index))", "let length = bytes.byteCount")
            out.line(
                "try sbeBytes.requireLength(length, atMost: \(data.limit), at: sbeEnd, \(names))")
            out.line("let rest = \(header + rest(after: index, of: body))")
            out.line("try sbeBytes.requireRoom(length + rest, at: sbeEnd, \(names))")
            out.line(
                "unsafe sbeBytes.\(store)("
                    + "\(data.primitive.swiftType)(truncatingIfNeeded: length), at: sbeEnd)")
            out.line("unsafe sbeBytes.copy(bytes, to: sbeEnd + \(header))")
            out.line("sbeEnd += \(header) + length", "sbeFinish(\(index + 1))")
        }
    }

    // MARK: - Order, and the empty elements at the end

    private func skip(_ body: Body, _ out: inout CodePrinter) {
        out.line("")
        out.line("@inlinable @inline(__always) @_lifetime(self: copy self)")
        out.block("mutating func sbeSkip(to step: Int)") { out in
            out.line("precondition(sbeStep <= step, \"groups and data go in the schema's order\")")
            for (index, length) in body.emptyLengths.enumerated().dropLast() {
                out.line("if sbeStep <= \(index), step > \(index) { sbeEnd += \(length) }")
            }
            out.line("sbeStep = step")
        }
    }

    private func finish(_ body: Body, _ out: inout CodePrinter) {
        out.line("")
        out.line("@inlinable @inline(__always) @_lifetime(self: copy self)")
        out.block("mutating func sbeFinish(_ step: Int)") { out in
            out.line("var end = sbeEnd")
            for (index, group) in body.groups.enumerated() {
                out.block("if step <= \(index)") { out in
                    dimensions(group, count: "0", at: "end", &out)
                    out.line("end += \(group.dimension.length)")
                }
            }
            for (index, data) in body.data.enumerated() {
                let length = data.primitive.length
                out.block("if step <= \(body.groups.count + index)") { out in
                    out.line("unsafe sbeBytes.zero(end, length: \(length))", "end += \(length)")
                }
            }
            out.line("sbeTail = end - sbeEnd", "sbeStep = step")
        }
    }

    // MARK: - Groups whose entries have groups or data

    private func nested(
        _ group: Group, at index: Int, of body: Body, _ out: inout CodePrinter
    ) {
        let name = SwiftNames.upperCamel(group.name)
        let header = group.dimension.length
        let rest = rest(after: index, of: body)
        out.line("")
        out.doc("Writes \(group.name), one entry after the other, each filled by `encode`.")
        out.line("///", "/// - Throws: ``SBEError`` when they are too many or have no room, and")
        out.line("///   what `encode` throws; the group is then an empty one.")
        out.line("@inlinable @_lifetime(self: copy self)")
        out.line("public mutating func \(SwiftNames.property(group.name))(")
        out.line(
            "    count: Int, _ encode: (inout \(name)Entry, Int) throws(SBEError) -> Void")
        out.block(") throws(SBEError)") { out in
            out.line("sbeSkip(to: \(index))")
            out.indentedCall(
                "try sbeBytes.requireRoom(",
                "forEntries: count, limit: \(group.dimension.limit), at: sbeEnd, header: \(header),",
                "entry: \(group.body.blockLength + group.body.emptyTail), rest: \(rest),",
                group.names(message) + ")")
            dimensions(group, count: "count", at: "sbeEnd", &out)
            out.line("let limit = sbeBytes.byteCount - \(rest)", "var end = sbeEnd + \(header)")
            out.block("do throws(SBEError)") { out in
                out.block("for index in 0..<count") { out in
                    out.line("let room = sbeBytes._mutatingExtracting(0..<limit)")
                    out.line("var entry = try \(name)Entry(room, at: end)")
                    out.line("try encode(&entry, index)", "end = entry.sbeEnd + entry.sbeTail")
                }
            }
            out.block("catch") { out in out.line("sbeFinish(\(index))", "throw error") }
            out.line("sbeEnd = end", "sbeFinish(\(index + 1))")
        }
    }

    private func entry(_ group: Group, _ out: inout CodePrinter) {
        let body = group.body
        out.line("")
        out.doc("An entry of \(group.name), while it is written.")
        out.line("@frozen")
        let name = SwiftNames.upperCamel(group.name)
        out.block("public struct \(name)Entry: ~Copyable, ~Escapable") { out in
            stored(body, &out)
            out.line("@usableFromInline let sbeBlock: Int", "")
            out.line("@inlinable @_lifetime(copy buffer)")
            out.block(
                "init(_ buffer: consuming MutableRawSpan, at start: Int) throws(SBEError)"
            ) { out in
                out.line(
                    "try buffer.requireRoom(\(body.blockLength + body.emptyTail), at: start,"
                        + " \(group.names(message)))",
                    "sbeBytes = buffer", "sbeBlock = start",
                    "sbeEnd = start + \(body.blockLength)", "sbeTail = \(body.emptyTail)",
                    "sbeStep = 0")
                begin(body, base: "start", &out)
                out.line("sbeFinish(0)")
            }
            fields(body, base: "sbeBlock", &out)
            elements(body, &out)
        }
    }
}
