import Identity
import Posix
import Records

/// The streams of a merge: passes the first copy of each record on in the order of its ids, has
/// records wait that are ahead of a hole, and declares the hole when no copy fills it.
///
/// It knows ids and times of records, and nothing of the messages that they come in.
struct CopyMerge: ~Copyable {
    let rules: StreamMerge.Rules
    /// What is known of each stream; those of the plan come first, in its order.
    private(set) var streams: [StreamState] = []
    var counts = StreamMerge.Counts()
    /// The form of the last message; what is declared of a stream came in it.
    var source = SourceCode.sbe

    private var table = SequenceTable()
    var recent = RecentStream.none
    /// Places in which records are ahead.
    private var placesAhead = PlaceList()
    private var books: BookAssembler
    /// Streams that were asked for.
    private var planned: Int

    init(_ plan: [StreamPlan.Subscription], _ rules: StreamMerge.Rules) {
        self.rules = rules
        books = BookAssembler(rules)
        planned = plan.count
        for subscription in plan { _ = add(subscription) }
    }

    // MARK: - Streams

    func place(of sequence: SequenceID) -> Int? { table.place(of: sequence) }

    /// The place of a stream that is asked for from now on: the one that it had, or a new one.
    mutating func plan(_ subscription: StreamPlan.Subscription) -> Int {
        if let place = place(of: subscription.kind.sequence(of: subscription.symbol)) {
            return place
        }
        planned += 1
        return add(subscription)
    }

    /// Adds a stream that was not asked for.
    ///
    /// - Returns: nil when there are too many of them.
    mutating func addForeign(_ subscription: StreamPlan.Subscription) -> Int? {
        guard streams.count < planned + rules.foreignStreams else { return nil }
        return add(subscription)
    }

    private mutating func add(_ subscription: StreamPlan.Subscription) -> Int {
        let sequence = StreamSequence(subscription)
        _ = table.add(sequence.id)
        streams.append(StreamState(sequence: sequence))
        return streams.count - 1
    }

    // MARK: - Records

    /// Checks the ids of a message before anything of it is taken.
    mutating func check(ids first: Int64, _ last: Int64, of place: Int) throws(StreamError) {
        try streams[place].sequence.check(first, last, rules)
    }

    /// What is to be done with a record of a contiguous sequence.
    enum Sorted {
        /// It goes on; the caller writes it.
        case passes
        /// It came before.
        case known
        /// Something of it or before it has to be settled.
        case waits(StreamSequence.Verdict)
    }

    /// Judges a record of a stream whose next id is known; the common case costs no call.
    @inline(__always)
    mutating func sort(
        _ record: OrderedRecord, _ origin: StreamMerge.Origin, _ output: inout MergeOutput
    ) -> Sorted {
        let place = record.place
        switch streams[place].sequence.take(record.first, record.last) {
        case .next where !streams[place].isSlow && output.isKeeping:
            output.records += 1
            streams[place].sequence.losses = origin.losses
            return .passes
        case .known:
            noteKnown(place, record.last, at: record.time)
            return .known
        case let verdict: return .waits(verdict)
        }
    }

    /// Takes a record of a stream whose next id is known.
    ///
    /// - Returns: true when it is news.
    @inline(__always)
    mutating func takeContiguous(
        _ record: OrderedRecord, _ origin: StreamMerge.Origin, _ output: inout MergeOutput,
        _ encode: (inout Bytes) -> Void
    ) -> Bool {
        switch sort(record, origin, &output) {
        case .passes:
            encode(&output.bytes)
            return true
        case .known: return false
        case .waits(let verdict): return settle(record, verdict, origin, &output, encode)
        }
    }

    /// Takes a record of a stream whose ids only grow.
    ///
    /// - Returns: true when it is news.
    @inline(__always)
    mutating func takeIncreasing(_ place: Int, _ id: Int64, at time: Int64) -> Bool {
        guard case .next = streams[place].sequence.take(id, id) else {
            noteKnown(place, id, at: time)
            return false
        }
        return true
    }

    /// Notes a kline that is not over.
    ///
    /// - Returns: true when it is newer than the one before.
    mutating func takePreview(_ place: Int, eventTime: Int64) -> Bool {
        guard eventTime > streams[place].sequence.previewed else {
            counts.duplicates += 1
            return false
        }
        streams[place].sequence.previewed = eventTime
        return true
    }

    /// Notes records of a message that are news.
    @inline(__always)
    mutating func note(fresh count: Int, _ place: Int) { streams[place].sequence.fresh += count }

