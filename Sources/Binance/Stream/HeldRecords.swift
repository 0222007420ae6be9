import Posix

/// Frames of one sequence that must not go on yet, in the order of their ids.
final class HeldRecords {
    struct Entry {
        let first: Int64
        let last: Int64
        let eventTime: Int64
        let bytes: Range<Int>
    }

    private(set) var entries: ArraySlice<Entry> = []
    private var frames = Bytes(capacity: 4096)
    /// When the first of them came, ns.
    private(set) var since: Int64 = 0

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }
    /// Bytes of frames, those that left included until all have.
    var bytes: Int { frames.count }

    /// Keeps a frame that `encode` appends; one with the same first id is there already when it
    /// is not called.
    ///
    /// - Returns: false when the ids are there already.
    func insert(
        _ first: Int64, _ last: Int64, eventTime: Int64, at time: Int64,
        _ encode: (inout Bytes) -> Void
    ) -> Bool {
        var place = entries.endIndex
        while place > entries.startIndex, entries[place - 1].first > first { place -= 1 }
        if place > entries.startIndex, entries[place - 1].last >= last { return false }
        if isEmpty { since = time }
        let start = frames.count
        encode(&frames)
        entries.insert(
            Entry(first: first, last: last, eventTime: eventTime, bytes: start..<frames.count),
            at: place)
        return true
    }

    /// The first entry, taken out; its frame is appended to `output` when `passes` says so.
    func removeFirst(passes: Bool, to output: inout Bytes) {
        let entry = entries.removeFirst()
        if passes { output.append(frames.span(entry.bytes)) }
        guard entries.isEmpty else { return }
        entries = []
        frames.removeAll()
    }
}
