import Bronze
import BronzeAccess
import BronzeProof
import Encoding
import Glibc
import Identity
import Posix
import Stage
import StageAWS
import Stats

/// `verify` of what a sink stored: by its manifests, and with `--read` by the objects themselves.
struct BucketVerification {
    let selection: Selection
    let question: BucketQuestion
    let reads: Bool
    let allowsDeclared: Bool

    func run(_ reading: BucketReading, in stage: borrowing Stage) throws {
        let source = try reading.source(selection.ledger, stage.log)
        var proof = try BucketProof.load(source, below: selection.prefixes)
        var chosen = selection.chosen(of: proof.sequences)
        if selection.epoch == nil { chosen = proof.sequences(chosen, in: question.range) }
        // What was never claimed has to be said, too.
        if chosen.isEmpty, let named = selection.named { chosen = [named] }
        if reads { try read(chosen, source, &proof, in: stage) }
        let problems = proof.problems(concerning: chosen, question.range)
        var report = BucketReport(
            allowsDeclared: allowsDeclared, hasProblems: !problems.isEmpty)
        for sequence in proof.proofs(of: chosen) {
            switch sequence.sequence.numbering {
            case .contiguous, .increasing:
                report.add(sequence.verdict(question.range), sequence, question.words)
            case .arrival, .none:
                report.add(
                    line: "\(sequence.sequence.title)  "
                        + Spoken.count(sequence.records, "record") + " in "
                        + IDText.count(sequence.objects, "object", "objects")
                        + "; it has no ids that could be verified")
            }
        }
        report.add(problems)
        if proof.chains.isEmpty {
            report.add(
                line: "\(source.url) has no manifests: nothing is claimed of what may be there")
        }
        guard !report.text.isEmpty else {
            throw StageFailure(.no, "\(source.url) holds no such sequence")
        }
        try stage.print(report.text)
        let isProven = report.isWhole && !proof.chains.isEmpty
        if !isProven { throw StageFailure(.no, "") }
    }

    /// Threads that compare: reading is mostly decompression.
    private static let threads = min(8, max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))

    /// Opens the objects in question, those without a fault so far.
    private func read(
        _ chosen: [SequenceID], _ source: ObjectSource, _ proof: inout BucketProof,
        in stage: borrowing Stage
    ) throws {
        var examination = ObjectExamination(source)
        let start = Clock.monotonicNanoseconds()
        let names = Set(chosen)
        let objects = proof.objects.filter {
            proof.faults[$0.key] == nil && BucketProof.concerns($0, names, question.range)
        }
        var count = 0
        let problems = try examination.examine(objects, threads: Self.threads) {
            stage.stats.heartbeat.beat()
            guard !stage.isStopping else {
                throw StageFailure(.gaveUp, "stopped after \(count) objects: nothing is proven")
            }
            count += 1
        }
        for problem in problems { proof.note(problem) }
        let seconds = Double(Clock.monotonicNanoseconds() - start) / 1e9
        stage.log.info(
            "read \(IDText.count(count, "object", "objects"))",
            [
                "bytes": "\(examination.bytes)", "records": "\(examination.records)",
                "seconds": "\(seconds)",
            ])
    }
}
