import Posix
import Records

/// The ids and times of a record that needs a closer look.
struct Record {
    let place: Int
    let first: Int64
    let last: Int64
    /// µs.
    let eventTime: Int64
    /// When it was received, ns.
    let time: Int64
}

/// Holes: waiting for another copy, giving up, and leaving records out.
extension StreamMerge {
    /// Does what a verdict asks for.
    ///
    /// - Returns: true when the record is news.
    mutating func settle(
        _ record: Record, _ verdict: StreamSequence.Verdict, _ origin: Origin,
        _ encode: (inout Bytes) -> Void
    ) -> Bool {
        switch verdict {
        case .known:
            counts.duplicates += 1
            return false
        case .late:
            counts.late += 1
            if isDropping {
                counts.dropped += 1
            } else {
                encode(&output)
                counts.out += 1
            }
            return true
        case .next:
            pass(record, encode)
            drain(record.place)
            return true
        case .ahead:
            return keep(record, origin, encode)
        }
    }

    /// Keeps a record that is ahead of a hole, or gives the hole up when no other connection
    /// could fill it.
    private mutating func keep(
        _ record: Record, _ origin: Origin, _ encode: (inout Bytes) -> Void
    ) -> Bool {
        let place = record.place
        let held = ahead[place] ?? HeldRecords()
        ahead[place] = held
        guard
            held.insert(
                record.first, record.last, eventTime: record.eventTime, at: record.time, encode)
        else {
            counts.duplicates += 1
            return false
        }
        placesAhead.insert(place)
        isSlow[place] = true
        if origin.copies < 2 || held.bytes > rules.heldBytes {
            giveUp(place, losses: origin.losses, at: record.time)
        }
        return true
    }

    /// Sends a record that is next in its sequence on its way.
    private mutating func pass(_ record: Record, _ encode: (inout Bytes) -> Void) {
        let place = record.place
        if isDropping {
            counts.dropped += 1
            noteDropped(place, from: record.first)
        } else if !keepForBook(record, encode) {
            encode(&output)
            counts.out += 1
        }
    }

    /// Sends on what is no longer ahead of a hole.
    private mutating func drain(_ place: Int) {
        guard let held = ahead[place] else { return }
        while let entry = held.entries.first, entry.first <= sequences[place].last + 1 {
            take(entry, from: held, place)
        }
        if held.isEmpty {
            placesAhead.remove(place)
            refreshSlow(place)
        }
    }

    private mutating func take(_ entry: HeldRecords.Entry, from held: HeldRecords, _ place: Int) {
        let last = sequences[place].last
        if entry.last <= last {
            counts.duplicates += 1
            var nothing = Bytes(capacity: 1)
            return held.removeFirst(passes: false, to: &nothing)
        }
        if entry.first > last + 1 {
            _ = sequences[place].skip(to: entry.first, entry.last)
        } else {
            _ = sequences[place].take(entry.first, entry.last)
        }
        let record = Record(
            place: place, first: entry.first, last: entry.last, eventTime: entry.eventTime,
            time: held.since)
        var isTaken = false
        pass(record) { bytes in
            held.removeFirst(passes: true, to: &bytes)
            isTaken = true
        }
        if !isTaken {
            var nothing = Bytes(capacity: 1)
            held.removeFirst(passes: false, to: &nothing)
        }
    }

    /// Declares every hole of a stream, and sends on what was ahead of them.
    private mutating func giveUp(_ place: Int, losses: UInt32, at time: Int64) {
        guard let held = ahead[place] else { return }
        while let entry = held.entries.first {
            let last = sequences[place].last
            if entry.first > last + 1 {
                let wasLost = losses != sequences[place].losses
                declare(
                    (last + 1)...(entry.first - 1), of: place,
                    reason: wasLost ? .disconnected : .missed, eventTime: entry.eventTime, at: time)
                wantSnapshot(place, from: entry.first, at: time)
            }
            take(entry, from: held, place)
        }
        sequences[place].losses = losses
        placesAhead.remove(place)
        refreshSlow(place)
    }

    private mutating func declare(
        _ ids: ClosedRange<Int64>, of place: Int, reason: GapReason, eventTime: Int64,
        at time: Int64
    ) {
        releaseBook(place)
        if isDropping {
            // It becomes a part of what is declared when records are written again.
            noteDropped(place, from: ids.lowerBound)
            return
        }
        output.append(
            gap: ids, of: sequences[place].id, reason: reason, source: .sbe, eventTime: eventTime,
            ingestTime: time)
        counts.gaps += 1
        counts.out += 1
    }

    /// Counts a record that came before, and sees whether a stream brings nothing else any more.
    mutating func noteKnown(_ place: Int, _ id: Int64, at time: Int64) {
        counts.duplicates += 1
        // The same id again is a copy, or a book in which nothing happened.
        guard id < sequences[place].last else { return }
        let (since, fresh) = sequences[place].behindSince
        guard fresh == sequences[place].fresh else {
            sequences[place].behindSince = (time, sequences[place].fresh)
            return
        }
        guard time - since >= rules.behindWindow else { return }
        counts.behind += 1
        sequences[place].idBehind = id
    }

    /// Forgets which streams lie behind, until the next record that does.
    public mutating func forgetBehind() {
        for place in sequences.indices { sequences[place].idBehind = .min }
    }

    // MARK: - Time

    /// Gives up what waited too long; to be called now and then.
    ///
    /// - Parameter origin: of a stream's place.
    public mutating func tick(at time: Int64, _ origin: (Int) -> Origin) {
        for place in placesAhead {
            guard let held = ahead[place] else { continue }
            let origin = origin(place)
            if origin.copies < 2 || time - held.since >= rules.reorderWindow {
                giveUp(place, losses: origin.losses, at: time)
            }
        }
        releaseOldBooks(at: time)
    }

    /// True while records of a stream wait for another connection's copy.
    public func isWaiting(_ place: Int) -> Bool { placesAhead.contains(place) }

    /// Records that wait, for another copy or for a snapshot.
    public var waiting: Int {
        placesAhead.reduce(0) { $0 + (ahead[$1]?.count ?? 0) }
            + snapshotPlaces.reduce(0) { $0 + (books[$1].held?.count ?? 0) }
    }

    /// Gives up everything that waits: the end is near.
    public mutating func finish(at time: Int64, _ origin: (Int) -> Origin) {
        for place in placesAhead { giveUp(place, losses: origin(place).losses, at: time) }
        for place in snapshotPlaces { releaseBook(place) }
    }

    // MARK: - Leaving out

    /// Begins or ends leaving records out, because their reader is too slow. At the end, gap
    /// records say what was left out of the dense sequences.
    public mutating func setDropping(_ drops: Bool, at time: Int64) {
        guard drops != isDropping else { return }
        isDropping = drops
        for place in sequences.indices {
            let first = droppedFrom[place]
            if !drops, first != .min {
                droppedFrom[place] = .min
                let last = sequences[place].last
                declare(
                    first...last, of: place, reason: .overflow, eventTime: time / 1000, at: time)
                wantSnapshot(place, from: last + 1, at: time)
            }
            refreshSlow(place)
        }
    }

    /// Notes that ids are left out. Records that waited may have lower ones than those that were
    /// left out first.
    mutating func noteDropped(_ place: Int, from first: Int64) {
        let known = droppedFrom[place]
        droppedFrom[place] = known == .min ? first : min(known, first)
    }

    /// Notes whether a stream's records may simply be appended to the output.
    mutating func refreshSlow(_ place: Int) {
        isSlow[place] = isDropping || placesAhead.contains(place) || snapshotPlaces.contains(place)
    }
}
