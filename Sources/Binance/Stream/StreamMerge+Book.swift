import Posix
import Records

/// Books: a hole in the changes of a book, and their beginning, want a snapshot. The changes after
/// the hole wait for it, and go on around it: those that it contains before, the others after it.
/// Whoever reads the records in order has the book from the snapshot on; nothing is left out.
///
/// Source: Binance Spot, "How to manage a local order book correctly"; docs/decisions/0013.
extension StreamMerge {
    /// Notes that a book begins again with the change that has this first id.
    mutating func wantSnapshot(_ place: Int, from first: Int64, at time: Int64) {
        guard rules.takesSnapshots, streams[place].sequence.subscription.kind == .depth else {
            return
        }
        if case .refused = streams[place].book.phase { return }
        let wasRequested = if case .requested = streams[place].book.phase { true } else { false }
        streams[place].book.firstID = first
        streams[place].book.gone = .min
        if !wasRequested { streams[place].book.phase = .wanted(notBefore: time) }
        streams[place].book.held = HeldRecords()
        snapshotPlaces.insert(place)
        refreshSlow(place)
    }

    /// Keeps a change of a book that waits for its snapshot.
    ///
    /// - Returns: false when it does not wait.
    mutating func keepForBook(
        _ record: OrderedRecord, _ output: inout MergeOutput, _ encode: (inout Bytes) -> Void
    ) -> Bool {
        let place = record.place
        guard snapshotPlaces.contains(place) else { return false }
        guard let held = streams[place].book.held, held.bytes < rules.heldBytes else {
            releaseBook(place, &output)
            streams[place].book.gone = record.last
            return false
        }
        return held.insert(
            record.first, record.last, eventTime: record.eventTime, at: record.time, encode)
    }

    /// Sends the changes that wait for a snapshot on without it.
    mutating func releaseBook(_ place: Int, _ output: inout MergeOutput) {
        guard let held = streams[place].book.held else { return }
        streams[place].book.held = nil
        release(held, through: .max, place, &output)
    }

    private mutating func release(
        _ held: HeldRecords, through last: Int64, _ place: Int, _ output: inout MergeOutput
    ) {
        while let entry = held.entries.first, entry.last <= last {
            if output.isKeeping {
                output.records += 1
            } else {
                output.leaveOut(place, from: entry.first)
            }
            held.removeFirst(passes: output.isKeeping, to: &output.bytes)
            streams[place].book.gone = entry.last
        }
    }

    mutating func releaseOldBooks(at time: Int64, _ output: inout MergeOutput) {
        for place in snapshotPlaces {
            guard let held = streams[place].book.held, !held.isEmpty,
                time - held.since >= rules.bookWindow
            else { continue }
            releaseBook(place, &output)
        }
    }

    // MARK: - Snapshots

    /// The place of a stream that wants a snapshot now; nil when none does, or when it would be left
    /// out.
    public func snapshotWanted(at time: Int64, for output: borrowing MergeOutput) -> Int? {
        guard output.isKeeping else { return nil }
        return snapshotPlaces.first { place in
            if case .wanted(let notBefore) = streams[place].book.phase { return notBefore <= time }
            return false
        }
    }

    /// Notes that a snapshot is asked for: changes wait for it from now on.
    public mutating func snapshotRequested(_ place: Int) {
        streams[place].book.phase = .requested
        if streams[place].book.held == nil { streams[place].book.held = HeldRecords() }
    }

    /// Notes that a snapshot did not come.
    ///
    /// - Parameter later: ns after which to ask again; nil when the venue has none.
    /// - Returns: how often that happened in a row.
    @discardableResult
    public mutating func snapshotFailed(
        _ place: Int, at time: Int64, later: Int64?, into output: inout MergeOutput
    ) -> Int {
        streams[place].book.attempts += 1
        if let later {
            streams[place].book.phase = .wanted(notBefore: time + later)
        } else {
            streams[place].book.phase = .refused
            releaseBook(place, &output)
            snapshotPlaces.remove(place)
            refreshSlow(place)
        }
        return streams[place].book.attempts
    }

    /// Puts a snapshot among the changes of its book.
    ///
    /// - Parameters:
    ///   - id: the last update that it contains.
    ///   - frame: its record.
    /// - Returns: false when it is older than what it has to reach, so that another one is wanted.
    public mutating func snapshotArrived(
        _ place: Int, id: Int64, frame: RawSpan, into output: inout MergeOutput
    ) -> Bool {
        let book = streams[place].book
        // The first change after it must follow it or overlap with it, and still be here.
        guard id >= book.firstID - 1, id >= book.gone else { return false }
        let held = book.held
        streams[place].book.held = nil
        if let held { release(held, through: id, place, &output) }
        counts.snapshots += 1
        guard output.isKeeping else {
            output.leftOut += 1
            if let held { release(held, through: .max, place, &output) }
            // The book still has to have one, when records are written again.
            streams[place].book.phase = .wanted(notBefore: .min)
            streams[place].book.attempts = 0
            return true
        }
        output.bytes.append(frame)
        output.records += 1
        if let held { release(held, through: .max, place, &output) }
        streams[place].book = BookState()
        snapshotPlaces.remove(place)
        refreshSlow(place)
        return true
    }
}
