/// The exact ids of the records of a sequence that came last: proof that one of them is a repeat.
///
/// Differences of one to three bytes instead of ids of eight, in blocks of some hundred that are
/// ordered by id; 65 536 ids of a busy book take about 128 KiB. What is forgotten first is the block
/// into which nothing came for longest, so that ids which start over do not fall out at once.
public struct RecentIDs: Sendable, Equatable {
    /// Ids of a block before another one follows.
    private static let blockLength = 512

    private struct Block: Equatable {
        var first: Int64
        var last: Int64
        var count: Int
        /// The differences from each id to the next, 7 bits a byte, the lowest first; the top bit
        /// says that more follow.
        var steps: [UInt8] = []
        /// When something came into it last.
        var touched: UInt64
    }

    /// Ids that are remembered at least.
    public let capacity: Int
    /// How many there are.
    public private(set) var count = 0
    private var blocks: [Block] = []
    private var clock: UInt64 = 0
    /// The largest id, if there is one: what nearly every id is compared with, and no block is copied.
    private var newest: Int64 = .min

    /// Remembers none yet.
    public init(capacity: Int) { self.capacity = max(1, capacity) }

    /// True when there are none.
    public var isEmpty: Bool { blocks.isEmpty }

    /// Bytes that it takes up, about.
    public var footprint: Int {
        blocks.reduce(0) { $0 + $1.steps.capacity + MemoryLayout<Block>.stride + 32 }
    }

    /// True when the id is among them.
    public func contains(_ id: Int64) -> Bool {
        guard !blocks.isEmpty, id <= newest else { return false }
        let place = firstBlock(endingAtOrAfter: id)
        guard place < blocks.count, blocks[place].first <= id else { return false }
        var isThere = false
        Self.forEach(blocks[place]) { known in
            isThere = known == id
            return known < id
        }
        return isThere
    }

    /// The smallest of them; nil without any.
    public var first: Int64? { blocks.first?.first }
    /// The largest of them; nil without any.
    public var last: Int64? { blocks.isEmpty ? nil : newest }

    /// All of them, ascending.
    public var ids: [Int64] { suffix(count) }

    /// The largest of them, ascending.
    public func suffix(_ most: Int) -> [Int64] {
        var (start, rest) = (blocks.count, min(most, count))
        while start > 0, rest > 0 {
            start -= 1
            rest -= blocks[start].count
        }
        var ids: [Int64] = []
        ids.reserveCapacity(min(most, count) + Self.blockLength)
        for block in blocks[start...] {
            Self.forEach(block) {
                ids.append($0)
                return true
            }
        }
        if rest < 0 { ids.removeFirst(-rest) }
        return ids
    }

    /// Gives each of them to `body`, ascending.
    public func forEach(_ body: (Int64) -> Void) {
        for block in blocks {
            Self.forEach(block) {
                body($0)
                return true
            }
        }
    }

    /// Remembers an id, and forgets old ones above the capacity.
    ///
    /// - Returns: false when it was there.
    @discardableResult
    public mutating func insert(_ id: Int64) -> Bool {
        clock &+= 1
        if blocks.isEmpty || id > newest {
            append(id)
            newest = id
            count += 1
            forgetOldest()
            return true
        }
        let place = firstBlock(endingAtOrAfter: id)
        // Before the first id of a full block a new one begins.
        if blocks[place].first > id, blocks[place].count >= Self.blockLength {
            blocks.insert(Block(first: id, last: id, count: 1, touched: clock), at: place)
            count += 1
            forgetOldest()
            return true
        }
        var ids: [Int64] = []
        Self.forEach(blocks[place]) {
            ids.append($0)
            return true
        }
        let position = ids.firstIndex { $0 >= id } ?? ids.count
        if position < ids.count, ids[position] == id { return false }
        ids.insert(id, at: position)
        count += 1
        if ids.count > Self.blockLength {
            let half = ids.count / 2
            blocks[place] = Self.block(ids[half...], touched: clock)
            blocks.insert(Self.block(ids[..<half], touched: clock), at: place)
        } else {
            blocks[place] = Self.block(ids[...], touched: clock)
        }
        forgetOldest()
        return true
    }

