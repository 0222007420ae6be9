// Writers of groups and variable data.

extension EncoderEmitter {
    func elements(_ body: Body, _ out: inout CodePrinter) {
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
    func rest(after index: Int, of body: Body) -> Int {
        body.emptyLengths.dropFirst(index + 1).reduce(0, +)
    }

    func dimensions(_ group: Group, count: String, at: String, _ out: inout CodePrinter) {
        let (block, number) = (group.dimension.blockLength, group.dimension.count)
        out.line("unsafe sbeBytes.zero(\(at), length: \(group.dimension.length))")
        out.line(
            "unsafe sbeBytes.\(store)(\(group.body.blockLength) as \(block.primitive.swiftType),"
                + " at: \(offset(at, block.offset)))")
        out.line(
            "unsafe sbeBytes.\(store)(\(number.primitive.swiftType)(truncatingIfNeeded: \(count)),"
                + " at: \(offset(at, number.offset)))")
    }

    func flat(
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
                "forEntries: count, limit: \(group.dimension.limit),",
                "at: sbeEnd, header: \(header),",
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

    func setter(_ group: Group, _ out: inout CodePrinter) {
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

    func data(
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

    // MARK: - Groups whose entries have groups or data

    func nested(
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
                "forEntries: count, limit: \(group.dimension.limit),",
                "at: sbeEnd, header: \(header),",
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

    func entry(_ group: Group, _ out: inout CodePrinter) {
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
