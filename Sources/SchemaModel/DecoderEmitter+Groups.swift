// Views of groups: flat ones by index, those with groups or data inside one entry after the other.

extension DecoderEmitter {
    func groups(_ body: Body, _ out: inout CodePrinter) {
        for group in body.groups {
            out.line("")
            out.doc("The entries of \(group.name).")
            out.line("@frozen")
            out.block("public struct \(group.typeName): ~Escapable") { out in
                group.body.isFlat ? flat(group, &out) : nested(group, &out)
            }
        }
    }

    func flat(_ group: Group, _ out: inout CodePrinter) {
        out.line("@usableFromInline let sbeBytes: RawSpan")
        out.line("@usableFromInline let sbeStride: Int")
        out.line("@usableFromInline let sbeEnd: Int")
        if group.body.isVersioned { out.line("@usableFromInline let sbeVersion: UInt16") }
        out.doc("Entries in it.")
        out.line("public let count: Int", "")
        initialiser(group, &out) { out in
            out.line("let first = offset &+ \(group.dimension.length)")
            out.indentedCall(
                "sbeEnd = try dimension.end(", "at: first, in: message, \(group.names(message)))")
            out.line("sbeBytes = unsafe message.part(first, length: sbeEnd &- first)")
            out.line("sbeStride = dimension.blockLength", "count = dimension.count")
        }
        absent(group, &out) { out in
            out.line("sbeBytes = unsafe message.part(offset, length: 0)")
            out.line("sbeStride = 0", "sbeEnd = offset", "count = 0")
        }
        out.line("")
        out.doc("The entry at an index from 0 below `count`.")
        out.block("@inlinable public subscript(index: Int) -> Entry") { out in
            out.line("@_lifetime(copy self)")
            out.block("get") { out in
                out.line("precondition(index >= 0 && index < count, \"no such entry\")")
                let version = group.body.isVersioned ? ", version: sbeVersion" : ""
                out.line(
                    "return Entry(unsafe sbeBytes.part(index &* sbeStride, length: sbeStride)"
                        + "\(version))")
            }
        }
        out.line("")
        out.doc("An entry of \(group.name).")
        out.line("@frozen")
        out.block("public struct Entry: ~Escapable") { out in
            out.line("@usableFromInline let sbeBytes: RawSpan")
            if group.body.isVersioned { out.line("@usableFromInline let sbeVersion: UInt16") }
            let version = group.body.isVersioned ? ", version: UInt16" : ""
            out.line("", "@inlinable @_lifetime(copy bytes)")
            out.block("init(_ bytes: RawSpan\(version))") { out in
                out.line("sbeBytes = bytes")
                if group.body.isVersioned { out.line("sbeVersion = version") }
            }
            fields(group.body, at: 0, &out)
        }
    }

    func nested(_ group: Group, _ out: inout CodePrinter) {
        let hasVersion = group.body.needsVersion
        let pass = hasVersion ? ", version: sbeVersion" : ""
        out.line("@usableFromInline let sbeBytes: RawSpan")
        out.line("@usableFromInline let sbeStride: Int")
        out.line("@usableFromInline let sbeEnd: Int")
        if hasVersion { out.line("@usableFromInline let sbeVersion: UInt16") }
        out.line("@usableFromInline var sbeNext: Int", "@usableFromInline var sbeLeft: Int")
        out.doc("Entries in it.")
        out.line("public let count: Int", "")
        initialiser(group, &out) { out in
            out.line("var end = offset &+ \(group.dimension.length)")
            out.line("sbeNext = end", "sbeStride = dimension.blockLength")
            out.line("count = dimension.count", "sbeLeft = count")
            out.block("for _ in 0..<dimension.count") { out in
                let version = hasVersion ? ", version: version" : ""
                out.line(
                    "end = try Entry("
                        + "message, at: end, blockLength: dimension.blockLength\(version))"
                        + ".sbeEnd")
            }
            out.line("sbeBytes = message", "sbeEnd = end")
        }
        absent(group, &out) { out in
            out.line("sbeBytes = message", "sbeStride = 0", "sbeEnd = offset")
            out.line("sbeNext = offset", "sbeLeft = 0", "count = 0")
        }
        out.line("")
        out.doc("The next entry, or nil after the last one.")
        out.line("@inlinable @_lifetime(copy self) @_lifetime(self: copy self)")
        out.block("public mutating func next() -> Entry?") { out in
            out.line("guard sbeLeft > 0 else { return nil }")
            out.line("// Checked when the message was: this cannot throw again.")
            out.line(
                "guard let entry = try? Entry(",
                "    sbeBytes, at: sbeNext, blockLength: sbeStride\(pass)) else { return nil }",
                "sbeLeft -= 1", "sbeNext = entry.sbeEnd", "return entry")
        }
        out.line("")
        out.doc("An entry of \(group.name).")
        out.line("@frozen")
        out.block("public struct Entry: ~Escapable") { out in
            out.line("@usableFromInline let sbeBytes: RawSpan")
            out.line("@usableFromInline let sbeStart: Int", "@usableFromInline let sbeEnd: Int")
            stored(group.body, &out)
            let version = hasVersion ? ", version: UInt16" : ""
            out.line("", "@inlinable @_lifetime(copy message)")
            out.line("init(")
            out.line("    _ message: RawSpan, at start: Int, blockLength: Int\(version)")
            out.block(") throws(SBEError)") { out in
                out.line("try message.require(blockLength, at: start, \(group.names(message)))")
                out.line("var offset = start &+ blockLength")
                walk(group.body, path: message.name, &out)
                out.line("sbeBytes = message", "sbeStart = start", "sbeEnd = offset")
                if group.body.isVersioned { out.line("sbeVersion = version") }
            }
            fields(group.body, at: nil, &out)
            groups(group.body, &out)
        }
    }

    /// The initialiser that checks a group; `body` gets `message`, `offset` and `dimension`.
    private func initialiser(
        _ group: Group, _ out: inout CodePrinter, _ body: (inout CodePrinter) -> Void
    ) {
        let dimension = group.dimension
        let names = group.names(message)
        let version = group.body.needsVersion ? ", version: UInt16" : ""
        let inline = group.body.isFlat ? "@inline(__always) " : ""
        out.line("@inlinable \(inline)@_lifetime(copy message)")
        out.block("init(_ message: RawSpan, at offset: Int\(version)) throws(SBEError)") { out in
            out.line("try message.require(\(dimension.length), at: offset, \(names))")
            out.indentedCall(
                "let dimension = GroupDimension(",
                "blockLength: \(self.load(dimension.blockLength)),",
                "count: \(self.load(dimension.count)))")
            out.indentedCall(
                "try dimension.check(",
                "fieldLength: \(fieldLength(group.body)), limit: \(dimension.limit), at: offset,",
                names + ")")
            body(&out)
            if group.body.keepsVersion { out.line("sbeVersion = version") }
        }
    }

    func load(_ part: Dimension.Part) -> String {
        "unsafe message.\(load)(offset &+ \(part.offset), as: \(part.primitive.swiftType).self)"
    }

    /// For a group that the acting version does not have.
    private func absent(
        _ group: Group, _ out: inout CodePrinter, _ body: (inout CodePrinter) -> Void
    ) {
        guard group.since > 0 else { return }
        out.line("", "@inlinable @_lifetime(copy message)")
        out.block("init(sbeAbsentFrom message: RawSpan, at offset: Int)") { out in
            body(&out)
            if group.body.keepsVersion { out.line("sbeVersion = 0") }
        }
    }
}
