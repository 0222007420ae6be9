public import Posix

/// Values of one column that wait for their row group: numbers and decimals in the PLAIN encoding
/// already, texts as numbers of a dictionary as long as few of them differ.
///
/// A row is one call of one of the `append` functions that fits the column's type; what does not fit
/// is a bug of the caller.
public final class ColumnBuilder {
    /// What the values are.
    public let column: ParquetColumn
    /// Values of fixed length in PLAIN; booleans a byte each; texts in PLAIN once they are not
    /// numbered any more.
    @usableFromInline var plain: Bytes
    /// Of an optional column a byte for each row: 1 where it has a value.
    @usableFromInline var presence: Bytes
    /// Numbers of texts, 32 bits each, while they are numbered.
    var numbers = Bytes(capacity: 64)
    var words = WordDictionary()
    private(set) var isNumbered = true
    private var lastNumber: UInt32 = .max
    /// Where `plain` has the last text, with its length, once texts are not numbered any more.
    private var lastText = 0..<0
    /// Rows that are not in early pages.
    @usableFromInline var count = 0
    var early = EarlyPages()

    init(_ column: ParquetColumn) {
        self.column = column
        // Of a page that is filled only once memory is touched.
        let page = ChunkEncoder.pageRows + ChunkEncoder.pageRows / 8
        plain = Bytes(
            capacity: column.type.physical == .byteArray ? 64 : page * (column.type.width ?? 1))
        presence = Bytes(capacity: 16)
    }

    /// Rows in it.
    public var rows: Int { early.rows + count }
    /// Those that are not in early pages.
    var rowsInMemory: Int { count }
    /// Rows that have a value.
    var values: Int { early.values + (column.isOptional ? presentCount : count) }
    private(set) var presentCount = 0

    /// Bytes of memory that its values take.
    var bytes: Int { plain.count + presence.count + numbers.count + words.plain.count }

    // MARK: - Appending

    /// Appends a number, a time or a decimal of 64 bits.
    @inlinable @inline(__always)
    public func append(_ value: Int64) {
        plain.append(bits: value)
        notePresent()
    }

    /// Appends a decimal of 128 bits.
    @inlinable @inline(__always)
    public func append(wide value: Int128) {
        plain.append(bits: value.bigEndian)
        notePresent()
    }

    /// Appends a boolean.
    @inlinable @inline(__always)
    public func append(_ value: Bool) {
        plain.append(value ? 1 : 0)
        notePresent()
    }

    /// Appends the absence of a value, to an optional column.
    public func appendNothing() {
        precondition(column.isOptional)
        presence.append(0)
        count &+= 1
    }

    /// Appends a text or bytes.
    public func append(_ text: UnsafeRawBufferPointer) {
        if isNumbered {
            if lastNumber == .max || !words.isText(lastNumber, text) {
                lastNumber = words.number(of: text)
            }
            numbers.append(bits: lastNumber)
            if words.isFull { writeOut() }
        } else {
            let start = plain.count
            plain.append(bits: UInt32(text.count))
            plain.append(text)
            lastText = start..<plain.count
        }
        notePresent()
    }

    /// Appends a text.
    public func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends a text.
    public func append(utf8 text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Appends bytes.
    public func append(_ bytes: RawSpan) { bytes.withUnsafeBytes { append($0) } }

    @inlinable @inline(__always)
    func notePresent() {
        if column.isOptional { noteValue() }
        count &+= 1
    }

    @usableFromInline
    func noteValue() {
        presence.append(1)
        presentCount += 1
    }

    /// Appends what the last row has, some times more.
    public func append(again times: Int) {
        guard times > 0 else { return }
        precondition(count > 0)
        if column.isOptional {
            let isPresent = presence.withUnsafeBytes((count - 1)..<count) { $0[0] }
            for _ in 0..<times { presence.append(isPresent) }
            guard isPresent == 1 else {
                count += times
                return
            }
            presentCount += times
        }
        if column.type.physical == .byteArray {
            appendTextAgain(times)
        } else {
            let width = column.type.width ?? 1
            for _ in 0..<times { plain.append(again: (plain.count - width)..<plain.count) }
        }
        count += times
    }

    private func appendTextAgain(_ times: Int) {
        if isNumbered {
            for _ in 0..<times { numbers.append(bits: lastNumber) }
        } else {
            let last = lastText
            for _ in 0..<times { plain.append(again: last) }
        }
    }

    /// Gives up numbering: too many texts differ.
    private func writeOut() {
        isNumbered = false
        numbers.withUnsafeBytes(0..<numbers.count) { all in
            for number in all.bindMemory(to: UInt32.self) {
                words.withText(number) { text in
                    lastText = plain.count..<(plain.count + 4 + text.count)
                    plain.append(bits: UInt32(text.count))
                    plain.append(text)
                }
            }
        }
        numbers.removeAll()
        words.removeAll()
    }

    /// Empties it for the next row group, and keeps its memory.
    func removeAll() {
        plain.removeAll()
        presence.removeAll()
        numbers.removeAll()
        words.removeAll()
        isNumbered = true
        lastNumber = .max
        (count, presentCount) = (0, 0)
        early.removeAll()
    }

    /// Forgets that rows are in memory: their values were dropped.
    func dropRows(_ rows: Int, values: Int) {
        count -= rows
        if column.isOptional { presentCount -= values }
    }
}
