import Glibc
import Identity
import Posix
import Records
import Spool
import Stage

/// Taking records in: into their objects and into the spool.
extension Sink {
    /// Puts a record into its object, unless it is held already.
    ///
    /// - Parameter spoolStart: where the spool has it, or will have it.
    /// - Returns: true when an object has it now.
    mutating func take(
        _ frame: borrowing FrameView, spoolStart: Spool.Position
    ) throws -> Bool {
        guard holdings.take(frame, ledger) else {
            tally.refused += 1
            return false
        }
        let partition = Partition(
            sequence: frame.sequence, hour: plan.times.hour(of: frame.eventTime, now: now.real))
        let part: Part
        if let lastPart, lastPart.partition == partition {
            part = lastPart
        } else {
            part =
                parts[partition]
                ?? open(partition, firstID: frame.firstID, spoolStart: spoolStart)
            lastPart = part
        }
        do throws(FrameError) {
            try part.append(frame, writer, now: now.monotonic)
        } catch {
            try quarantine.add(frame, because: "\(error)")
            tally.notePutAside(.brokenMessage)
            log.warning("a record was put into \(quarantine.path): \(error)")
            return false
        }
        tally.waiting += 1
        if part.bytes >= Int64(plan.objectBytes) { seal(part) }
        return true
    }

    private mutating func open(
        _ partition: Partition, firstID: Int64, spoolStart: Spool.Position
    ) -> Part {
        if parts.count >= Self.maximumParts,
            let idlest = parts.values.min(by: { $0.lastRecordAt < $1.lastRecordAt })
        {
            seal(idlest)
        }
        let path = "\(plan.state)/staging/\(getpid())-\(nextName)"
        nextName += 1
        let part = Part(
            ObjectPlace(stagedPath: path, partition: partition, firstID: firstID),
            form: plan.form, spoolStart: spoolStart, turn: turn(of: partition.sequence),
            now: now.monotonic)
        parts[partition] = part
        return part
    }

    private mutating func turn(of sequence: SequenceID) -> SequenceTurn? {
        guard sequence.numbering == .increasing else { return nil }
        let turn = turns[sequence] ?? SequenceTurn()
        turns[sequence] = turn
        return turn
    }

    /// Hands the records of one read to the spool, as one entry.
    mutating func closeBatch() throws {
        guard !batch.isEmpty else { return }
        do throws(SpoolError) {
            try Self.append(batch, to: &spool)
            // The pipe has it no more: from here on it must outlive this process.
            try spool.flush()
        } catch { throw StageFailure(error) }
        batch.removeAll()
        isSynced = false
    }

    /// Apart from `self`, whose parts may not be lent and changed at once.
    private static func append(
        _ batch: borrowing Bytes, to spool: inout Spool
    ) throws(SpoolError) {
        try spool.append(batch.span)
    }

    mutating func syncIfDue(isIdle: Bool) throws {
        let now = Clock.monotonicNanoseconds()
        guard !isSynced, isIdle || now - lastSync > Self.syncInterval else { return }
        try syncSpool()
    }

    mutating func syncSpool() throws {
        do throws(SpoolError) { try spool.sync() } catch { throw StageFailure(error) }
        lastSync = Clock.monotonicNanoseconds()
        isSynced = true
    }
}
