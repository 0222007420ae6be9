import Encoding
import Posix

/// A JSON text in the making (RFC 8259).
public indirect enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// Not a number and infinite become null.
    case number(Double)
    case string(String)
    case array([JSONValue])
    /// Members in order.
    case object([(String, JSONValue)])

    /// The text, without white space.
    public var text: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .number(let value): text += value.isFinite ? Self.plain(value) : "null"
        case .string(let value): text.append(jsonQuoted: value)
        case .array(let values):
            text += "["
            for (index, value) in values.enumerated() {
                if index > 0 { text += "," }
                value.write(to: &text)
            }
            text += "]"
        case .object(let members):
            text += "{"
            for (index, (name, value)) in members.enumerated() {
                if index > 0 { text += "," }
                text.append(jsonQuoted: name)
                text += ":"
                value.write(to: &text)
            }
            text += "}"
        }
    }

    /// Three digits after the point are enough for rates and ages.
    private static func plain(_ value: Double) -> String {
        abs(value) < 1e12 ? "\((value * 1000).rounded() / 1000)" : "\(value)"
    }
}

extension JSONValue {
    /// A text, or null.
    static func optional(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
    /// A number, or null.
    static func optional(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
    /// A whole number, or null.
    static func optional(_ value: Int64?) -> JSONValue { value.map { .integer($0) } ?? .null }
}
