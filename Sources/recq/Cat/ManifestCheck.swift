import Bronze
import BronzeAccess
import BronzeProof
import Encoding
import Identity
import Ledger
import Stage
import StageAWS

/// Asks the manifests of a place whether it holds all of a selection: only they know of objects that
/// are gone, and where a day's ids begin and end.
struct ManifestCheck {
    private let proof: BucketProof
    private let input: String

    /// - Returns: nil for a place without manifests.
    init?(_ input: String, _ reading: BucketReading, _ log: Log) throws {
        proof = try BucketProof.load(try reading.source(input, log))
        self.input = input
        if proof.chains.isEmpty { return nil }
    }

    /// What keeps the selection from being whole, in words; nil when nothing does.
    func problem(_ selected: SelectedRecords) -> String? {
        let sequences = proof.sequences.filter { sequence in
            guard sequence.numbering == .contiguous, selected.mayHold(sequence) else {
                return false
            }
            return true
        }
        for proof in proof.proofs(of: proof.sequences(sequences, in: .times(selected.times))) {
            guard let range = range(selected, proof) else { continue }
            let verdict = proof.verdict(range)
            if verdict.isWhole(allowingDeclared: true) { continue }
            let hole = verdict.holes.first { !$0.isDeclared } ?? verdict.unknown.first
            guard let hole else { continue }
            return "\(proof.sequence.title) is not whole in \(input): \(Self.words(hole))"
        }
        return nil
    }

    private static func words(_ hole: ProofHole) -> String {
        guard let ids = hole.ids else { return hole.reason }
        let text =
            ids.lowerBound == ids.upperBound
            ? "id \(ids.lowerBound)" : "ids \(ids.lowerBound) to \(ids.upperBound)"
        return hole.reason.isEmpty ? "\(text) are missing" : "\(text): \(hole.reason)"
    }

    /// What is asked of a sequence: the side that the selection leaves open ends where the claims do.
    private func range(_ selected: SelectedRecords, _ proof: SequenceProof) -> ProofRange? {
        if selected.hasIDs {
            guard
                let known = proof.held.first.flatMap({ first in
                    proof.held.last.map { first...$0 }
                })
            else { return .all }
            let first = selected.firstID == .min ? known.lowerBound : selected.firstID
            let last = selected.lastID == .max ? known.upperBound : selected.lastID
            return first <= last ? .ids(first...last) : nil
        }
        let times = selected.times
        guard times != Int64.min..<Int64.max, let spoken = proof.spokenTimes else { return .all }
        let first = times.lowerBound == .min ? spoken.lowerBound : times.lowerBound
        let end = times.upperBound == .max ? spoken.upperBound : times.upperBound
        return first < end ? .times(first..<end) : nil
    }
}

extension SelectedRecords {
    /// True for a sequence that the selection may have records of.
    fileprivate func mayHold(_ sequence: SequenceID) -> Bool {
        if !symbols.isEmpty, !symbols.contains(sequence.symbol) { return false }
        if !kinds.isEmpty {
            guard let kind = sequence.kind, kinds.contains(kind) else { return false }
        }
        if let interval, sequence.kind == .kline { return sequence.series == interval.code }
        return true
    }
}
