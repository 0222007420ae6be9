/// How late the records of a sequence were that came with its ids, about one mark a day of event
/// time: an id that comes again with a time far after its own is of a new numbering, and not a
/// repeat.
public struct IDTimes: Sendable, Equatable {
    /// How far the event time of a record may be after the newest one that its id can have come with,
    /// before it is of a new numbering, µs: marks are about a day apart.
    public static let restartAfter: Int64 = 2 * 86_400_000_000
    /// Between two marks, µs: a day.
    private static let spacing: Int64 = 86_400_000_000

    /// Event times before this cannot be right and say nothing, µs: the venue opened in July 2017.
    public static let earliest: Int64 = 1_483_228_800_000_000

    /// Ascending.
    private var ids: [Int64] = []
    /// µs since the epoch, ascending: ids up to each came with times before this and a day.
    private var times: [Int64] = []
    /// The event time from which on there is something to note, µs.
    private var due = Self.earliest

    /// Nothing came yet.
    public init() {}

    /// Notes that an id came with an event time, µs.
    public mutating func note(_ id: Int64, _ time: Int64) {
        guard time > newest else { return }
        newest = time
        if time >= due { mark(id, time) }
    }

    private mutating func mark(_ id: Int64, _ time: Int64) {
        let last = max(ids.last ?? id, id)
        // Marks at this id and above are no bound for it any more.
        while let end = ids.last, end >= id {
            ids.removeLast()
            times.removeLast()
        }
        ids.append(last)
        times.append(time)
        due = Self.sum(time, Self.spacing)
    }

    /// The newest event time of all that came, µs since the epoch; 2017 when nothing came that can be
    /// right.
    public private(set) var newest = Self.earliest

    /// True when a record cannot be the one that came with its id before: it is of a time far after
    /// all that can have come with that id. False as well when nothing came yet.
    ///
    /// - Parameter time: its event time, µs since the epoch.
    public func isRestart(_ id: Int64, _ time: Int64) -> Bool {
        guard let bound = bound(of: id) else { return false }
        return Self.isRestart(time, after: bound)
    }

    /// The newest event time with which an id can have come, µs since the epoch; nil when none came.
    public func bound(of id: Int64) -> Int64? {
        guard let newest = times.last else { return nil }
        // A mark a day is thousands of them, and each late record asks.
        let place = IDIntervals.search(ids.count) { ids[$0] < id }
        return Self.sum(place < ids.count ? times[place] : newest, Self.spacing)
    }

    /// True when a record of this event time is of a new numbering, if its id came by a time, both µs.
    public static func isRestart(_ time: Int64, after bound: Int64) -> Bool {
        bound >= earliest && time > sum(bound, restartAfter)
    }

    /// A sum that stays at the largest number.
    private static func sum(_ one: Int64, _ other: Int64) -> Int64 {
        let (sum, overflow) = one.addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
