import Identity
public import Records

/// Records of one sequence and source with ids that follow each other: of a busy stream nearly all.
///
/// Judging one by one what is known of all of them was a quarter of a sink's own time. The next record
/// is new because nothing newer was taken, skips nothing, is not too far away, and is not the first one
/// of its source: that leaves a few compares. Kinds whose records each take one id and cannot be broken
/// but by their length are judged so, which are trades and aggregates. From time to time one is judged
/// all the same, for what is noted of event times.
struct Succession {
    /// Event times this far from that of the record that began it are judged, µs: an hour.
    private static let longest: Int64 = 3_600_000_000

    /// As records have it.
    private let sequence: SequenceID
    private let source: UInt8
    /// With which it is delivered.
    let epoch: UInt16
    /// The id of the record that began it, and of the last one.
    private let first: Int64
    private var last: Int64
    /// The newest event time, µs.
    private(set) var newestTime: Int64
    /// Event time from which on records are taken, µs.
    private let since: Int64

    /// - Parameter frame: was accepted, and has the newest id of its sequence.
    init?(after frame: borrowing FrameView, epoch: UInt16) {
        guard
            frame.template == RecordKind.trade.rawValue
                || frame.template == RecordKind.aggTrade.rawValue
        else { return nil }
        sequence = frame.sequence
        source = frame.source
        self.epoch = epoch
        first = frame.firstID
        last = first
        newestTime = frame.eventTime
        since = frame.eventTime &- Self.longest
    }

    /// The ids that were taken; nil for none.
    var taken: ClosedRange<Int64>? { last > first ? (first + 1)...last : nil }

    /// Takes the next record; false for any other.
    mutating func takes(_ frame: borrowing FrameView) -> Bool {
        guard frame.belongs(to: sequence), frame.source == source, frame.isSound else {
            return false
        }
        guard UInt64(bitPattern: frame.eventTime &- since) <= UInt64(2 * Self.longest) else {
            return false
        }
        let id = frame.firstID
        guard last < .max, id == last + 1, frame.lastID == id else { return false }
        last = id
        newestTime = max(newestTime, frame.eventTime)
        return true
    }
}

extension HeldIDs {
    /// Accepts the record that comes nearly always: the next one of the sequence and source of the
    /// record that ``follow(_:)`` was told of last.
    ///
    /// - Returns: the epoch of its sequence; nil for any other record, which is to be judged.
    public mutating func acceptNext(_ frame: borrowing FrameView) -> UInt16? {
        guard succession?.takes(frame) == true else { return nil }
        return succession?.epoch
    }
}
