/// How late records of a sequence were when their ids were booked: ids and event times, some of
/// them, so that ids which start over can be told from repeats.
struct TimeMarks: Sendable, Equatable {
    /// A bound may be this much too late, µs: a day.
    static let spacing: Int64 = 86_400_000_000

    /// Ascending.
    private(set) var ids: [Int64] = []
    /// µs since the epoch; for each id the newest event time that ids up to it were booked with.
    private(set) var times: [Int64] = []

    /// The last event time of all.
    var newest: Int64? { times.max() }

    /// The newest event time that an id can have been booked with; nil when nothing is known.
    func bound(of id: Int64) -> Int64? {
        let place = firstIndex(atOrAfter: id)
        return place < ids.count ? times[place] : nil
    }

    /// The times around some ids: of the last mark below them, or the first of all, and of the first
    /// one above them, or the last of all.
    func bounds(around range: ClosedRange<Int64>) -> ClosedRange<Int64>? {
        guard !ids.isEmpty else { return nil }
        let below = times[max(0, firstIndex(atOrAfter: range.lowerBound) - 1)]
        let above = times[min(ids.count - 1, firstIndex(atOrAfter: range.upperBound))]
        // Ids up to a mark may be older than it by the distance of two marks.
        let start = below.subtractingReportingOverflow(Self.spacing).partialValue
        return min(start, above)...max(start, above)
    }

    /// Notes that ids up to this one were booked with event times up to this one.
    mutating func note(_ id: Int64, _ time: Int64) {
        let place = firstIndex(atOrAfter: id)
        if place < ids.count {
            let known = times[place]
            if known < time {
                times[place] = time
                return
            }
            if known.subtractingReportingOverflow(time).partialValue <= Self.spacing { return }
        }
        // The mark before moves on, unless it would leave too long a stretch behind.
        if place >= 2, time >= times[place - 1],
            time.subtractingReportingOverflow(times[place - 2]).partialValue < Self.spacing
        {
            ids[place - 1] = id
            times[place - 1] = time
            return
        }
        ids.insert(id, at: place)
        times.insert(time, at: place)
    }

    /// Forgets the marks at some ids.
    mutating func remove(_ range: ClosedRange<Int64>) {
        let marks = zip(ids, times).filter { !range.contains($0.0) }
        ids = marks.map { $0.0 }
        times = marks.map { $0.1 }
    }

    private func firstIndex(atOrAfter id: Int64) -> Int {
        var (low, high) = (0, ids.count)
        while low < high {
            let middle = (low + high) / 2
            if ids[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
