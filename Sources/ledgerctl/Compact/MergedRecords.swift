import Encoding
import Identity
import Posix
import Records

/// Which records of a partition are kept, each once, in order.
struct MergedRecords {
    /// Two records of one id that say different things: neither may be left out.
    struct Conflict: Error {
        /// Of both.
        let id: Int64
        /// What differs, for people.
        let words: String
        /// The objects that have them.
        let objects: (Int32, Int32)
    }

    /// Places in the heap's order.
    private(set) var kept: [Int] = []
    /// For each that is kept, the place after the last one that is the same record.
    private(set) var ends: [Int] = []
    /// Records that another one has already.
    var repeats: Int64 { Int64(total - kept.count) }
    private let total: Int

    /// Finds repeats in a heap that is in order.
    ///
    /// - Throws: ``Conflict`` when records of one id differ.
    init(_ heap: FrameHeap) throws {
        total = heap.entries.count
        kept.reserveCapacity(total)
        ends.reserveCapacity(total)
        var start = 0
        while start < total {
            let (first, last) = (heap.entries[start].first, heap.entries[start].last)
            var end = start + 1
            while end < total, heap.entries[end].first == first, heap.entries[end].last == last {
                end += 1
            }
            if end == start + 1 {
                kept.append(start)
                ends.append(end)
            } else {
                try add(start..<end, of: heap)
            }
            start = end
        }
    }

    /// Adds records of the same ids.
    private mutating func add(_ places: Range<Int>, of heap: FrameHeap) throws {
        // Of those that have an id the one that is best; of others each that differs.
        var best: (place: Int, frame: [UInt8])?
        var others: [[UInt8]] = []
        for place in places {
            let entry = heap.entries[place]
            let (bytes, hasID) = try heap.withFrame(of: entry) { frame in
                (
                    frame.bytes.withUnsafeBytes { Array($0) },
                    frame.numbering == .contiguous || frame.numbering == .increasing
                )
            }
            guard hasID else {
                guard !others.contains(bytes) else { continue }
                others.append(bytes)
                kept.append(place)
                ends.append(place + 1)
                continue
            }
            guard let known = best else {
                best = (place, bytes)
                continue
            }
            let one = try FrameView(known.frame.span.bytes)
            let other = try FrameView(bytes.span.bytes)
            if let words = try one.difference(from: other) {
                throw Conflict(
                    id: entry.first, words: words,
                    objects: (heap.entries[known.place].object, entry.object))
            }
            if Self.isBetter(other, than: one) { best = (place, bytes) }
        }
        if let best {
            kept.append(best.place)
            ends.append(places.upperBound)
        }
    }

    /// Of two records that say the same: with the venue's time, in µs, and as it came by itself
    /// rather than fetched to fill a hole. Among equals the one that was received first stays.
    private static func isBetter(
        _ other: borrowing FrameView, than one: borrowing FrameView
    ) -> Bool {
        func rank(_ frame: borrowing FrameView) -> (Int, Int, Int) {
            (
                frame.isReceiveTime ? 1 : 0, frame.eventTime % 1000 == 0 ? 1 : 0,
                frame.source == SourceCode.repair.rawValue ? 1 : 0
            )
        }
        return rank(other) < rank(one)
    }
}
