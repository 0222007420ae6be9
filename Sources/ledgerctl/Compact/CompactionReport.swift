import Bronze
import Encoding
import Identity

/// What a compaction did, or would do, as lines for people.
struct CompactionReport {
    /// Lines of one kind that are printed.
    private static let most = 200

    /// What was merged of one sequence and day.
    private struct Line {
        var title: String
        var objects = 0
        var bytes: Int64 = 0
        var into = 0
        var intoBytes: Int64 = 0
        var records: Int64 = 0
        var repeats: Int64 = 0
    }

    private var lines: [Line] = []
    private var problems: [BucketProblem] = []
    private var deleted = 0
    private var waiting = 0
    private var young = 0
    private var removed = 0

    /// True when something was left alone because it is damaged.
    var isRefused: Bool { !problems.isEmpty }

    /// Notes what is left alone.
    mutating func note(_ units: CompactionUnits) {
        problems += units.refused
        young = units.young
        removed = units.removed
    }

    /// Adds a partition of a plan.
    mutating func add(planned unit: CompactionUnit) {
        change(unit) { line in line.records += unit.records }
    }

    /// Adds a partition that was merged.
    mutating func add(merged unit: CompactionUnit, into objects: [StoredObject], repeats: Int64) {
        waiting += unit.objects.count
        change(unit) { line in
            line.into += objects.count
            line.intoBytes += objects.reduce(0) { $0 + $1.bytes }
            line.records += objects.reduce(0) { $0 + $1.records }
            line.repeats += repeats
        }
    }

    private mutating func change(_ unit: CompactionUnit, _ body: (inout Line) -> Void) {
        let title = "\(unit.partition.sequence.title)  \(unit.period)"
        if lines.last?.title != title { lines.append(Line(title: title)) }
        lines[lines.count - 1].objects += unit.objects.count
        lines[lines.count - 1].bytes += unit.bytes
        body(&lines[lines.count - 1])
    }

    /// Adds what is damaged.
    mutating func add(refused problem: BucketProblem) { problems.append(problem) }

    /// Counts an object that was deleted.
    mutating func noteDeleted() { deleted += 1 }

    /// Counts an object that somebody may still be reading.
    mutating func noteWaiting() { waiting += 1 }

    /// All lines.
    ///
    /// - Parameter deletesAtOnce: true when nothing waits.
    func text(isPlan: Bool, deletesAtOnce: Bool) -> String {
        var text = ""
        for line in lines.prefix(Self.most) {
            text += "\(line.title)  \(Spoken.count(line.objects, "object")), "
            text += "\(Spoken.bytes(line.bytes))"
            if !isPlan {
                text += "  into \(Spoken.count(line.into, "object")), "
                text += Spoken.bytes(line.intoBytes)
            }
            text += "  \(Spoken.count(line.records, "record"))"
            if line.repeats > 0 { text += ", \(line.repeats) repeated and left out" }
            text += "\n"
        }
        if lines.count > Self.most { text += "… and \(lines.count - Self.most) more\n" }
        for problem in problems.prefix(Self.most) { text += "refused   \(problem.text)\n" }
        if problems.count > Self.most { text += "… and \(problems.count - Self.most) more\n" }
        if lines.isEmpty { text += "nothing to merge\n" }
        if young > 0 {
            text += "\(Spoken.count(young, "partition")) too young: see --settle\n"
        }
        if removed > 0 {
            text +=
                "\(Spoken.count(removed, "partition")) skipped: ids were removed from the ledger\n"
        }
        if deleted > 0 {
            text += isPlan ? "would delete " : "deleted "
            text += Spoken.count(
                deleted, "object that was replaced", plural: "objects that were replaced")
            text += "\n"
        }
        let left = deletesAtOnce ? 0 : waiting
        if left > 0 {
            text += Spoken.count(left, "replaced object waits", plural: "replaced objects wait")
            text += " to be deleted by a run after --delete-after\n"
        }
        return text
    }
}