    /// Has a book begin with the change that has this first id, if it is the first one.
    mutating func beginBook(_ place: Int, from first: Int64, at time: Int64) {
        if !streams[place].sequence.hasBegun { wantSnapshot(place, from: first, at: time) }
    }

    // MARK: - Holes

    /// Does what a verdict asks for.
    ///
    /// - Returns: true when the record is news.
    /// - Note: that a connection was lost counts as known only with a record that went on: one that
    ///   waits ahead of a hole says nothing of the ids before it.
    mutating func settle(
        _ record: OrderedRecord, _ verdict: StreamSequence.Verdict, _ origin: StreamMerge.Origin,
        _ output: inout MergeOutput, _ encode: (inout Bytes) -> Void
    ) -> Bool {
        switch verdict {
        case .known:
            counts.duplicates += 1
            return false
        case .late:
            counts.late += 1
            if output.accept() { encode(&output.bytes) }
            return true
        case .next:
            pass(record, &output, encode)
            streams[record.place].sequence.losses = origin.losses
            drain(record.place, &output)
            return true
        case .ahead:
            return keep(record, origin, &output, encode)
        }
    }

    /// Keeps a record that is ahead of a hole, or gives the hole up when no other connection
    /// could fill it.
    private mutating func keep(
        _ record: OrderedRecord, _ origin: StreamMerge.Origin, _ output: inout MergeOutput,
        _ encode: (inout Bytes) -> Void
    ) -> Bool {
        let place = record.place
        let held = streams[place].ahead ?? HeldRecords()
        streams[place].ahead = held
        guard
            held.insert(
                record.first, record.last, eventTime: record.eventTime, at: record.time, encode)
        else {
            counts.duplicates += 1
            return false
        }
        placesAhead.insert(place)
        streams[place].isSlow = true
        if origin.copies < 2 || held.bytes > rules.heldBytes {
            giveUp(place, losses: origin.losses, at: record.time, &output)
        }
        return true
    }

    /// Sends a record that is next in its sequence on its way.
    private mutating func pass(
        _ record: OrderedRecord, _ output: inout MergeOutput, _ encode: (inout Bytes) -> Void
    ) {
        if !output.isKeeping {
            output.leaveOut(record.place, from: record.first)
        } else if !books.keep(record, &output, encode) {
            encode(&output.bytes)
            output.records += 1
        }
    }

    /// Sends on what is no longer ahead of a hole.
    private mutating func drain(_ place: Int, _ output: inout MergeOutput) {
        guard let held = streams[place].ahead else { return }
        while let entry = held.entries.first, entry.first <= streams[place].sequence.last + 1 {
            take(entry, from: held, place, &output)
        }
        if held.isEmpty {
            placesAhead.remove(place)
            refreshSlow(place)
        }
    }

    private mutating func take(
        _ entry: HeldRecords.Entry, from held: HeldRecords, _ place: Int,
        _ output: inout MergeOutput
    ) {
        let last = streams[place].sequence.last
        if entry.last <= last {
            counts.duplicates += 1
            var nothing = Bytes(capacity: 1)
            return held.removeFirst(passes: false, to: &nothing)
        }
        if entry.first > last + 1 {
            _ = streams[place].sequence.skip(to: entry.first, entry.last)
        } else {
            _ = streams[place].sequence.take(entry.first, entry.last)
        }
        let record = OrderedRecord(
            place: place, first: entry.first, last: entry.last, eventTime: entry.eventTime,
            time: held.since)
        var isTaken = false
        pass(record, &output) { bytes in
            held.removeFirst(passes: true, to: &bytes)
            isTaken = true
        }
        if !isTaken {
            var nothing = Bytes(capacity: 1)
            held.removeFirst(passes: false, to: &nothing)
        }
    }

    /// Declares every hole of a stream, and sends on what was ahead of them.
    private mutating func giveUp(
        _ place: Int, losses: UInt32, at time: Int64, _ output: inout MergeOutput
    ) {
        guard let held = streams[place].ahead else { return }
        while let entry = held.entries.first {
            let last = streams[place].sequence.last
            if entry.first > last + 1 {
                let wasLost = losses != streams[place].sequence.losses
                declare(
                    (last + 1)...(entry.first - 1), of: place,
                    reason: wasLost ? .disconnected : .missed, eventTime: entry.eventTime, at: time,
                    &output)
                wantSnapshot(place, from: entry.first, at: time)
            }
            take(entry, from: held, place, &output)
        }
        streams[place].sequence.losses = losses
        placesAhead.remove(place)
        refreshSlow(place)
    }

