import Parquet

/// The columns of a record's fields, in the fields' order, without a count of references for each.
///
/// Taking a builder out of an array counts a reference up and down. With a dozen fields a record that
/// was 28 % of what a trade in Parquet cost; the builders live as long as this does.
@safe
struct ColumnSlots: ~Copyable {
    private let owners: [ColumnBuilder?]
    private let slots: [Unmanaged<ColumnBuilder>?]
    private var next = 0

    /// - Parameter builders: for each field, its column; nil for one that is left out.
    init(_ builders: [ColumnBuilder?]) {
        owners = builders
        unsafe slots = builders.map { builder in
            unsafe builder.map { (owner) -> Unmanaged<ColumnBuilder> in
                unsafe Unmanaged.passUnretained(owner)
            }
        }
    }

    /// Lends the column of the next field, if it has one.
    @inline(__always)
    mutating func takeNext(_ body: (ColumnBuilder) -> Void) {
        let slot = unsafe slots[next]
        next &+= 1
        unsafe slot?._withUnsafeGuaranteedRef(body)
    }

    /// True when the next field is the one of a column.
    func isNext(_ column: ColumnBuilder) -> Bool { next < owners.count && owners[next] === column }

    /// Passes over fields.
    mutating func skip(_ count: Int) { next += count }

    /// Begins with the first field of another record.
    mutating func restart() { next = 0 }
}
