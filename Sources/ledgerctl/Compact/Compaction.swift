import AWS
import Bronze
import BronzeAccess
import BronzeProof
import Configuration
import Encoding
import Glibc
import Identity
import ObjectWriting
import Posix
import Stage
import StageAWS

/// Merges objects, partition by partition, lists what it made, and deletes what that replaces once
/// readers have had time to finish.
///
/// Whatever happens, nothing is gone that no manifest has elsewhere: new objects are stored and read
/// back, then a manifest says that they replace the old ones, and only then are those deleted.
struct Compaction: ~Copyable {
    /// Objects of one manifest.
    private static let mostListed = 2048
    /// After which finished partitions are listed, ns: that much work is done again after a kill.
    private static let listInterval: Int64 = 30_000_000_000
    /// The same when replaced objects are deleted at once: as long both copies are there.
    private static let shortListInterval: Int64 = 1_000_000_000
    /// Lines of one kind that are printed.
    private static let mostLines = 100

    private let plan: Compact.Plan
    private let selection: Selection
    private let source: ObjectSource
    private let work: WorkDirectory
    private var store: ObjectStore
    private var report = CompactionReport()
    /// Stored and not listed yet.
    private var finished: [(unit: CompactionUnit, objects: [StoredObject], repeats: Int64)] = []
    private var listedAt = Clock.monotonicNanoseconds()

    init(
        _ plan: Compact.Plan, _ selection: Selection, workDirectory: String?,
        in stage: borrowing Stage
    ) throws {
        let source = try plan.reading.source(selection.ledger, stage.log)
        let work = try WorkDirectory(plan.destination, workDirectory)
        let credentials = plan.access?.credentials.provider(stage.log)
        let store = try ObjectStore.make(
            plan.destination, plan.access, log: stage.log, credentials: credentials,
            figures: ServiceFigures(stage.stats)
        ) { false }
        self.plan = plan
        self.selection = selection
        self.source = source
        self.work = work
        self.store = store
    }

    mutating func run(dryRun: Bool, in stage: borrowing Stage) throws {
        if case .directory(let path) = plan.destination, !Files.exists(path) {
            // A name that was mistyped must not become a directory.
            throw StageFailure(.unavailable, "\(path): no such file or directory")
        }
        if !dryRun { try work.make() }
        let proof = try BucketProof.load(source, below: selection.prefixes)
        try Self.requireWholeChains(proof, source.url)
        let chosen = Set(selection.chosen(of: proof.storedSequences))
        let now = Clock.realtimeNanoseconds()
        let units = CompactionUnits(
            proof, chosen, times: plan.times, now: now, settle: plan.settle)
        report.note(units)
        if dryRun {
            for unit in units.units { report.add(planned: unit) }
        } else {
            try merge(units.units, proof, in: stage)
        }
        let retired = proof.merged.filter { $0.value.length != nil }
        try sweep(retired, proof, now: now, dryRun: dryRun, in: stage)
        try stage.print(report.text(isPlan: dryRun, deletesAtOnce: plan.deleteAfter == 0))
        if report.isRefused {
            throw StageFailure(
                .badInput,
                "what is damaged was left as it is; ledgerctl verify \(source.url) --read says more"
            )
        }
    }

    /// With a manifest gone it is not known what there is, and so not what may be replaced.
    private static func requireWholeChains(_ proof: BucketProof, _ url: String) throws {
        guard !proof.chains.isEmpty else {
            throw StageFailure(
                .no, "\(url) has no manifests: what they do not list is not merged")
        }
        let broken = proof.problems.filter { problem in
            switch problem.kind {
            case .manifestDamaged, .manifestMissing, .manifestReplaced: true
            case .objectUnlisted: problem.key.hasPrefix(ManifestKey.start)
            case .objectMissing, .objectLength, .objectContent: false
            }
        }
        guard let first = broken.first else { return }
        let more = broken.count > 1 ? " (and \(broken.count - 1) more)" : ""
        throw StageFailure(
            .badInput,
            "nothing was merged, because a chain of manifests is damaged: \(first.text)\(more)")
    }

    // MARK: - Merging

