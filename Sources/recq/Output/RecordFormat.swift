import ArgumentParser
import Encoding
import Identity
import Posix
import Records

/// How a record is written as text: bytes as they are, and fields.
struct RecordFormat {
    private enum Part {
        case text([UInt8])
        case field(RecordField)
        /// The event time as a number of µs.
        case microseconds
    }

    private var parts: [Part] = []

    /// Reads a format as a person writes it.
    init(_ text: String) throws {
        var literal: [UInt8] = []
        var rest = text[...]
        func take(_ part: Part, _ parts: inout [Part]) {
            if !literal.isEmpty { parts.append(.text(literal)) }
            literal = []
            parts.append(part)
        }
        while let character = rest.popFirst() {
            switch character {
            case "\\":
                switch rest.popFirst() {
                case "n": literal.append(0x0A)
                case "t": literal.append(0x09)
                case "r": literal.append(0x0D)
                case "0": literal.append(0)
                case "\\": literal.append(0x5C)
                case let other:
                    throw ValidationError(
                        "\\\(other.map(String.init) ?? "") in the format is not known; "
                            + "there are \\n, \\t, \\r, \\0 and \\\\")
                }
            case "%": take(try Self.part(&rest, &literal) ?? .text([]), &parts)
            default: literal += Array(String(character).utf8)
            }
        }
        if !literal.isEmpty { parts.append(.text(literal)) }
    }

    private static func part(
        _ rest: inout Substring, _ literal: inout [UInt8]
    ) throws -> Part? {
        switch rest.popFirst() {
        case "%":
            literal.append(UInt8(ascii: "%"))
            return nil
        case "t": return .field(.time)
        case "T": return .microseconds
        case "s": return .field(.symbol)
        case "k": return .field(.kind)
        case "i": return .field(.id)
        case "p": return .field(.price)
        case "q": return .field(.quantity)
        case "S": return .field(.source)
        case "{":
            guard let end = rest.firstIndex(of: "}") else {
                throw ValidationError("%{ in the format has no closing }")
            }
            let name = String(rest[..<end])
            rest = rest[rest.index(after: end)...]
            return .field(try RecordField(argument: name))
        case let other:
            throw ValidationError(
                "%\(other.map(String.init) ?? "") in the format is not known; there are "
                    + "%t %T %s %k %i %p %q %S %% and %{NAME}")
        }
    }

    private init(_ fields: [RecordField]) {
        for (index, field) in fields.enumerated() {
            if index > 0 { parts.append(.text([0x20])) }
            parts.append(.field(field))
        }
        parts.append(.text([0x0A]))
    }

    /// Appends a record.
    func append(_ frame: borrowing FrameView, to text: inout Bytes) {
        for part in parts {
            switch part {
            case .text(let bytes): text.append(bytes.span.bytes)
            case .microseconds: text.append(decimal: frame.eventTime)
            case .field(.symbol): text.append(utf8: frame.symbol.shown)
            case .field(let field): if !frame.append(field, to: &text) { text.append("-") }
            }
        }
    }

    /// What a person sees who asks for nothing.
    struct Usual {
        private let kinds: [RecordFormat]
        private let other = RecordFormat([.time, .symbol, .kind, .id, .lastID])

        init() {
            kinds = RecordKind.allCases.map { kind in
                var fields = RecordField.columns(of: kind)
                fields.insert(.kind, at: 2)
                return RecordFormat(fields)
            }
        }

        func format(of frame: borrowing FrameView) -> RecordFormat {
            let place = Int(frame.template) - 1
            return kinds.indices.contains(place) ? kinds[place] : other
        }
    }
}
