import Bronze
import BronzeAccess
import BronzeProof
import Encoding
import Identity
import Ledger
import Posix
import Stage
import StageAWS

/// `show` of what a sink stored: its chains, and what they claim.
struct BucketSummary {
    let selection: Selection
    let all: Bool

    func run(_ reading: BucketReading, in stage: borrowing Stage) throws {
        let source = try reading.source(selection.ledger, stage.log)
        let proof = try BucketProof.load(source, below: selection.prefixes)
        guard !proof.chains.isEmpty else {
            throw StageFailure(
                .no, "\(source.url) has no manifests: nothing is claimed of what may be there")
        }
        var text = ""
        for chain in proof.chains {
            let objects = chain.manifests.reduce(0) { $0 + $1.objects.count }
            text += "chain \(chain.sink)"
            text += "  \(IDText.count(chain.manifests.count, "manifest", "manifests"))"
            text += "  \(IDText.count(objects, "object", "objects"))"
            if let first = chain.manifests.first, let last = chain.manifests.last {
                text += "  \(Timestamp.text(nanoseconds: first.time)) to "
                text += "\(Timestamp.text(nanoseconds: last.time))  \(last.tool)"
            }
            text += "\n"
        }
        let chosen = selection.chosen(of: proof.sequences)
        for sequence in proof.proofs(of: chosen) { add(sequence, to: &text) }
        for problem in proof.problems(concerning: chosen, .all) {
            text += "problem   \(problem.text)\n"
        }
        try stage.print(text)
    }

    private func add(_ proof: SequenceProof, to text: inout String) {
        let ids = IDText(proof.sequence)
        text += proof.sequence.title
        switch proof.sequence.numbering {
        case .contiguous:
            text += "  \(ids.count(proof.held))"
            if let first = proof.held.first, let last = proof.held.last {
                text += "  \(ids.text(first...last))"
            }
            let verdict = proof.verdict(.all)
            let missing = verdict.holes.filter { !$0.isDeclared }
            text += "  \(IDText.count(missing.count, "hole", "holes"))"
            if proof.declared.intervalCount > 0 {
                text +=
                    "  \(IDText.count(proof.declared.intervalCount, "declared gap", "declared gaps"))"
            }
            objects(proof, &text)
            for hole in missing.prefix(all ? .max : 10) {
                text += "  hole      \(hole.ids.map { ids.text($0) } ?? "")  \(hole.reason)\n"
            }
            for range in all ? proof.held.ranges : [] { text += "  held      \(ids.text(range))\n" }
        case .increasing:
            text += "  observed \(Spoken.count(proof.runs.count, "record")) in "
            text += IDText.count(proof.runs.all.count, "run", "runs")
            if let times = proof.runs.times { text += "  \(IDText.times(times))" }
            objects(proof, &text)
        case .arrival, .none:
            text += "  \(proof.records) records"
            objects(proof, &text)
        }
    }

    private func objects(_ proof: SequenceProof, _ text: inout String) {
        text += "  \(IDText.count(proof.objects, "object", "objects"))\n"
    }
}
