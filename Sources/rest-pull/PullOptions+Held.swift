import Identity
import Ledger
import Posix
import Stage

/// A pull that ends where something else began: a stream, mostly, whose sink writes the ledger or the
/// manifests meanwhile.
extension PullOptions {
    /// Seconds between two looks at a ledger, and at a bucket, which has to be listed.
    private static let pauses = (ledger: 0.5, bucket: 10.0)

    /// The sequences that are pulled.
    private var sequences: [SequenceID] {
        symbols.flatMap { symbol in
            (intervals.isEmpty ? [0] : intervals.map(\.code)).map { series in
                SequenceID(template: dataset.kind.rawValue, series: series, symbol: symbol)
            }
        }
    }

    /// What `--resume` holds; for a pull that ends there, once it holds something of each sequence.
    func heldRanges(in stage: borrowing Stage) throws -> HeldRanges? {
        guard let resume else { return nil }
        var held = try HeldRanges(resume, log: stage.log)
        guard endsAtHeld else { return held }
        var hasTold = false
        while true {
            let absent = sequences.filter { held.coverage(of: $0).held.isEmpty }
            guard let first = absent.first else { return held }
            if !hasTold {
                let more = absent.count > 1 ? " and \(absent.count - 1) more" : ""
                stage.log.info("waiting until \(resume.name) holds \(first.title)\(more)")
                hasTold = true
            }
            let pause = resume.isBucket ? Self.pauses.bucket : Self.pauses.ledger
            if stage.waitForStop(seconds: pause) {
                throw StageFailure(
                    .gaveUp, "stopped before \(resume.name) held \(first.title)")
            }
            held = try HeldRanges(resume, isRepeated: true, log: stage.log)
        }
    }
}
