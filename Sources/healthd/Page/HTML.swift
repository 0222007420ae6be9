/// A piece of HTML. Texts become part of one only escaped: what stages say of themselves is bytes
/// from outside.
struct HTML: ExpressibleByStringInterpolation, Sendable {
    private(set) var text: String

    /// A text as it is, escaped.
    init(_ text: String) { self.text = Self.escaped(text) }
    /// Markup that is in the source.
    init(stringLiteral markup: String) { text = markup }
    init(stringInterpolation parts: Interpolation) { text = parts.text }

    /// Pieces one after another.
    init(_ pieces: some Sequence<HTML>) { text = pieces.reduce(into: "") { $0 += $1.text } }

    static func += (one: inout HTML, other: HTML) { one.text += other.text }
    static func + (one: HTML, other: HTML) -> HTML {
        var sum = one
        sum += other
        return sum
    }

    /// Literal parts are markup, what is put between them is escaped unless it is HTML itself.
    struct Interpolation: StringInterpolationProtocol {
        var text = ""

        init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity)
        }
        mutating func appendLiteral(_ markup: String) { text += markup }
        mutating func appendInterpolation(_ piece: HTML) { text += piece.text }
        mutating func appendInterpolation(_ word: String) { text += HTML.escaped(word) }
        mutating func appendInterpolation(_ number: Int) { text += String(number) }
        mutating func appendInterpolation(_ number: Int64) { text += String(number) }
    }

    /// Safe between tags and between double quotes. Control characters, line ends and marks that
    /// turn the direction of writing are shown as such: a page must not say what its source does
    /// not.
    private static func escaped(_ text: String) -> String {
        var safe = ""
        safe.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": safe += "&amp;"
            case "<": safe += "&lt;"
            case ">": safe += "&gt;"
            case "\"": safe += "&quot;"
            case "'": safe += "&#39;"
            case "\n", "\t": safe += " "
            default:
                let category = scalar.properties.generalCategory
                let isUnseen = category == .control || category == .format
                safe.unicodeScalars.append(isUnseen ? "\u{FFFD}" : scalar)
            }
        }
        return safe
    }
}
