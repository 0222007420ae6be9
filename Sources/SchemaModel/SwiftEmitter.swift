/// Turns a schema into Swift: a file per type, and two per message.
public struct SwiftEmitter {
    /// A file of Swift.
    public struct File: Equatable, Sendable {
        /// Its name, without folder.
        public var name: String
        /// Its content.
        public var text: String
    }

    /// What the generated code is part of, and which messages it has.
    public struct Options: Sendable {
        /// An enum that everything is put into; nil for none.
        public var namespace: String?
        /// The messages to emit; empty for all.
        public var messages: [String] = []
        /// Modules to import besides SBE.
        public var imports: [String] = []
        /// The name of a view of the fields that all messages begin with, which decoders and
        /// encoders then leave out; nil for none.
        public var prefix: String?
        /// False to leave out `public`.
        public var isPublic = true

        /// The defaults: everything public, all messages, no namespace.
        public init() {}
    }

    /// Why a schema cannot be turned into Swift.
    public enum Refusal: Error, Equatable, CustomStringConvertible {
        /// The options name a message that the schema does not have.
        case unknownMessage(String)
        /// A prefix is wanted, and the messages have no fields in common at their beginning.
        case noPrefix
        /// Two names of the schema have the same form in Swift.
        case sameName(String, scope: String)

        /// One line.
        public var description: String {
            switch self {
            case .unknownMessage(let name): "the schema has no message \(name)"
            case .noPrefix: "the messages do not begin with the same fields"
            case .sameName(let name, let scope): "\(scope) has two things called \(name) in Swift"
            }
        }
    }

    private let schema: Schema
    private let options: Options
    private let messages: [Message]
    /// The fields of the prefix; empty where none is wanted.
    private let prefix: [Field]

    /// An emitter for a schema.
    ///
    /// - Throws: ``Refusal`` when the options name a message that is not there, or when two names
    ///   would be the same in Swift.
    public init(_ schema: Schema, options: Options = Options()) throws(Refusal) {
        self.schema = schema
        self.options = options
        for name in options.messages where !schema.messages.contains(where: { $0.name == name }) {
            throw .unknownMessage(name)
        }
        messages = schema.messages.filter {
            options.messages.isEmpty || options.messages.contains($0.name)
        }
        prefix = options.prefix == nil ? [] : PrefixEmitter.shared(messages)
        if options.prefix != nil && prefix.isEmpty { throw .noPrefix }
        let types = usedTypes().filter {
            if case .encoded = $0 { false } else { true }
        }
        try checkNames(
            types.map { SwiftNames.type($0.name) } + (options.prefix.map { [$0] } ?? [])
                + messages.flatMap { message in
                    ["Decoder", "Encoder"].map { SwiftNames.type(message.name) + $0 }
                },
            scope: "the schema")
        for message in messages { try checkNames(message.body, scope: message.name) }
    }

    private func checkNames(_ body: Body, scope: String) throws(Refusal) {
        let names =
            body.fields.map(\.name) + body.groups.map(\.name) + body.data.map(\.name)
        try checkNames(names.map(SwiftNames.property), scope: scope)
        for group in body.groups {
            try checkNames(group.body, scope: "\(scope).\(group.name)")
        }
    }

    private func checkNames(_ names: [String], scope: String) throws(Refusal) {
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted {
            throw .sameName(name, scope: scope)
        }
    }

    /// All files.
    public func files() -> [File] {
        var files: [File] = []
        if let namespace = options.namespace {
            var out = CodePrinter()
            out.doc(
                schema.description.isEmpty
                    ? "Schema \(schema.package)." : schema.description + ".")
            out.line("public enum \(namespace) {}")
            files.append(file(namespace, out, isNamespace: true))
        }
        let types = TypeEmitter(isBigEndian: schema.isBigEndian, qualifier: qualifier)
        for type in usedTypes() {
            guard let code = types.code(type) else { continue }
            files.append(file(SwiftNames.type(type.name), code))
        }
        if let name = options.prefix {
            let view = PrefixEmitter(
                schema: schema, name: name, fields: prefix, qualifier: qualifier)
            files.append(file(name, view.code()))
        }
        for message in messages {
            let name = SwiftNames.type(message.name)
            let decoder = DecoderEmitter(
                schema: schema, message: message, qualifier: qualifier,
                prefixCount: prefix.count)
            files.append(file(name + "Decoder", decoder.code()))
            let encoder = EncoderEmitter(
                schema: schema, message: message, qualifier: qualifier,
                prefixCount: prefix.count)
            files.append(file(name + "Encoder", encoder.code()))
        }
        return files
    }

    private var qualifier: String { options.namespace.map { $0 + "." } ?? "" }

    /// The types that fields of the messages have, and those inside them.
    private func usedTypes() -> [SchemaType] {
        var found: [String: SchemaType] = [:]
        func add(_ type: SchemaType) {
            guard found.updateValue(type, forKey: type.name) == nil else { return }
            guard case .composite(let composite) = type else { return }
            for member in composite.members { add(member.type) }
        }
        func add(_ body: Body) {
            for field in body.fields { add(field.type) }
            for group in body.groups { add(group.body) }
        }
        for message in messages { add(message.body) }
        return found.values.sorted { $0.name < $1.name }
    }

    private func file(_ name: String, _ code: CodePrinter, isNamespace: Bool = false) -> File {
        let access = options.isPublic ? "public " : ""
        var text = """
            // swift-format-ignore-file
            // Generated by sbe-gen from schema \(schema.package), id \(schema.id), version \
            \(schema.version). Do not edit.


            """
        if !isNamespace {
            let needsSBE = code.text.contains("RawSpan")
            let imports = (needsSBE ? ["SBE"] : []) + options.imports
            for module in imports { text += "\(access)import \(module)\n" }
            if !imports.isEmpty { text += "\n" }
        }
        var name = name
        if let namespace = options.namespace, !isNamespace {
            name = "\(namespace)+\(name)"
            let code = code.text.split(separator: "\n", omittingEmptySubsequences: false)
            text += "extension \(namespace) {\n"
            text += code.dropLast().map { $0.isEmpty ? "" : "    \($0)" }.joined(separator: "\n")
            text += "\n}\n"
        } else {
            text += code.text
        }
        if !options.isPublic { text = text.madeInternal }
        return File(name: name + ".swift", text: text)
    }
}

extension String {
    /// Without access above internal, and without what only public code may say.
    fileprivate var madeInternal: String {
        split(separator: "\n", omittingEmptySubsequences: false).map { line in
            var line = String(line)
            for word in ["public ", "@usableFromInline ", "@inlinable ", "@frozen"] {
                line = line.replacing(word, with: "")
            }
            return line
        }.joined(separator: "\n")
    }
}
