import Bronze
import Encoding
import Identity
import Ledger
import Stage

/// The answer about a bucket, as lines for people.
struct BucketReport {
    /// Lines of one kind that are printed.
    private static let most = 100

    private(set) var text = ""
    private var reasons: Set<String> = []
    /// False once something is missing or nothing can be claimed.
    private(set) var isWhole = true
    let allowsDeclared: Bool
    /// Something about the bucket keeps it from proving anything: then no line says whole.
    let hasProblems: Bool

    init(allowsDeclared: Bool, hasProblems: Bool) {
        self.allowsDeclared = allowsDeclared
        self.hasProblems = hasProblems
    }

    /// Adds the answer about one sequence.
    mutating func add(_ verdict: RangeVerdict, _ proof: SequenceProof, _ question: String?) {
        let ids = IDText(verdict.sequence)
        // Klines of a suspension never were; other declared ids are lost.
        let isWhole = verdict.isWhole(allowingDeclared: allowsDeclared || ids.isTime)
        self.isWhole = self.isWhole && isWhole
        text += verdict.sequence.title
        if let question { text += "  \(question)" }
        if verdict.sequence.numbering == .increasing {
            observed(verdict, isWhole)
        } else {
            held(verdict, ids, isWhole)
        }
        list(verdict.holes) { hole in
            var line = hole.isDeclared ? "  declared  " : "  missing   "
            if verdict.sequence.numbering == .increasing { line = "  unobserved  " }
            return line + Self.place(hole, ids) + "  \(hole.reason)\n"
        }
        list(verdict.unknown) { hole in
            "  unknown   \(Self.place(hole, ids))  \(hole.reason)\n"
        }
    }

    private mutating func held(_ verdict: RangeVerdict, _ ids: IDText, _ isWhole: Bool) {
        if let range = verdict.ids { text += "  \(ids.text(range))" }
        let missing = verdict.holes.count { !$0.isDeclared }
        let declared = verdict.holes.count - missing
        var words: [String] = []
        if missing > 0 { words.append(IDText.count(missing, "hole", "holes")) }
        let quarantined = verdict.holes.lazy.filter(\.isQuarantined).reduce(UInt64(0)) {
            $0 &+ ($1.ids.map { UInt64(bitPattern: $0.upperBound &- $0.lowerBound) &+ 1 } ?? 0)
        }
        if quarantined > 0, !ids.isTime { words.append("\(quarantined) quarantined") }
        if declared > 0 { words.append(IDText.count(declared, "declared gap", "declared gaps")) }
        if !verdict.unknown.isEmpty { words.append("not known in part") }
        if isWhole { words.insert(hasProblems ? "no hole found" : "whole", at: 0) }
        if verdict.held > 0, !ids.isTime { words.append("\(verdict.held) held") }
        if verdict.repaired > 0, !ids.isTime { words.append("\(verdict.repaired) repaired") }
        words += Self.repeats(verdict, ids)
        text += "  \(words.joined(separator: ", "))\n"
    }

    /// Held more than once: by several sinks, or by one that was not sure.
    private static func repeats(_ verdict: RangeVerdict, _ ids: IDText) -> [String] {
        guard !ids.isTime else { return [] }
        var words: [String] = []
        if verdict.shared > 0 {
            words.append(
                "\(Spoken.count(Int(clamping: verdict.shared), "id")) repeated between chains")
        }
        let own = verdict.twice - min(verdict.twice, verdict.shared)
        if own > 0 { words.append("\(own) in two objects of a chain") }
        return words
    }

    private mutating func observed(_ verdict: RangeVerdict, _ isWhole: Bool) {
        let records = verdict.runs.reduce(Int64(0)) {
            $0.addingReportingOverflow($1.count).partialValue
        }
        let complete = hasProblems ? "no interruption found" : "observed without interruption"
        text += isWhole ? "  \(complete)" : "  observed in parts"
        text +=
            ", \(Spoken.count(records, "record")) in \(IDText.count(verdict.runs.count, "run", "runs"))"
        if let first = verdict.runs.first {
            let last = verdict.runs.map(\.lastTime).max() ?? first.lastTime
            text += ", \(IDText.times(first.firstTime...max(first.firstTime, last)))"
        }
        text += "; nothing is claimed about ids between two records\n"
    }

    private mutating func list(_ holes: [ProofHole], _ line: (ProofHole) -> String) {
        reasons.formUnion(holes.map(\.reason))
        for hole in holes.prefix(Self.most) { text += line(hole) }
        if holes.count > Self.most { text += "  … and \(holes.count - Self.most) more\n" }
    }

    /// Where a hole is: its ids, and the times around it.
    private static func place(_ hole: ProofHole, _ ids: IDText) -> String {
        var words: [String] = []
        if let range = hole.ids { words.append(ids.text(range)) }
        if hole.ids == nil || !ids.isTime, hole.after != nil || hole.before != nil {
            let after = hole.after.map { Timestamp.text(microseconds: $0) } ?? "the beginning"
            let before = hole.before.map { Timestamp.text(microseconds: $0) } ?? "the end"
            words.append("(\(after) to \(before))")
        }
        return words.joined(separator: " ")
    }

    /// Adds what keeps the bucket from proving anything.
    mutating func add(_ problems: [BucketProblem]) {
        guard !problems.isEmpty else { return }
        isWhole = false
        // What a hole has as its reason is told already.
        let untold = problems.filter { !reasons.contains($0.text) }.sorted { $0.key < $1.key }
        for problem in untold.prefix(Self.most) { text += "problem   \(problem.text)\n" }
        if untold.count > Self.most { text += "… and \(untold.count - Self.most) more\n" }
    }

    /// Adds a line of its own.
    mutating func add(line: String) { text += line + "\n" }
}