    private mutating func declare(
        _ ids: ClosedRange<Int64>, of place: Int, reason: GapReason, eventTime: Int64,
        at time: Int64, _ output: inout MergeOutput
    ) {
        books.release(place, &output)
        guard output.isKeeping else {
            // It becomes a part of what is declared when records are written again.
            return output.noteLeftOut(place, from: ids.lowerBound)
        }
        output.bytes.append(
            gap: ids, of: streams[place].sequence.id, reason: reason, source: source,
            eventTime: eventTime, ingestTime: time)
        counts.gaps += 1
        output.records += 1
    }

    /// Counts a record that came before, and sees whether a stream brings nothing else any more.
    private mutating func noteKnown(_ place: Int, _ id: Int64, at time: Int64) {
        counts.duplicates += 1
        // The same id again is a copy, or a book in which nothing happened.
        guard id < streams[place].sequence.last else { return }
        let (since, fresh) = streams[place].sequence.behindSince
        guard fresh == streams[place].sequence.fresh else {
            streams[place].sequence.behindSince = (time, streams[place].sequence.fresh)
            return
        }
        guard time - since >= rules.behindWindow else { return }
        counts.behind += 1
        streams[place].sequence.idBehind = id
    }

    /// Forgets which streams are behind, until the next record that does.
    mutating func forgetBehind() {
        for place in streams.indices { streams[place].sequence.idBehind = .min }
    }

    // MARK: - Time

    /// Gives up what waited too long; to be called now and then.
    ///
    /// - Parameter origin: of a stream's place.
    mutating func tick(
        at time: Int64, into output: inout MergeOutput, _ origin: (Int) -> StreamMerge.Origin
    ) {
        for place in placesAhead {
            guard let held = streams[place].ahead else { continue }
            let origin = origin(place)
            if origin.copies < 2 || time - held.since >= rules.reorderWindow {
                giveUp(place, losses: origin.losses, at: time, &output)
            }
        }
        books.releaseOld(at: time, &output)
    }

    /// True while records of a stream wait for another connection's copy.
    func isWaiting(_ place: Int) -> Bool { placesAhead.contains(place) }

    /// Records that wait, for another copy or for a snapshot.
    var waiting: Int {
        placesAhead.reduce(books.waiting) { $0 + (streams[$1].ahead?.count ?? 0) }
    }

    /// Gives up everything that waits: the end is near.
    mutating func finish(
        at time: Int64, into output: inout MergeOutput, _ origin: (Int) -> StreamMerge.Origin
    ) {
        for place in placesAhead {
            giveUp(place, losses: origin(place).losses, at: time, &output)
        }
        books.releaseAll(&output)
    }

    // MARK: - Leaving out

    /// Ends leaving records out: gap records say what was left out of contiguous sequences.
    mutating func keepAgain(in output: inout MergeOutput, at time: Int64) {
        guard !output.isKeeping else { return }
        output.isKeeping = true
        for (place, first) in output.takeLeftOut() {
            let last = streams[place].sequence.last
            declare(
                first...last, of: place, reason: .overflow, eventTime: time / 1000, at: time,
                &output)
            wantSnapshot(place, from: last + 1, at: time)
        }
    }

    /// Notes whether a stream's records may simply be appended to the output.
    private mutating func refreshSlow(_ place: Int) {
        streams[place].isSlow = placesAhead.contains(place) || books.isWaiting(place)
    }

    // MARK: - Snapshots

    private mutating func wantSnapshot(_ place: Int, from first: Int64, at time: Int64) {
        guard streams[place].sequence.subscription.kind == .depth else { return }
        books.wantSnapshot(place, from: first, at: time)
        refreshSlow(place)
    }

    /// See ``StreamMerge/snapshotWanted(at:for:)``.
    func snapshotWanted(at time: Int64, for output: borrowing MergeOutput) -> Int? {
        output.isKeeping ? books.wanted(at: time) : nil
    }

    /// See ``StreamMerge/snapshotRequested(_:)``.
    mutating func snapshotRequested(_ place: Int) { books.requested(place) }

    /// See ``StreamMerge/snapshotFailed(_:at:later:into:)``.
    mutating func snapshotFailed(
        _ place: Int, at time: Int64, later: Int64?, into output: inout MergeOutput
    ) -> Int {
        let attempts = books.failed(place, at: time, later: later, &output)
        refreshSlow(place)
        return attempts
    }

    /// See ``StreamMerge/snapshotArrived(_:id:frame:into:)``.
    mutating func snapshotArrived(
        _ place: Int, id: Int64, frame: RawSpan, into output: inout MergeOutput
    ) -> Bool {
        guard books.arrived(place, id: id, frame: frame, &output) else { return false }
        counts.snapshots += 1
        refreshSlow(place)
        return true
    }
}
