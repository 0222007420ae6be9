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
    private var arrivals = ArrivalCopies()

    init(_ order: RecordOrder, isOn: Bool) {
        self.order = order
        self.isOn = isOn
    }

    /// True for a record that did not come before.
    mutating func isNew(_ frame: borrowing FrameView) -> Bool {
        guard isOn else { return true }
        switch frame.numbering {
        // Gap records and such have no identity of their own.
        case .none: return true
        case .arrival: return arrivals.isNew(frame, OrderKey(frame, order))
        case .contiguous, .increasing: break
        }
        let key = OrderKey(frame, order)
        if let last, last.isSameRecord(as: key) { return false }
        last = key
        guard order == .time else { return true }
        return recent[key.sequence, default: RecentIDs(capacity: Self.remembered)]
            .insert(key.last)
    }
}

/// Finds copies among raw messages. Each capture counts its arrivals from 1, so that a number says
/// nothing beyond its capture: only records that are equal to the byte, with the nanosecond of their
/// receipt, are the same one.
private struct ArrivalCopies {
    /// Records of one place in the order that are remembered: one of each capture, and in an order
    /// of time those of one microsecond.
    private static let most = 4096

    private var key: OrderKey?
    private var frames: Set<[UInt8]> = []

    mutating func isNew(_ frame: borrowing FrameView, _ place: OrderKey) -> Bool {
        if place != key || frames.count >= Self.most {
            frames.removeAll(keepingCapacity: true)
            key = place
        }
        let copy = frame.bytes.withUnsafeBytes { unsafe [UInt8]($0) }
        return frames.insert(copy).inserted
    }
}
