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
    /// Event times of the records of `last`, µs: those far apart are of different numberings.
    private var lastTimes: [Int64] = []
    private var recent: [SequenceID: RecentRecords] = [:]
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
        if let last, last.isSameRecord(as: key) {
            if isKnown(frame) { return false }
        } else {
            lastTimes.removeAll(keepingCapacity: true)
        }
        last = key
        lastTimes.append(frame.eventTime)
        guard order == .time else { return true }
        return recent[key.sequence, default: RecentRecords(capacity: Self.remembered)]
            .insert(key.last, at: frame.eventTime)
    }

    /// True when a record of the id of `last` is one of those that came, and not of another numbering:
    /// a venue may begin again. Ids of klines are times, which do not.
    private func isKnown(_ frame: borrowing FrameView) -> Bool {
        if frame.template == RecordKind.kline.rawValue { return true }
        let own = frame.eventTime
        return lastTimes.contains { !IDTimes.isRestart(max($0, own), after: min($0, own)) }
    }
}

/// The last ids of a sequence in an order of time, as long as what comes can be of their numbering.
private struct RecentRecords {
    private let capacity: Int
    private var ids: RecentIDs
    /// Those of the days before `ids`.
    private var before: RecentIDs
    /// Event time of the first of `ids`, µs.
    private var begin: Int64?

    init(capacity: Int) {
        self.capacity = capacity
        ids = RecentIDs(capacity: capacity)
        before = ids
    }

    /// - Parameter time: µs, ascending.
    /// - Returns: false for an id that came, unless that was days ago: the venue began to
    ///   number again.
    mutating func insert(_ id: Int64, at time: Int64) -> Bool {
        let first = begin ?? time
        begin = first
        if IDTimes.isRestart(time, after: first) {
            let isFar = IDTimes.isRestart(time - IDTimes.restartAfter, after: first)
            before = isFar ? RecentIDs(capacity: capacity) : ids
            ids = RecentIDs(capacity: capacity)
            begin = time
        }
        return !before.contains(id) && ids.insert(id)
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