    private mutating func merge(
        _ units: [CompactionUnit], _ proof: BucketProof, in stage: borrowing Stage
    ) throws {
        guard !units.isEmpty else { return }
        var chain = MergingChain(proof)
        let merge = try PartitionMerge(source, plan.rules, in: work.path)
        listedAt = Clock.monotonicNanoseconds()
        for unit in units {
            do {
                switch try merge.merge(unit, into: &store, in: stage) {
                case .merged(let objects, let repeats):
                    finished.append((unit, objects, repeats))
                case .refused(let problem): report.add(refused: problem)
                }
            } catch {
                // What is finished counts, whatever ended the next one.
                try? list(&chain, in: stage)
                throw error
            }
            let interval = plan.deleteAfter == 0 ? Self.shortListInterval : Self.listInterval
            let isDue = Clock.monotonicNanoseconds() - listedAt >= interval
            if isDue || finished.count >= Self.mostListed { try list(&chain, in: stage) }
        }
        try list(&chain, in: stage)
    }

    /// Lists what is finished: from then on it counts, and what it replaces does not.
    private mutating func list(
        _ chain: inout MergingChain, in stage: borrowing Stage
    ) throws {
        guard !finished.isEmpty else { return }
        try chain.add(finished.flatMap(\.objects), to: &store, in: work.path)
        listedAt = Clock.monotonicNanoseconds()
        for entry in finished {
            report.add(merged: entry.unit, into: entry.objects, repeats: entry.repeats)
            let own = Set(entry.objects.map(\.key))
            for key in entry.unit.leftovers where !own.contains(key) { try store.remove(key) }
            guard plan.deleteAfter == 0 else { continue }
            // An object may be merged into one of its own name: then that is the new one.
            for object in entry.unit.objects where !own.contains(object.key) {
                try store.remove(object.key)
                report.noteDeleted()
            }
        }
        finished.removeAll()
    }

    // MARK: - Deleting

    /// Deletes what earlier runs replaced, unless what replaces it is in doubt.
    private mutating func sweep(
        _ retired: [String: BucketProof.Merged], _ proof: BucketProof, now: Int64, dryRun: Bool,
        in stage: borrowing Stage
    ) throws {
        for (key, merged) in retired.sorted(by: { $0.key < $1.key }) {
            guard !stage.isStopping else { throw StageFailure(.gaveUp, "stopped") }
            guard proof.heirs(of: key) != nil else {
                report.add(
                    refused: BucketProblem(
                        .objectMissing, merged.successors.sorted().first ?? key,
                        "is missing or damaged; \(key), which it replaces, was not deleted"))
                continue
            }
            guard merged.time <= now - plan.deleteAfter else {
                report.noteWaiting()
                continue
            }
            if !dryRun { try store.remove(key) }
            report.noteDeleted()
        }
    }
}

/// Where files are on the way to a bucket: in a directory that is the destination, beside the objects
/// under a hidden name, so that they need not be copied.
private final class WorkDirectory {
    let path: String
    private let isOwn: Bool
    private var lock: Descriptor?

    init(_ destination: Destination, _ given: String?) throws {
        if let given {
            path = "\(given)/ledgerctl-compact-\(getpid())"
            isOwn = true
        } else if case .directory(let root) = destination {
            path = "\(root)/.compact"
            isOwn = false
        } else {
            let parent = DirectoryVariable.path("TMPDIR", in: Environment.all) ?? "/var/tmp"
            path = "\(parent)/ledgerctl-compact-\(getpid())"
            isOwn = true
        }
    }

    /// Makes it, and empties it of what a run left that was killed.
    ///
    /// - Throws: 75 when another compaction uses it.
    func make() throws {
        try Files.makeDirectories(path)
        lock = try Descriptor.open("\(path)/lock", O_RDWR | O_CREAT)
        guard try lock?.lock() == true else {
            throw StageFailure(
                .gaveUp, "another compaction is at work in \(path): run this one again later")
        }
        for name in try Files.list(path) where name != "lock" {
            try Files.remove("\(path)/\(name)")
        }
    }

    deinit {
        guard lock != nil else { return }
        // The lock's file stays in a directory that others use: a name that is locked must not go.
        guard isOwn else { return }
        for name in (try? Files.list(path)) ?? [] { try? Files.remove("\(path)/\(name)") }
        rmdir(path)
    }
}
