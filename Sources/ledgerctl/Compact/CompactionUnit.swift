import Bronze
import Encoding
import Identity

/// The objects of one partition that are to become few.
///
/// Objects stay in their partition: a query by date and hour has to find the same rows afterwards.
struct CompactionUnit {
    let partition: Partition
    /// Sorted by key.
    let objects: [StoredObject]
    /// Keys of objects that a compaction left behind which was killed before it listed them.
    let leftovers: [String]

    var bytes: Int64 { objects.reduce(0) { $0 &+ $1.bytes } }
    var records: Int64 { objects.reduce(0) { $0 &+ $1.records } }

    /// The day, or month of klines, for people.
    var period: String {
        let parts = partition.path.split(separator: "/")
        let times = parts.filter { $0.hasPrefix("date=") || $0.hasPrefix("month=") }
        return times.map { String($0.drop { $0 != "=" }.dropFirst()) }.joined(separator: " ")
    }
}

/// Which objects of a bucket are merged, and which are left alone.
struct CompactionUnits {
    /// What is merged, in the order of the keys.
    private(set) var units: [CompactionUnit] = []
    /// Partitions that are damaged, with what is wrong: they are left alone.
    private(set) var refused: [BucketProblem] = []
    /// Partitions that are too young.
    private(set) var young = 0
    /// Partitions of which ids were taken out of a ledger: they are left alone.
    private(set) var removed = 0

    /// - Parameters:
    ///   - times: event times that a partition has to do with; nil for all.
    ///   - now: ns since the epoch.
    ///   - settle: how long ago a partition's time has to have ended, ns; 0 takes all.
    init(
        _ proof: BucketProof, _ sequences: Set<SequenceID>, times: Range<Int64>?, now: Int64,
        settle: Int64
    ) {
        var objects: [Partition: [StoredObject]] = [:]
        for object in proof.objects where sequences.contains(object.sequence) {
            guard let partition = Partition(ofKey: object.key, object.sequence) else { continue }
            objects[partition, default: []].append(object)
        }
        let strangers = Self.strangers(proof)
        for (partition, objects) in objects {
            let place = objects[0].key
            let own = Partition.times(ofKey: place)
            if let times, own.map({ !$0.overlaps(times) }) ?? true { continue }
            guard Self.isWorth(objects, proof) else { continue }
            guard
                Self.isOld(
                    own?.upperBound, objects, proof, now: now, settle: settle)
            else {
                young += 1
                continue
            }
            let others = strangers[partition.path] ?? []
            let faults =
                objects.compactMap { proof.faults[$0.key] }
                + others.filter { !Self.isLeftover($0.key) }
            guard faults.isEmpty else {
                refused += faults
                continue
            }
            guard objects.allSatisfy({ proof.removed(from: $0).isEmpty }) else {
                removed += 1
                continue
            }
            units.append(
                CompactionUnit(
                    partition: partition, objects: objects.sorted { $0.key < $1.key },
                    leftovers: others.map(\.key)))
        }
        units.sort { $0.objects[0].key < $1.objects[0].key }
        refused.sort { $0.key < $1.key }
    }

    /// Objects that no manifest lists, by the path of their partition.
    private static func strangers(_ proof: BucketProof) -> [String: [BucketProblem]] {
        var strangers: [String: [BucketProblem]] = [:]
        for problem in proof.problems where problem.kind == .objectUnlisted {
            let path = problem.key.split(separator: "/").dropLast().joined(separator: "/")
            strangers[path, default: []].append(problem)
        }
        return strangers
    }

    private static func isLeftover(_ key: String) -> Bool {
        let name = key.split(separator: "/").last.map(String.init) ?? ""
        return ObjectName(parsing: name)?.isMerged ?? false
    }

    /// More than one object, unless they are what a compaction made.
    private static func isWorth(_ objects: [StoredObject], _ proof: BucketProof) -> Bool {
        objects.count > 1
            && objects.contains { proof.chain(of: $0.key) != ManifestKey.mergingChain }
    }

    private static func isOld(
        _ end: Int64?, _ objects: [StoredObject], _ proof: BucketProof, now: Int64, settle: Int64
    ) -> Bool {
        guard settle > 0 else { return true }
        // Records without a time that can be right: then when they were stored counts.
        let stored = objects.compactMap { proof.manifest(of: $0.key)?.time }.max() ?? now
        let time = end.map { $0.multipliedReportingOverflow(by: 1000).partialValue } ?? stored
        return time <= now - settle
    }
}
