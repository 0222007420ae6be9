/// The ids that came of a sequence whose ids mostly follow each other, in any order.
///
/// The newest stretch is a pair of numbers, which nearly every id only extends. What is below it is
/// kept in pages of 512 ids, a bit each, as long as ids of a page are missing; whole pages are
/// intervals of an ``IDSet``. So an id that comes late costs a bit wherever it is, where intervals
/// alone would have to move all that are above it, and a million holes side by side take 250 KiB.
public struct IDPages: Sendable {
    /// Ids of a page, as a power of two.
    @usableFromInline static var shift: Int64 { @inlinable get { 9 } }
    @usableFromInline static var pageLength: Int64 { @inlinable get { 1 << shift } }
    static let words = 1 << Int(shift) / 64
    /// Pages and intervals that are kept before the older half is forgotten: at most 40 MiB.
    private static let maximumPages = 1 << 18

    /// Runs of ids with at least one missing between any two.
    public internal(set) var stretches = 0
    /// The first id of the newest stretch, as far as it came in order.
    @usableFromInline var tailFirst: Int64 = 0
    /// The newest id; below ``tailFirst`` when there is none.
    @usableFromInline var tailLast: Int64 = -1
    /// Whole pages below the newest stretch.
    private var whole = IDSet()
    /// The others: where the bits of each are.
    private var places = PageTable()
    var bits: [UInt64] = []
    /// The page that the last late id came into, and where its bits are. Without one a page that no id
    /// has.
    @usableFromInline var latePage = Int64.max
    var latePlace = 0
    private var free: [Int] = []

    /// The empty set.
    public init() {}

    /// True without ids.
    @inlinable public var isEmpty: Bool { tailLast < tailFirst }
    /// The largest id.
    @inlinable public var last: Int64? { isEmpty ? nil : tailLast }

    /// Adds the id that follows the largest one.
    ///
    /// - Returns: false, and nothing changed, when it is another one.
    @inlinable
    @inline(__always)
    public mutating func extend(by id: Int64) -> Bool {
        guard id == tailLast &+ 1, tailFirst <= tailLast, id > tailLast else { return false }
        tailLast = id
        return true
    }

    /// Adds every id of a range.
    ///
    /// - Returns: false when all of them were there already.
    public mutating func insert(_ ids: ClosedRange<Int64>) -> Bool {
        if isEmpty || ids.lowerBound > tailLast {
            if !isEmpty, ids.lowerBound == tailLast + 1 {
                tailLast = ids.upperBound
                return true
            }
            if !isEmpty { store(tailFirst...tailLast) }
            (tailFirst, tailLast) = (ids.lowerBound, ids.upperBound)
            stretches += 1
            forgetOldest()
            return true
        }
        var isNew = false
        if ids.upperBound > tailLast {
            tailLast = ids.upperBound
            isNew = true
        }
        guard ids.lowerBound < tailFirst else { return isNew }
        let late = ids.lowerBound...min(ids.upperBound, tailFirst - 1)
        let isLateNew =
            late.lowerBound == late.upperBound
            ? insertLate(late.lowerBound) : insertLate(late)
        if isLateNew { forgetOldest() }
        return isLateNew || isNew
    }

    /// The parts of a range that are in the set, ascending; there is an id missing between any two.
    public func covered(in range: ClosedRange<Int64>) -> [ClosedRange<Int64>] {
        var pieces = whole.covered(in: range)
        let wholeCount = pieces.count
        for page in pages(in: range) { appendRuns(of: page, in: range, to: &pieces) }
        if !isEmpty, tailFirst <= range.upperBound, tailLast >= range.lowerBound {
            pieces.append(max(tailFirst, range.lowerBound)...min(tailLast, range.upperBound))
        }
        if wholeCount > 0, pieces.count > wholeCount {
            pieces.sort { $0.lowerBound < $1.lowerBound }
        }
        var merged: [ClosedRange<Int64>] = []
        for piece in pieces {
            if let before = merged.last, before.upperBound &+ 1 == piece.lowerBound {
                merged[merged.count - 1] = before.lowerBound...piece.upperBound
            } else {
                merged.append(piece)
            }
        }
        return merged
    }

    /// The parts of a range that are not in the set, ascending.
    public func missing(in range: ClosedRange<Int64>) -> [ClosedRange<Int64>] {
        var missing: [ClosedRange<Int64>] = []
        var next = range.lowerBound
        for known in covered(in: range) {
            if known.lowerBound > next { missing.append(next...(known.lowerBound - 1)) }
            guard known.upperBound < range.upperBound else { return missing }
            next = known.upperBound + 1
        }
        missing.append(next...range.upperBound)
        return missing
    }

    /// True when the id is in the set.
    public func contains(_ id: Int64) -> Bool {
        if id >= tailFirst { return id <= tailLast }
        if let place = places[id >> Self.shift] {
            return bits[place + Self.word(id)] & Self.bit(id) != 0
        }
        return whole.contains(id)
    }

    // MARK: - Adding below the newest stretch

    private mutating func insertLate(_ id: Int64) -> Bool {
        let page = id >> Self.shift
        let place: Int
        if let known = places[page] {
            guard bits[known + Self.word(id)] & Self.bit(id) == 0 else { return false }
            place = known
        } else {
            guard !whole.contains(id) else { return false }
            place = newPage(page)
        }
        let before = id != .min && contains(id - 1)
        let after = contains(id + 1)
        stretches += 1 - (before ? 1 : 0) - (after ? 1 : 0)
        bits[place + Self.word(id)] |= Self.bit(id)
        (latePage, latePlace) = (page, place)
        settle(page, at: place)
        return true
    }