    /// Forgets every id of a range.
    public mutating func remove(_ range: ClosedRange<Int64>) {
        var kept: [Block] = []
        for block in blocks {
            if block.last < range.lowerBound || block.first > range.upperBound {
                kept.append(block)
                continue
            }
            var ids: [Int64] = []
            Self.forEach(block) {
                if !range.contains($0) { ids.append($0) }
                return true
            }
            count -= block.count - ids.count
            if !ids.isEmpty { kept.append(Self.block(ids[...], touched: block.touched)) }
        }
        blocks = kept
        newest = blocks.last?.last ?? .min
    }

    /// Forgets the smallest ids as long as so many are left, and gives up spare memory.
    public mutating func keepLargest(_ most: Int) {
        var (start, kept) = (blocks.count, 0)
        while start > 0, kept < most {
            start -= 1
            kept += blocks[start].count
        }
        blocks = blocks[start...].map { $0 }
        count = kept
        if let last = blocks.indices.last {
            blocks[last].steps = Self.trimmed(blocks[last].steps)
        } else {
            newest = .min
        }
    }

    // MARK: - Blocks

    private mutating func append(_ id: Int64) {
        guard let last = blocks.indices.last, blocks[last].count < Self.blockLength else {
            // The full block grows no more: it needs no spare room.
            if let last = blocks.indices.last {
                blocks[last].steps = Self.trimmed(blocks[last].steps)
            }
            blocks.append(Block(first: id, last: id, count: 1, touched: clock))
            return
        }
        Self.append(UInt64(bitPattern: id &- newest), to: &blocks[last].steps)
        blocks[last].last = id
        blocks[last].count += 1
        blocks[last].touched = clock
    }

    /// The same in no more memory than it takes; a slice that is made an array is the same storage.
    private static func trimmed(_ steps: [UInt8]) -> [UInt8] {
        var trimmed: [UInt8] = []
        trimmed.reserveCapacity(steps.count)
        trimmed += steps
        return trimmed
    }

    private mutating func forgetOldest() {
        guard count - Self.blockLength > capacity, blocks.count > 1 else { return }
        while count - Self.blockLength > capacity, blocks.count > 1 {
            var oldest = 0
            for place in blocks.indices where blocks[place].touched < blocks[oldest].touched {
                oldest = place
            }
            count -= blocks[oldest].count
            blocks.remove(at: oldest)
        }
        newest = blocks.last?.last ?? .min
    }

    private func firstBlock(endingAtOrAfter id: Int64) -> Int {
        var (low, high) = (0, blocks.count)
        while low < high {
            let middle = (low + high) / 2
            if blocks[middle].last < id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// - Parameter ids: ascending, at least one.
    private static func block(_ ids: ArraySlice<Int64>, touched: UInt64) -> Block {
        var block = Block(
            first: ids[ids.startIndex], last: ids[ids.endIndex - 1], count: ids.count,
            touched: touched)
        block.steps.reserveCapacity(ids.count * 2)
        var previous = block.first
        for id in ids.dropFirst() {
            append(UInt64(bitPattern: id &- previous), to: &block.steps)
            previous = id
        }
        return block
    }

    private static func append(_ step: UInt64, to steps: inout [UInt8]) {
        var rest = step
        while rest >= 0x80 {
            steps.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        steps.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Gives each id of a block to `body` until it returns false.
    private static func forEach(_ block: Block, _ body: (Int64) -> Bool) {
        var id = block.first
        guard body(id) else { return }
        var place = 0
        let steps = block.steps
        while place < steps.count {
            var step: UInt64 = 0
            var shift: UInt64 = 0
            while true {
                let byte = steps[place]
                place += 1
                step |= UInt64(byte & 0x7F) << shift
                guard byte & 0x80 != 0, place < steps.count else { break }
                shift += 7
            }
            id = id &+ Int64(bitPattern: step)
            guard body(id) else { return }
        }
    }
}
