import Bronze
import Encoding
import Identity

/// How often ids of a sequence were missed: of a million, so many are missing, were repaired, or are
/// declared absent.
struct GapRate {
    let sequence: SequenceID
    let ids: UInt64
    let missing: UInt64
    let repaired: UInt64
    let declared: UInt64

    /// Nil for a sequence whose ids say nothing of what is missing.
    init?(_ proof: SequenceProof) {
        guard proof.sequence.numbering == .contiguous else { return nil }
        let verdict = proof.verdict(.all)
        let absent = verdict.absent
        sequence = proof.sequence
        // Ids of klines are times: what is counted is intervals.
        let unit =
            KlineInterval(code: proof.sequence.series).flatMap { interval in
                verdict.ids.map { ids -> UInt64 in
                    let span = interval.bucket(of: ids.lowerBound)
                    return UInt64(span.upperBound - span.lowerBound) + 1
                }
            } ?? 1
        missing = absent.missing / unit
        repaired = verdict.repaired / unit
        declared = absent.declared / unit
        ids = verdict.held / unit + missing + declared
        guard ids > 0 else { return nil }
    }

    /// The three rates, per million.
    var rates: [(name: String, count: UInt64, rate: String)] {
        [("missing", missing), ("repaired", repaired), ("declared", declared)].map { name, count in
            (name, count, Spoken.perMillion(count, of: ids))
        }
    }

    /// A line of text.
    var words: String {
        let parts = rates.map { "\($0.rate) \($0.name)" }
        return "per million of \(ids): " + parts.joined(separator: ", ")
    }
}