    /// Makes an interval of the page that is remembered, if it has become whole.
    mutating func settleLatePage() {
        settle(latePage, at: latePlace)
        forgetOldest()
    }

    private mutating func insertLate(_ ids: ClosedRange<Int64>) -> Bool {
        let lower = ids.lowerBound == .min ? .min : ids.lowerBound - 1
        let near = covered(in: lower...(ids.upperBound + 1))
        for known in near
        where known.lowerBound <= ids.lowerBound && known.upperBound >= ids.upperBound {
            return false
        }
        stretches += 1 - near.count
        store(ids)
        return true
    }

    /// Puts ids below the newest stretch, of which some may be there.
    private mutating func store(_ ids: ClosedRange<Int64>) {
        let (first, last) = (ids.lowerBound >> Self.shift, ids.upperBound >> Self.shift)
        guard first < last else { return set(first, ids) }
        let startsWhole = ids.lowerBound == first << Self.shift
        let endsWhole = ids.upperBound == Self.end(of: last)
        if !startsWhole { set(first, ids.lowerBound...Self.end(of: first)) }
        let (firstWhole, lastWhole) = (startsWhole ? first : first + 1, endsWhole ? last : last - 1)
        if firstWhole <= lastWhole {
            let range = (firstWhole << Self.shift)...Self.end(of: lastWhole)
            for page in pages(in: range) { drop(page) }
            whole.insert(range)
        }
        if !endsWhole { set(last, (last << Self.shift)...ids.upperBound) }
    }

    /// Sets ids of one page.
    private mutating func set(_ page: Int64, _ ids: ClosedRange<Int64>) {
        let place: Int
        if let known = places[page] {
            place = known
        } else {
            if whole.contains(ids.lowerBound) { return }
            place = newPage(page)
        }
        let (firstWord, lastWord) = (Self.word(ids.lowerBound), Self.word(ids.upperBound))
        for word in firstWord...lastWord {
            var mask = UInt64.max
            if word == firstWord { mask &= ~(Self.bit(ids.lowerBound) - 1) }
            if word == lastWord {
                mask &= Self.bit(ids.upperBound) | (Self.bit(ids.upperBound) - 1)
            }
            bits[place + word] |= mask
        }
        settle(page, at: place)
    }

    private mutating func newPage(_ page: Int64) -> Int {
        let place: Int
        if let old = free.popLast() {
            place = old
            for word in 0..<Self.words { bits[place + word] = 0 }
        } else {
            place = bits.count
            bits.append(contentsOf: repeatElement(0, count: Self.words))
        }
        places.insert(page, place)
        return place
    }

    /// Makes an interval of a page that has become whole.
    private mutating func settle(_ page: Int64, at place: Int) {
        for word in 0..<Self.words where bits[place + word] != .max { return }
        drop(page)
        whole.insert((page << Self.shift)...Self.end(of: page))
    }

    private mutating func drop(_ page: Int64) {
        if page == latePage { latePage = .max }
        if let place = places.remove(page) { free.append(place) }
    }

    private mutating func forgetOldest() {
        guard places.count > Self.maximumPages || whole.intervalCount > Self.maximumPages else {
            return
        }
        var cut = Int64.min
        if places.count > Self.maximumPages {
            let known = places.keys.sorted()
            cut = known[known.count / 2] << Self.shift
            for page in known[..<(known.count / 2)] { drop(page) }
        }
        if whole.intervalCount > Self.maximumPages {
            whole.keepLast(intervals: Self.maximumPages / 2)
            let oldest = whole.first ?? cut
            for page in places.keys where page < oldest >> Self.shift { drop(page) }
            cut = max(cut, oldest)
        }
        whole = IDSet(whole.ranges.filter { $0.lowerBound >= cut })
        stretches = covered(in: .min ... .max).count
    }

    // MARK: - Pages

    private static func end(of page: Int64) -> Int64 { page << shift | (pageLength - 1) }
    private static func word(_ id: Int64) -> Int { Int(id & (pageLength - 1)) / 64 }
    private static func bit(_ id: Int64) -> UInt64 { 1 << UInt64(id & 63) }

    /// The pages with bits that have ids of a range, ascending.
    private func pages(in range: ClosedRange<Int64>) -> [Int64] {
        if places.isEmpty { return [] }
        let (first, last) = (range.lowerBound >> Self.shift, range.upperBound >> Self.shift)
        // An upper bound of a few pages is looked up; of more, those that there are are looked at.
        if last - first <= places.count { return (first...last).filter { places[$0] != nil } }
        return places.keys.filter { first <= $0 && $0 <= last }.sorted()
    }

    private func appendRuns(
        of page: Int64, in range: ClosedRange<Int64>, to runs: inout [ClosedRange<Int64>]
    ) {
        guard let place = places[page] else { return }
        let start = page << Self.shift
        var offset = Int(max(range.lowerBound, start) - start)
        let end = Int(min(range.upperBound, Self.end(of: page)) - start)
        while offset <= end {
            let word = bits[place + offset / 64] >> UInt64(offset % 64)
            let left = 64 - offset % 64
            if word & 1 == 0 {
                offset += min(word.trailingZeroBitCount, left)
                continue
            }
            let next = min(offset + min((~word).trailingZeroBitCount, left), end + 1)
            let run = (start + Int64(offset))...(start + Int64(next - 1))
            if let before = runs.last, before.upperBound == run.lowerBound &- 1 {
                runs[runs.count - 1] = before.lowerBound...run.upperBound
            } else {
                runs.append(run)
            }
            offset = next
        }
    }
}
