import ArgumentParser
import Encoding
import Identity
import Posix
import Records

/// What records are counted by: fields, and parts of the event time.
struct GroupKey {
    private enum Part {
        case field(RecordField)
        /// So many characters of the event time.
        case time(Int)
    }

    private let parts: [Part]

    /// Reads names with commas between.
    init(_ text: String) throws {
        var parts: [Part] = []
        for name in text.split(separator: ",").map(String.init) {
            switch name {
            case "date", "day": parts.append(.time(10))
            case "hour": parts.append(.time(13))
            case "minute": parts.append(.time(16))
            case "second": parts.append(.time(19))
            default: parts.append(.field(try RecordField(argument: name)))
            }
        }
        guard !parts.isEmpty else { throw ValidationError("--by names no field") }
        self.parts = parts
    }

    /// Appends a record's values, two spaces between them.
    func append(_ frame: borrowing FrameView, to text: inout Bytes) {
        for (index, part) in parts.enumerated() {
            if index > 0 { text.append("  ") }
            switch part {
            case .field(.symbol): text.append(utf8: frame.symbol.shown)
            case .field(let field):
                if !frame.append(field, to: &text) { text.append("-") }
            case .time(let length):
                text.append(
                    utf8: String(Timestamp.text(microseconds: frame.eventTime).prefix(length)))
            }
        }
    }
}
