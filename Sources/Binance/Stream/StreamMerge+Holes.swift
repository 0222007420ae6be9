import Posix
import Records

/// Holes: waiting for another copy, giving up, and leaving records out.
extension StreamMerge {
    /// Does what a verdict asks for.
    ///
    /// - Returns: true when the record is news.
    /// - Note: that a connection was lost counts as known only with a record that went on: one that
    ///   waits ahead of a hole says nothing of the ids before it.
    mutating func settle(
        _ record: OrderedRecord, _ verdict: StreamSequence.Verdict, _ origin: Origin,
        _ output: inout MergeOutput, _ encode: (inout Bytes) -> Void
    ) -> Bool {
        switch verdict {
        case .known:
            counts.duplicates += 1
            return false
        case .late:
            counts.late += 1
            if output.isKeeping {
                encode(&output.bytes)
                output.records += 1
            } else {
                output.leftOut += 1
            }
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
        _ record: OrderedRecord, _ origin: Origin, _ output: inout MergeOutput,
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
        } else if !keepForBook(record, &output, encode) {
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
        releaseBook(place, &output)
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
    mutating func noteKnown(_ place: Int, _ id: Int64, at time: Int64) {
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
    public mutating func forgetBehind() {
        for place in streams.indices { streams[place].sequence.idBehind = .min }
    }

    // MARK: - Time

    /// Gives up what waited too long; to be called now and then.
    ///
    /// - Parameter origin: of a stream's place.
    public mutating func tick(
        at time: Int64, into output: inout MergeOutput, _ origin: (Int) -> Origin
    ) {
        for place in placesAhead {
            guard let held = streams[place].ahead else { continue }
            let origin = origin(place)
            if origin.copies < 2 || time - held.since >= rules.reorderWindow {
                giveUp(place, losses: origin.losses, at: time, &output)
            }
        }
        releaseOldBooks(at: time, &output)
    }

    /// True while records of a stream wait for another connection's copy.
    public func isWaiting(_ place: Int) -> Bool { placesAhead.contains(place) }

    /// Records that wait, for another copy or for a snapshot.
    public var waiting: Int {
        placesAhead.reduce(0) { $0 + (streams[$1].ahead?.count ?? 0) }
            + snapshotPlaces.reduce(0) { $0 + (streams[$1].book.held?.count ?? 0) }
    }

    /// Gives up everything that waits: the end is near.
    public mutating func finish(
        at time: Int64, into output: inout MergeOutput, _ origin: (Int) -> Origin
    ) {
        for place in placesAhead {
            giveUp(place, losses: origin(place).losses, at: time, &output)
        }
        for place in snapshotPlaces { releaseBook(place, &output) }
    }

    // MARK: - Leaving out

    /// Ends leaving records out: gap records say what was left out of the dense sequences.
    public mutating func keepAgain(in output: inout MergeOutput, at time: Int64) {
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
    mutating func refreshSlow(_ place: Int) {
        streams[place].isSlow = placesAhead.contains(place) || snapshotPlaces.contains(place)
    }
}
