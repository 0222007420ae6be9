import Posix

/// Pages of a column that are finished while its row group still gets rows: what a row takes of memory
/// is some bytes of a page then, not its values. A group of 122 880 best prices takes 8 MiB less.
///
/// Only columns of values of fixed length have them: how wide the numbers of texts are is known when all
/// texts are. A file is the same with them as without.
struct EarlyPages: ~Copyable {
    /// Rows that are in them.
    var rows = 0
    /// Of these the ones that have a value.
    var values = 0
    var bytes = Bytes(capacity: 64)
    /// Offsets count from the first page.
    var chunk: ChunkMetadata?
    /// The last value, of a column of numbers that is not optional, and whether they rise up to there.
    var last = Int64.min
    var isRising = true

    /// Begins another row group, and keeps the memory.
    mutating func removeAll() {
        bytes.removeAll()
        (rows, values, chunk, last, isRising) = (0, 0, nil, .min, true)
    }
}

extension ColumnBuilder {
    /// True for columns whose pages do not depend on rows that come later.
    var hasEarlyPages: Bool { column.type.physical != .byteArray }

    /// Drops the values of a page that begins with the first row.
    func drop(_ cut: PageCut) {
        early.rows += cut.rows.count
        early.values += cut.values.count
        plain.removeFirst(cut.values.count * (column.type.width ?? 1))
        if column.isOptional { presence.removeFirst(cut.rows.count) }
        dropRows(cut.rows.count, values: cut.values.count)
    }

    /// True when the values rise, or stay, from each row to the next.
    var isRising: Bool {
        isNumber && early.isRising && isRising(in: 0..<rowsInMemory, after: early.last)
    }

    /// Notes of a page that is about to be dropped whether its values rise.
    func noteOrder(_ cut: PageCut) {
        guard isNumber, early.isRising else { return }
        early.isRising = isRising(in: cut.rows, after: early.last)
        withNumbers(cut.rows) { early.last = $0.last ?? early.last }
    }

    private var isNumber: Bool { !column.isOptional && column.type.physical == .int64 }

    private func isRising(in rows: Range<Int>, after last: Int64) -> Bool {
        withNumbers(rows) { values in
            var last = last
            for value in values {
                if value < last { return false }
                last = value
            }
            return true
        }
    }
}
