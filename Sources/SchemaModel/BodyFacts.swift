// What emitters ask of bodies and groups.

extension Body {
    /// Without its first fields, which another view shows.
    func droppingFields(_ count: Int) -> Body {
        var body = self
        body.fields.removeFirst(count)
        return body
    }

    /// True when getters have to know the acting version.
    var isVersioned: Bool { fields.contains { $0.since > 0 && $0.presence != .constant } }

    /// True when the walk over an entry has to know it.
    var needsVersion: Bool {
        isVersioned || data.contains { $0.since > 0 }
            || groups.contains { $0.since > 0 || $0.body.needsVersion }
    }

    /// True when a group's view keeps it for its entries.
    var keepsVersion: Bool { isFlat ? isVersioned : needsVersion }

    /// True when the walk is short enough to be inlined into every user, which keeps a decoder's
    /// parts in registers; a long one is called.
    var walksInline: Bool {
        groups.allSatisfy(\.body.isFlat) && groups.count + data.count <= 4
    }

    /// Bytes that groups and data take when they are empty.
    var emptyTail: Int {
        groups.reduce(0) { $0 + $1.dimension.length } + data.reduce(0) { $0 + $1.primitive.length }
    }

    /// Bytes that an empty element takes, one by one.
    var emptyLengths: [Int] {
        groups.map(\.dimension.length) + data.map(\.primitive.length)
    }
}

extension Group {
    var typeName: String { SwiftNames.upperCamel(name) + "Group" }

    /// The arguments by which checks name it.
    func names(_ message: Message) -> String { "\"\(message.name)\", \"\(name)\"" }
}

extension Field {
    func document(_ out: inout CodePrinter) {
        var text = description
        if text.isEmpty, case .encoded(let type) = self.type { text = type.description }
        out.doc(text.isEmpty ? "`\(name)` of the schema." : text)
        if since > 0 { out.doc("nil before version \(since).") }
    }
}

extension CodePrinter {
    /// A call whose arguments have lines of their own.
    mutating func indentedCall(_ head: String, _ arguments: String...) {
        line(head)
        indented { out in for argument in arguments { out.line(argument) } }
    }

    /// The constants that decoder and encoder both have.
    mutating func message(_ message: Message, of schema: Schema) {
        doc("The template id.")
        line("@inlinable public static var templateID: UInt16 { \(message.id) }")
        doc("The schema id.")
        line("@inlinable public static var schemaID: UInt16 { \(schema.id) }")
        doc("The schema version that this code was generated from.")
        line("@inlinable public static var schemaVersion: UInt16 { \(schema.version) }")
        doc("Bytes of the root block in that version.")
        line("@inlinable public static var blockLength: Int { \(message.body.blockLength) }")
    }
}
