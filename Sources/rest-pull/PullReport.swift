import Binance
import Encoding
import Ledger
import Identity
import Posix
import Records
import Stage

/// What came of a pull, and what did not.
struct PullReport {
    /// Ranges that a message names; more would be a page and no message.
    private static let maximumRanges = 20

    let pulls: [SequencePull]
    let follows: Bool
    let repairs: Bool

    /// Says what came.
    ///
    /// - Throws: `StageFailure` with 69 when something did not, 75 when a signal was the reason.
    func finish(in stage: borrowing Stage) throws(StageFailure) {
        var lacks: [String] = []
        for pull in pulls {
            let name = pull.sequence.title
            let isTime = pull.interval != nil
            if let impossible = pull.impossible { lacks.append("\(name): \(impossible)") }
            stage.log.info("\(name): \(Spoken.count(pull.records, "record"))")
            for range in pull.absent.ranges.prefix(Self.maximumRanges) {
                stage.log.info(
                    "\(name): the venue has no records in \(spoken(range, isTime: true))")
            }
            if let notYet = pull.notYet, pull.impossible == nil {
                lacks.append("\(name) \(notYet)")
            }
            for range in pull.missing.ranges {
                lacks.append("\(name) \(spoken(range, isTime: isTime))")
            }
            // A signal, or a request that was never answered.
            let rest = pull.unfinished
            if let first = rest.first, let last = rest.last, !follows {
                lacks.append(
                    "\(name) \(spoken(first.lowerBound...last.upperBound, isTime: isTime)) (stopped)"
                )
            }
        }
        guard !lacks.isEmpty else { return }
        let shown = lacks.prefix(Self.maximumRanges).joined(separator: "; ")
        let more =
            lacks.count > Self.maximumRanges
            ? "; and \(Spoken.count(lacks.count - Self.maximumRanges, "more range"))" : ""
        let isDeclared = pulls.contains(where: \.hasDeclared)
        let remedy =
            isDeclared && !repairs
            ? ". Ids that a gap record declares are fetched again with --resume PATH --repair"
            : ""
        throw StageFailure(
            stage.isStopping ? .gaveUp : .unavailable,
            "the range is incomplete; missing: \(shown)\(more)\(remedy)")
    }

    private func spoken(_ range: ClosedRange<Int64>, isTime: Bool) -> String {
        guard isTime else { return "ids \(range.lowerBound) to \(range.upperBound)" }
        return Timestamp.text(microseconds: range.lowerBound) + " to "
            + Timestamp.text(microseconds: range.upperBound)
    }
}
