import Identity
import Posix

/// Everything that a ledger says, in memory.
struct LedgerState {
    private struct Place: Hashable {
        let spool: UInt64
        let key: ProgressKey
    }

    private let recentIDs: Int
    private var indices: [SequenceID: Int] = [:]
    private var names: [SequenceID] = []
    private var coverages: [Coverage] = []
    /// The newest numbering of each sequence, under the name of its first.
    private var epochs: [SequenceID: UInt16] = [:]
    private var progress: [Place: IDSet] = [:]

    init(recentIDs: Int) { self.recentIDs = recentIDs }

    // MARK: - Looking

    /// The known sequences, in order.
    var sequences: [SequenceID] {
        names.indices.filter { !coverages[$0].isEmpty }.map { names[$0] }.sorted()
    }

    subscript(index: Int) -> Coverage { coverages[index] }

    func coverage(of sequence: SequenceID) -> Coverage? {
        guard let index = indices[sequence], !coverages[index].isEmpty else { return nil }
        return coverages[index]
    }

    func holds(_ ids: ClosedRange<Int64>, at index: Int) -> Bool {
        coverages[index].held.contains(ids)
    }

    func isRecent(_ id: Int64, at index: Int) -> Bool { coverages[index].recent.contains(id) }

    func epoch(of sequence: SequenceID) -> UInt16 { epochs[Self.first(sequence)] ?? 1 }

    func isConfirmed(_ key: ProgressKey, _ position: Int64, in spool: UInt64) -> Bool {
        progress[Place(spool: spool, key: key)]?.contains(position) ?? false
    }

    // MARK: - Changing

    /// A number for a sequence that stays as long as the ledger is open.
    mutating func index(of sequence: SequenceID) -> Int {
        if let index = indices[sequence] { return index }
        let index = names.count
        indices[sequence] = index
        names.append(sequence)
        coverages.append(Coverage(recentIDs: recentIDs))
        let first = Self.first(sequence)
        epochs[first] = max(epochs[first] ?? 1, sequence.epoch)
        return index
    }

    mutating func hold(_ ids: ClosedRange<Int64>, at index: Int) {
        coverages[index].held.insert(ids)
        // Nearly always nothing was said of what comes.
        guard !coverages[index].reported.isEmpty else { return }
        coverages[index].reported.remove(ids)
    }

    /// What is held is not remembered as reported; the set is as small as the holes are few.
    mutating func report(_ ids: ClosedRange<Int64>, at index: Int) {
        for range in coverages[index].held.missing(in: ids) {
            coverages[index].reported.insert(range)
        }
    }

    mutating func declare(_ ids: ClosedRange<Int64>, at index: Int) {
        coverages[index].declared.insert(ids)
    }

    mutating func add(_ run: Run, at index: Int) { coverages[index].runs.add(run) }

    mutating func remember(_ id: Int64, at index: Int) { coverages[index].recent.insert(id) }

    mutating func mark(_ id: Int64, _ time: Int64, at index: Int) {
        coverages[index].marks.note(id, time)
    }

    mutating func begin(at index: Int) { coverages[index].isBegun = true }

    /// Takes ids out.
    ///
    /// - Returns: how many were held, or seen as far as they were counted.
    @discardableResult
    mutating func remove(_ removal: Removal, at index: Int) -> (held: UInt64, declared: UInt64) {
        let held = coverages[index].held.remove(removal.ids)
        let declared = coverages[index].declared.remove(removal.ids)
        coverages[index].reported.remove(removal.ids)
        let seen = coverages[index].runs.remove(removal.ids)
        coverages[index].recent.remove(removal.ids)
        coverages[index].marks.remove(removal.ids)
        coverages[index].removed.append(removal)
        return (held.addingReportingOverflow(UInt64(max(0, seen))).partialValue, declared)
    }

    mutating func confirm(_ key: ProgressKey, _ positions: ClosedRange<Int64>, in spool: UInt64) {
        progress[Place(spool: spool, key: key), default: IDSet()].insert(positions)
    }

    /// - Returns: true when there was something to forget.
    @discardableResult
    mutating func dropProgress(in spool: UInt64, before position: Int64) -> Bool {
        guard position > .min else { return false }
        let places = progress.filter {
            $0.key.spool == spool && ($0.value.first ?? .max) < position
        }.keys
        for place in places {
            progress[place]?.remove(.min...(position - 1))
            if progress[place]?.isEmpty == true { progress[place] = nil }
        }
        return !places.isEmpty
    }

    mutating func keepProgress(onlyIn spools: [UInt64]) {
        progress = progress.filter { spools.contains($0.key.spool) }
    }

    /// True when some spool other than these has confirmed positions.
    func hasProgress(outside spools: [UInt64]) -> Bool {
        progress.keys.contains { !spools.contains($0.spool) }
    }

    private static func first(_ sequence: SequenceID) -> SequenceID {
        var first = sequence
        first.epoch = 1
        return first
    }

    // MARK: - As claims

    /// Takes the claims of a batch in.
    mutating func apply(_ batch: RawSpan) throws(ClaimError) {
        var claims = ClaimReader(batch)
        while !claims.isAtEnd {
            let number = try claims.byte()
            guard let tag = ClaimTag(rawValue: number) else {
                guard number >= ClaimTag.optional else {
                    throw ClaimError(reason: "a claim of kind \(number), which is not known here")
                }
                _ = try claims.body()
                continue
            }
            switch tag {
            case .progressDropped, .progressKept:
                var body = try claims.body()
                try apply(tag, &body)
            default:
                let index = index(of: try claims.sequence())
                var body = try claims.body()
                try apply(tag, &body, at: index)
            }
        }
    }

