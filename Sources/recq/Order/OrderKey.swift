import ArgumentParser
import Identity
import Records

/// What records are ordered by.
enum RecordOrder: String, CaseIterable, ExpressibleByArgument {
    /// Event time, then sequence, then ids.
    case time
    /// Sequence, then ids.
    case id
}

/// A record's place in an order.
struct OrderKey: Comparable {
    let time: Int64
    let sequence: SequenceID
    let first: Int64
    let last: Int64

    init(_ frame: borrowing FrameView, _ order: RecordOrder) {
        time = order == .time ? frame.eventTime : 0
        sequence = frame.sequence
        first = frame.firstID
        last = frame.lastID
    }

    static func < (one: Self, other: Self) -> Bool {
        if one.time != other.time { return one.time < other.time }
        if one.sequence != other.sequence { return one.sequence < other.sequence }
        return (one.first, one.last) < (other.first, other.last)
    }

    /// True for records of the same identity; their times may differ.
    func isSameRecord(as other: Self) -> Bool {
        sequence == other.sequence && first == other.first && last == other.last
    }
}
