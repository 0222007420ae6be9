/// Which gap records name some ids, found without looking at all of them: a bucket of a year of bad
/// connections has tens of thousands, and as many holes.
struct GapIndex: Sendable {
    /// Ids that a gap record names.
    struct Entry: Sendable {
        let ids: ClosedRange<Int64>
        /// Which of the gaps.
        let gap: Int
        /// Its place among those that tell most: those with lower ones are asked first.
        let rank: Int
    }

    /// By their first ids.
    private var entries: [Entry] = []
    /// The last id of all entries up to each.
    private var reaches: [Int64] = []

    /// No gap records.
    init() {}

    /// Of two gap records that one tells more whose ids will not come, then the one with evidence, then
    /// the later one.
    init(_ gaps: [ObservedGap]) {
        func weight(_ gap: ObservedGap) -> (Int, Int, Int64) {
            (gap.isDeclared ? 1 : 0, gap.evidence.isEmpty ? 0 : 1, gap.seen.upperBound)
        }
        let order = gaps.indices.sorted { weight(gaps[$0]) > weight(gaps[$1]) }
        for (rank, gap) in order.enumerated() {
            entries += gaps[gap].ids.map { Entry(ids: $0, gap: gap, rank: rank) }
        }
        entries.sort { ($0.ids.lowerBound, $0.rank) < ($1.ids.lowerBound, $1.rank) }
        reaches.reserveCapacity(entries.count)
        for entry in entries {
            reaches.append(max(reaches.last ?? .min, entry.ids.upperBound))
        }
    }

    /// What names some of these ids, those that tell most first.
    func entries(overlapping ids: ClosedRange<Int64>) -> [Entry] {
        var (low, high) = (0, reaches.count)
        while low < high {
            let middle = (low + high) / 2
            if reaches[middle] < ids.lowerBound { low = middle + 1 } else { high = middle }
        }
        var found: [Entry] = []
        while low < entries.count, entries[low].ids.lowerBound <= ids.upperBound {
            if entries[low].ids.overlaps(ids) { found.append(entries[low]) }
            low += 1
        }
        return found.sorted { $0.rank < $1.rank }
    }
}
