import Glibc
import Identity
import Ledger
import Posix
import Spool
import Stage

/// Delivering objects: sealed, on their way, booked.
extension Sink {
    mutating func sealWhatIsDue() {
        let now = Clock.monotonicNanoseconds()
        for part in parts.values
        where Double(now - part.openedAt) / 1e9 >= plan.objectAge
            || Double(now - part.lastRecordAt) / 1e9 >= plan.objectIdle
        {
            seal(part)
        }
    }

    /// Has an object finished; it counts as on its way until it is booked.
    mutating func seal(_ part: Part) {
        // What is in the batch is in no spool entry yet; the object may be delivered before.
        parts[part.partition] = nil
        if lastPart === part { lastPart = nil }
        if let object = part.seal(writer) { sealed[object.stagedPath] = object }
    }

    /// Books what was delivered: first the ledger, then the staged files and the spool.
    mutating func settleOutcomes() throws {
        var delivered: [SealedObject] = []
        for outcome in outcomes.takeAll() {
            switch outcome {
            case .delivered(let object, let isNew):
                delivered.append(object)
                log.debug("\(isNew ? "stored" : "was there already"): \(object.key)")
            case .failed(let error):
                if failure == nil { failure = error }
            }
        }
        guard !delivered.isEmpty else { return }
        for object in delivered {
            ledger.add(object.sequence, held: object.held)
            ledger.note(object.sequence, recent: object.observed)
            for entry in object.declared { ledger.add(entry.key, declared: entry.ranges) }
        }
        do throws(LedgerError) { try ledger.commit() } catch { throw StageFailure(error) }
        for object in delivered {
            try object.removeStaged()
            sealed[object.stagedPath] = nil
            tally.recordsOut += object.records
            tally.waiting -= object.records
            tally.bytesOut += object.bytes
            objectsOut += 1
            counters.noteObject(template: object.sequence.template)
            if let coverage = ledger.coverage(of: object.sequence) {
                counters.note(coverage, of: object.sequence)
            }
            for entry in object.declared {
                if let coverage = ledger.coverage(of: entry.key) {
                    counters.note(coverage, of: entry.key)
                }
            }
            if let received = object.firstIngest {
                counters.common.flow.noteOut(receivedAt: received)
            }
        }
        try releaseSpool()
    }

    mutating func releaseSpool() throws {
        guard isRecovered else { return }
        // A batch that is open has its start where the spool ends.
        let needed = parts.values.map(\.spoolStart) + sealed.values.compactMap(\.spoolStart)
        do throws(SpoolError) {
            try spool.release(before: needed.min() ?? spool.next)
        } catch { throw StageFailure(error) }
    }

    /// Waits until everything that is on its way is delivered, or fails; after a signal, whenever it
    /// comes, not longer than the drain timeout.
    mutating func awaitDeliveries() throws {
        var deadline: Int64?
        while !sealed.isEmpty && failure == nil {
            publish()
            let now = Clock.monotonicNanoseconds()
            if deadline == nil, Descriptor.isReadable(stop) {
                deadline = now + Int64(plan.drainTimeout * 1e9)
            }
            let left = deadline.map { $0 - now } ?? .max
            guard left > 0 else {
                committer.abandon()
                break
            }
            var watched = [
                pollfd(fd: outcomes.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: deadline == nil ? stop : -1, events: Int16(POLLIN), revents: 0),
            ]
            _ = poll(&watched, 2, Int32(min(left / 1_000_000 + 1, Int64(Heartbeat.longestWait))))
            try settleOutcomes()
        }
        publish()
    }

    /// - Throws: when something could not be delivered; it stays for the next run.
    func requireDelivered() throws {
        if let failure {
            throw StageFailure(
                failure.code,
                "\(failure); \(sealed.count) objects stay in \(plan.state) for the next run")
        }
        guard sealed.isEmpty else {
            throw StageFailure(
                .gaveUp, "\(sealed.count) objects stay in \(plan.state) for the next run")
        }
    }

    /// Seals everything and waits for its delivery.
    mutating func finish() throws {
        try closeBatch()
        try syncSpool()
        for part in parts.values { seal(part) }
        try awaitDeliveries()
        let summary =
            "\(tally.recordsOut) records in \(objectsOut) objects at "
            + plan.destination.description
        log.info(
            summary,
            [
                "refused": "\(tally.refused)",
                "quarantined": "\(tally.quarantined)",
            ])
        try requireDelivered()
    }
}
