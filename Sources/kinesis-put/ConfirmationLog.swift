import Ledger
import Posix
import Records
import Sink
import Stage

/// Which records came, which are confirmed, and which were put aside: what the figures, the ledger
/// and the quarantine say, kept together so that no record is in two of them or in none.
final class ConfirmationLog {
    private var quarantine: Quarantine
    var tally = SinkTally()
    private var confirmed: ConfirmedIDs
    private let log: Log

    init(ledger: consuming Ledger, quarantine: consuming Quarantine, log: Log) {
        confirmed = ConfirmedIDs(ledger: ledger)
        self.quarantine = quarantine
        self.log = log
    }

    // MARK: - Coming in

    /// Notes a record that was read.
    ///
    /// - Returns: false when it is held already.
    func accept(_ frame: borrowing FrameView) -> Bool {
        tally.recordsIn += 1
        tally.bytesIn += Int64(frame.bytes.byteCount)
        return isNew(frame)
    }

    /// Notes a record that an earlier run left in a spool.
    ///
    /// - Returns: false when it is held already.
    func recover(_ frame: borrowing FrameView) -> Bool {
        tally.recovered += 1
        return isNew(frame)
    }

    private func isNew(_ frame: borrowing FrameView) -> Bool {
        if confirmed.accept(frame) { return true }
        tally.refused += 1
        return false
    }

    // MARK: - Going out

    /// Notes a record that the service confirmed.
    func confirm(_ frame: RawSpan) {
        guard let view = try? FrameView(frame) else { return }
        confirmed.confirm(view)
        tally.bytesOut += Int64(frame.byteCount)
    }

    /// Puts a record into the quarantine that can never be sent.
    func putAside(_ frame: borrowing FrameView, _ reason: QuarantineReason, because words: String)
        throws
    {
        try quarantine.add(frame, because: words)
        tally.notePutAside(reason)
        log.warning("a record was put into \(quarantine.path): \(words)", cause: reason.label)
    }

    // MARK: - The ledger

    /// Hands what was confirmed to the system, so that the end of this process does not undo it.
    func write() throws(StageFailure) {
        // What was put aside is in no spool once its batch is released.
        do throws(SystemError) { try quarantine.flush() } catch {
            throw StageFailure(ExitCode(for: error), "\(error)")
        }
        tally.quarantineLeftOut = quarantine.leftOut
        do throws(LedgerError) { try confirmed.write() } catch { throw StageFailure(error) }
    }

    /// Makes what was confirmed durable.
    func sync(_ coverage: inout CoverageFigures) throws(StageFailure) {
        try write()
        do throws(LedgerError) { try confirmed.sync() } catch { throw StageFailure(error) }
        confirmed.noteCoverage(in: &coverage)
    }
}
