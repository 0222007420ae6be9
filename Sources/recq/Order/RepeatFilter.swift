import Identity
import Records

/// Finds records of an ordered stream that came before.
///
/// Ordered by id, repeats follow each other. Ordered by time they may be apart, as when the copies
/// differ in their times: the last ids of each sequence are remembered.
struct RepeatFilter {
    /// Ids of a sequence that are remembered.
    private static let remembered = 65_536

    private let order: RecordOrder
    private let isOn: Bool
    private var last: OrderKey?
    private var recent: [SequenceID: RecentIDs] = [:]

    init(_ order: RecordOrder, isOn: Bool) {
        self.order = order
        self.isOn = isOn
    }

    /// True for a record that did not come before.
    mutating func isNew(_ frame: borrowing FrameView) -> Bool {
        // Gap records and such have no identity of their own.
        guard isOn, frame.numbering != .none else { return true }
        let key = OrderKey(frame, order)
        if let last, last.isSameRecord(as: key) { return false }
        last = key
        guard order == .time else { return true }
        return recent[key.sequence, default: RecentIDs(capacity: Self.remembered)]
            .insert(key.last)
    }
}
