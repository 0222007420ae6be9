import Encoding
import Identity
public import Posix

/// Turns lines of JSON back into the records that they came from.
///
/// Made once for many lines: a line of plain numbers costs no allocation. Members may come in any
/// order; those that are not known here are ignored, and the last of a name counts.
public struct JSONRecord: ~Copyable {
    private var row = RecordRow()
    private let fields = FormFieldTable.shared

    /// For any number of lines.
    public init() {}

    /// Appends the frame of one line.
    ///
    /// - Throws: ``FieldFailure``; nothing was appended then.
    public static func appendFrame(of line: RawSpan, to bytes: inout Bytes) throws(FieldFailure) {
        var reader = JSONRecord()
        try reader.appendFrame(of: line, to: &bytes)
    }

    /// Appends the frame of one line.
    ///
    /// - Throws: ``FieldFailure``; nothing was appended then.
    public mutating func appendFrame(
        of line: RawSpan, to bytes: inout Bytes
    ) throws(FieldFailure) {
        row.removeAll()
        do throws(JSONScanner.Failure) { try scan(line) } catch { throw FieldFailure("\(error)") }
        try row.appendFrame(try kind(line), line, to: &bytes)
    }

    // MARK: - Members

    private mutating func scan(_ line: RawSpan) throws(JSONScanner.Failure) {
        var scanner = JSONScanner(line)
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            if let match = fields.match(line, key) {
                try set(match, &scanner)
            } else if scanner.plainNumber() == nil {
                try scanner.skip()
            }
        }
        try scanner.end()
    }

    /// Takes a value, at once where it is as plain as nearly all are, else for later.
    @inline(__always)
    private mutating func set(
        _ match: FormFieldTable.Match, _ scanner: inout JSONScanner
    ) throws(JSONScanner.Failure) {
        guard let next = scanner.peek() else { throw scanner.failure("expected a value") }
        let start = scanner.position
        switch next {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            if let number = scanner.plainNumber() {
                return row.set(
                    match.field, number.mantissa,
                    exponent: Int8(truncatingIfNeeded: 0 &- number.fraction),
                    isExact: match.isExact)
            }
        case UInt8(ascii: "\""):
            let (range, isPlain) = try scanner.stringOfBytes()
            if isPlain {
                return row.set(
                    match.field,
                    RecordRow.Slot(
                        form: .text, end: Int32(truncatingIfNeeded: range.upperBound),
                        value: Int64(range.lowerBound)), isExact: match.isExact)
            }
            return setLater(match, start)
        case UInt8(ascii: "t"), UInt8(ascii: "f"):
            let slot = RecordRow.Slot(form: try scanner.boolean() ? .yes : .no)
            return row.set(match.field, slot, isExact: match.isExact)
        case UInt8(ascii: "n"):
            _ = try scanner.null()
            return row.set(match.field, RecordRow.Slot(form: .null), isExact: match.isExact)
        default: break
        }
        try scanner.skip()
        setLater(match, start)
    }

    private mutating func setLater(_ match: FormFieldTable.Match, _ start: Int) {
        row.set(
            match.field, RecordRow.Slot(form: .json, value: Int64(start)), isExact: match.isExact)
    }

    // MARK: - Kind

    private func kind(_ line: RawSpan) throws(FieldFailure) -> RecordKind? {
        for kind in RecordKind.allCases where row.equals(.kind, kind.word, line) { return kind }
        let name = try row.text(.kind, line)
        // Perhaps written with escapes.
        if let kind = RecordKind(name: name) { return kind }
        guard name == "unknown" else {
            throw FieldFailure("kind: \"\(name)\" is not a kind of record")
        }
        return nil
    }
}