    private mutating func apply(_ tag: ClaimTag, _ body: inout ClaimReader) throws(ClaimError) {
        var numbers: [UInt64] = []
        while !body.isAtEnd { numbers.append(try body.number()) }
        if tag == .progressKept { return keepProgress(onlyIn: numbers) }
        guard numbers.count == 2 else { throw ClaimError(reason: "a wrong number of numbers") }
        dropProgress(in: numbers[0], before: Int64(bitPattern: numbers[1]))
    }

    private mutating func apply(
        _ tag: ClaimTag, _ body: inout ClaimReader, at index: Int
    ) throws(ClaimError) {
        switch tag {
        case .held, .declared, .reported:
            var last: Int64 = 0
            for _ in 0..<(try body.count(of: 2)) {
                let range = try Self.range(&body, after: last)
                last = range.upperBound
                switch tag {
                case .held: hold(range, at: index)
                case .declared: declare(range, at: index)
                default: report(range, at: index)
                }
            }
        case .run:
            var run = Run(
                first: try body.signed(), last: try body.signed(), firstTime: try body.signed(),
                lastTime: try body.signed(), count: try body.signed())
            if try body.byte() != 0 { run.previous = try body.signed() }
            add(run, at: index)
        case .recent:
            var id: Int64 = 0
            for _ in 0..<(try body.count(of: 1)) {
                id = id &+ (try body.signed())
                remember(id, at: index)
            }
        case .timeMark:
            mark(try body.signed(), try body.signed(), at: index)
        case .removed:
            let (first, last, time) = (try body.signed(), try body.signed(), try body.signed())
            guard first <= last else {
                throw ClaimError(reason: "a range that ends before it starts")
            }
            remove(Removal(ids: first...last, time: time), at: index)
        case .begun: begin(at: index)
        case .confirmed:
            let spool = UInt64(bitPattern: try body.signed())
            let key = ProgressKey(sequence: names[index], bucket: try body.signed())
            let (first, last) = (try body.signed(), try body.signed())
            guard first <= last else {
                throw ClaimError(reason: "a range that ends before it starts")
            }
            confirm(key, first...last, in: spool)
        case .progressDropped, .progressKept: break
        }
    }

    private static func range(
        _ body: inout ClaimReader, after last: Int64
    ) throws(ClaimError) -> ClosedRange<Int64> {
        let first = last &+ (try body.signed())
        let end = first &+ Int64(bitPattern: try body.number())
        guard first <= end else { throw ClaimError(reason: "a range that ends before it starts") }
        return first...end
    }

    /// About how many bytes all of it takes up as claims.
    var claimBytes: Int64 {
        var bytes = Int64(progress.values.reduce(0) { $0 + $1.intervalCount }) * 60
        for coverage in coverages {
            let ranges =
                coverage.held.intervalCount + coverage.declared.intervalCount
                + coverage.reported.intervalCount
            bytes += 60 + Int64(ranges) * 5 + Int64(coverage.recent.count) * 3
            bytes += Int64(coverage.runs.all.count + coverage.marks.ids.count) * 60
        }
        return bytes
    }

    /// All of it as claims, in pieces of about that many bytes.
    func write(
        pieces bytes: Int, _ piece: (borrowing ClaimWriter) throws(SystemError) -> Void
    ) throws(SystemError) {
        var claims = ClaimWriter()
        func flush(_ claims: inout ClaimWriter, above limit: Int) throws(SystemError) {
            guard claims.count > limit else { return }
            try piece(claims)
            claims.removeAll()
        }
        for name in names {
            guard let index = indices[name], !coverages[index].isEmpty else { continue }
            let coverage = coverages[index]
            if coverage.isBegun { claims.numbers(.begun, name, []) }
            // Before what is held: it took out what was held then.
            for removal in coverage.removed {
                claims.numbers(
                    .removed, name, [removal.ids.lowerBound, removal.ids.upperBound, removal.time])
            }
            let sets = [
                (ClaimTag.held, coverage.held), (.declared, coverage.declared),
                (.reported, coverage.reported),
            ]
            for (tag, set) in sets {
                let ranges = set.ranges
                let most = ClaimWriter.mostRanges
                for start in stride(from: 0, to: ranges.count, by: most) {
                    claims.ranges(tag, name, ranges[start..<min(start + most, ranges.count)])
                    try flush(&claims, above: bytes)
                }
            }
            for run in coverage.runs.all { claims.run(name, run) }
            if !coverage.recent.isEmpty { claims.recent(name, coverage.recent.ids) }
            for (id, time) in zip(coverage.marks.ids, coverage.marks.times) {
                claims.numbers(.timeMark, name, [id, time])
            }
            try flush(&claims, above: bytes)
        }
        for (place, positions) in progress {
            for range in positions.ranges {
                claims.numbers(
                    .confirmed, place.key.sequence,
                    [
                        Int64(bitPattern: place.spool), place.key.bucket, range.lowerBound,
                        range.upperBound,
                    ])
            }
            try flush(&claims, above: bytes)
        }
        try flush(&claims, above: 0)
    }
}
