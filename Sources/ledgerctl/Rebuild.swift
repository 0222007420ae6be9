import ArgumentParser
import Bronze
import BronzeAccess
import BronzeProof
import Configuration
import Identity
import Ledger
import Posix
import Sink
import Stage
import StageAWS

struct Rebuild: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make the state directory of s3-put again from what it stored.",
        discussion: """
            EXAMPLES:
              ledgerctl rebuild s3://bucket/bronze --state-dir /var/lib/bitcoin-ingestor/s3-put

            For a state directory that was lost, or copied. The ledger then holds what manifests list \\
            and the bucket has; the chain of manifests is a new one. What was in the spool of the lost \\
            state and not stored yet shows as holes, and is fetched again.
            """)
    @Argument(help: "What a sink stored: s3:// or file://.", completion: .directory)
    var url: String
    @Option(help: "The new state directory; it must not have a ledger.", completion: .directory)
    var stateDir: String
    @OptionGroup var bucket: BucketReadingOptions
    @OptionGroup var common: CommonOptions

    func plan(_ settings: inout Settings) throws -> BucketReading {
        try bucket.reading(&settings)
    }

    func run(_ reading: BucketReading, in stage: borrowing Stage) throws {
        let path = stateDir + "/ledger"
        guard !Files.exists(path) else {
            throw StageFailure(
                .usage, "\(path) exists: a state that has a ledger is not rebuilt; move it away")
        }
        let source = try reading.source(url, stage.log)
        let proof = try BucketProof.load(source)
        guard !proof.chains.isEmpty else {
            throw StageFailure(
                .no, "\(source.url) has no manifests: there is nothing to make a ledger of")
        }
        try Files.makeDurableDirectories(stateDir)
        try StateOwner.claim(stateDir, stage: "s3-put")
        try Files.replace(stateDir + "/layout", with: Array("\(Partition.layout)\n".utf8))
        var report = ""
        try fill(path, proof, &report)
        let owner = try reading.owner(of: url)
        if !stateDir.hasPrefix(owner.replacing("file://", with: "") + "/") {
            try StateOwner.claim(stateDir, [("objects", owner)])
        }
        for problem in proof.problems { report += "problem   \(problem.text)\n" }
        try stage.print(report)
        if !proof.problems.isEmpty { throw StageFailure(.no, "") }
    }

    private func fill(_ path: String, _ proof: BucketProof, _ report: inout String) throws {
        var ledger = try Ledger(writing: path)
        for sequence in proof.proofs(of: proof.sequences) {
            let held = sequence.held.ranges
            if !held.isEmpty {
                ledger.add(
                    sequence.sequence, held: held, newestEventTime: sequence.times?.upperBound)
            }
            if !sequence.declared.isEmpty {
                ledger.add(sequence.sequence, declared: sequence.declared.ranges)
            }
            for run in sequence.runs.all { ledger.observe(sequence.sequence, run, ids: [run.last]) }
            let ids = IDText(sequence.sequence)
            report += "\(sequence.sequence.title)  "
            report +=
                sequence.runs.isEmpty
                ? "\(ids.count(sequence.held)), \(IDText.count(sequence.held.holeCount, "hole", "holes"))\n"
                : "\(IDText.count(sequence.runs.all.count, "run", "runs"))\n"
        }
        try ledger.commit()
    }
}
