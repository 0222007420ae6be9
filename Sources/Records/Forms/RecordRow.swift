import Encoding
import Identity
import Posix

/// The fields of one record on its way back from a public form into a frame.
///
/// Each form fills it by field: lines of JSON (``JSONRecord``), Avro, columns of Parquet. It is made
/// once and used for record after record, so that a record costs no allocation. Texts stay where
/// they are in the bytes that the record came in, which every call that needs them is given.
@safe
struct RecordRow: ~Copyable {
    /// What is known of a field's value.
    enum Form: UInt8 {
        /// A number: ``Slot/value`` × 10^``Slot/exponent``.
        case number
        /// A number over 64 bits, in ``wide``.
        case wideNumber
        case yes
        case no
        case null
        /// The bytes ``Slot/value`` up to ``Slot/end`` of the record are the text.
        case text
        /// The bytes are the content, as they are.
        case content
        /// One side of a book, in ``levels``.
        case levels
        /// A value of JSON that begins at ``Slot/value`` and is read when it is needed.
        case json
    }

    /// One field's value.
    struct Slot {
        var form: Form = .null
        var exponent: Int8 = 0
        var end: Int32 = 0
        var value: Int64 = 0
    }

    /// By ``FormField/rawValue``; a slot counts only with its bit in ``present``.
    private let slots: UnsafeMutablePointer<Slot>
    private var present: UInt64 = 0
    /// Exact forms beside numbers, which few records have.
    private let exactSlots: UnsafeMutablePointer<Slot>
    private var exactPresent: UInt64 = 0
    /// Numbers over 64 bits.
    private var wide: [Int128] = []
    /// Levels of both sides of a book, and what of it is bids.
    private(set) var levels: [BookLevel] = []

    /// The symbol of every record, where something beside the records says it.
    var ownSymbol: SymbolName?

    init() {
        let count = FormField.allCases.count
        unsafe slots = .allocate(capacity: 2 * count)
        unsafe slots.initialize(repeating: Slot(), count: 2 * count)
        unsafe exactSlots = slots + count
    }

    deinit { unsafe slots.deallocate() }

    /// Forgets the record before.
    @inline(__always)
    mutating func removeAll() {
        present = 0
        exactPresent = 0
        if !wide.isEmpty { wide.removeAll(keepingCapacity: true) }
        if !levels.isEmpty { levels.removeAll(keepingCapacity: true) }
    }

    // MARK: - Filling

    /// Sets a field; the last value of a name counts.
    @inline(__always)
    mutating func set(_ field: FormField, _ slot: Slot, isExact: Bool = false) {
        let bit: UInt64 = 1 &<< UInt64(field.rawValue)
        if isExact {
            exactPresent |= bit
            unsafe exactSlots[Int(field.rawValue)] = slot
        } else {
            present |= bit
            unsafe slots[Int(field.rawValue)] = slot
        }
    }

    /// Sets a number.
    @inline(__always)
    mutating func set(
        _ field: FormField, _ value: Int64, exponent: Int8 = 0, isExact: Bool = false
    ) {
        set(field, Slot(form: .number, exponent: exponent, value: value), isExact: isExact)
    }

    /// Sets a number of any width.
    mutating func set(
        _ field: FormField, _ number: ExactDecimal, isExact: Bool = false
    ) {
        if let narrow = Int64(exactly: number.mantissa) {
            return set(field, narrow, exponent: number.exponent, isExact: isExact)
        }
        wide.append(number.mantissa)
        set(
            field,
            Slot(form: .wideNumber, exponent: number.exponent, value: Int64(wide.count - 1)),
            isExact: isExact)
    }

    /// Sets a text or content by its place in the record's bytes.
    mutating func set(_ field: FormField, _ form: Form, _ range: Range<Int>) {
        set(
            field,
            Slot(
                form: form, end: Int32(truncatingIfNeeded: range.upperBound),
                value: Int64(range.lowerBound)))
    }

    /// Sets true, false or null.
    mutating func set(_ field: FormField, _ value: Bool?) {
        set(field, Slot(form: value.map { $0 ? .yes : .no } ?? .null))
    }

    /// Sets one side of a book from levels that ``append(level:)`` added from a place on.
    mutating func set(_ field: FormField, levelsFrom start: Int) {
        set(
            field,
            Slot(form: .levels, end: Int32(truncatingIfNeeded: levels.count), value: Int64(start)))
    }

    /// Adds a level.
    mutating func append(level: BookLevel) { levels.append(level) }

    // MARK: - Looking

    /// True when there is such a field.
    @inline(__always)
    func has(_ field: FormField) -> Bool { present &>> UInt64(field.rawValue) & 1 == 1 }

    /// The value of a field.
    @inline(__always)
    func slot(_ field: FormField) throws(FieldFailure) -> Slot {
        guard has(field) else { throw FieldFailure("\(field.name): is missing") }
        return unsafe slots[Int(field.rawValue)]
    }

    /// The exact form of a field's number; nil for most.
    @inline(__always)
    func exactSlot(_ field: FormField) -> Slot? {
        guard exactPresent != 0, exactPresent &>> UInt64(field.rawValue) & 1 == 1 else {
            return nil
        }
        return unsafe exactSlots[Int(field.rawValue)]
    }

    /// The number that a slot has; nil for one that has none.
    func number(_ slot: Slot) -> ExactDecimal? {
        switch slot.form {
        case .number: ExactDecimal(mantissa: Int128(slot.value), exponent: slot.exponent)
        case .wideNumber: ExactDecimal(mantissa: wide[Int(slot.value)], exponent: slot.exponent)
        default: nil
        }
    }
}
