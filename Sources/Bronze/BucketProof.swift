public import Identity
public import Ledger

/// What the manifests of a bucket claim, object by object, and which of it is there: the base of
/// every answer about a bucket.
///
/// Manifests say what objects hold; a listing says which objects there are, with their lengths; a
/// reader may add what it found in them. Ids are held only by objects about which nothing is wrong.
public struct BucketProof: Sendable {
    /// Chains by name.
    public let chains: [ManifestChainState]
    /// What is wrong: with manifests, then with objects.
    public private(set) var problems: [BucketProblem]
    /// Objects that are claimed, those left out that were merged into others.
    public private(set) var objects: [StoredObject] = []
    /// What is wrong with an object, by its key.
    public private(set) var faults: [String: BucketProblem] = [:]
    private var places: [String: Int] = [:]
    private var removals: [(chain: Int, after: Int, removed: RemovedRange)] = []
    /// Of each object, which chain listed it and where in it.
    private var origins: [(chain: Int, manifest: Int)] = []

    /// Takes what finished chains say.
    public init(_ check: ChainCheck) {
        chains = check.chains
        problems = check.problems
        var replaced: Set<String> = []
        for (index, chain) in chains.enumerated() {
            for (number, manifest) in chain.manifests.enumerated() {
                for object in manifest.objects {
                    add(object, chain: index, manifest: number)
                    replaced.formUnion(object.replaces)
                }
                for removed in manifest.removed { removals.append((index, number, removed)) }
            }
        }
        guard !replaced.isEmpty else { return }
        let kept = objects.indices.filter { !replaced.contains(objects[$0].key) }
        merged = replaced
        objects = kept.map { objects[$0] }
        origins = kept.map { origins[$0] }
        places = Dictionary(uniqueKeysWithValues: objects.enumerated().map { ($1.key, $0) })
    }

    /// Keys of objects whose records are in others by now: they may be there or not.
    public private(set) var merged: Set<String> = []

    private mutating func add(_ object: StoredObject, chain: Int, manifest: Int) {
        if let place = places[object.key] {
            // Two sinks may have stored the same bytes; or an object was lost, and what was fetched
            // again is under its key: then the later manifest counts.
            let known = chains[origins[place].chain].manifests[origins[place].manifest]
            if known.time < chains[chain].manifests[manifest].time {
                objects[place] = object
                origins[place] = (chain, manifest)
            }
            return
        }
        places[object.key] = objects.count
        objects.append(object)
        origins.append((chain, manifest))
    }

    /// The object of a key; nil for one that no manifest lists.
    public func object(_ key: String) -> StoredObject? { places[key].map { objects[$0] } }

    /// The manifest that lists an object.
    public func manifest(of key: String) -> Manifest? {
        guard let place = places[key] else { return nil }
        let origin = origins[place]
        return chains[origin.chain].manifests[origin.manifest]
    }

    // MARK: - What is there

    /// Compares the claims with a listing.
    ///
    /// - Parameters:
    ///   - listing: key and length of every object below the prefix.
    ///   - prefix: what was listed.
    public mutating func compare(
        _ listing: [(key: String, length: Int64)], below prefix: String
    ) {
        let lengths = Dictionary(listing.map { ($0.key, $0.length) }) { first, _ in first }
        for object in objects where object.key.hasPrefix(prefix) {
            guard let length = lengths[object.key] else {
                note(BucketProblem(.objectMissing, object.key, "is missing"))
                continue
            }
            if length != object.bytes {
                note(
                    BucketProblem(
                        .objectLength, object.key, "has \(length) bytes, not \(object.bytes)"))
            }
        }
        for entry in listing
        where places[entry.key] == nil && !merged.contains(entry.key)
            && entry.key.hasPrefix(Partition.keyStart)
        {
            problems.append(
                BucketProblem(
                    .objectUnlisted, entry.key, "is in no manifest"))
        }
    }

    /// Notes that an object was read and is not what its manifest says.
    public mutating func note(_ problem: BucketProblem) {
        problems.append(problem)
        if faults[problem.key] == nil { faults[problem.key] = problem }
    }

    // MARK: - Sequences

    /// All that are claimed or spoken of, sorted.
    public var sequences: [SequenceID] {
        var all = Set(objects.map(\.sequence))
        for object in objects { for gap in object.gaps { all.insert(gap.sequence) } }
        return all.filter { $0.kind != .gap }.sorted()
    }

    /// What is claimed of some sequences, each with what is there of it.
    public func proofs(of wanted: [SequenceID]) -> [SequenceProof] {
        var proofs = Dictionary(uniqueKeysWithValues: wanted.map { ($0, SequenceProof($0)) })
        for (index, object) in objects.enumerated() {
            if proofs[object.sequence] != nil {
                let taken = removals.filter {
                    $0.removed.sequence == object.sequence && $0.chain == origins[index].chain
                        && $0.after > origins[index].manifest
                }
                proofs[object.sequence]?.add(
                    object, fault: faults[object.key], removed: taken.map(\.removed))
            }
            // A gap record that is gone or damaged says nothing.
            guard faults[object.key] == nil else { continue }
            for gap in object.gaps { proofs[gap.sequence]?.add(gap) }
        }
        return wanted.compactMap { wanted in
            proofs[wanted]?.finish()
            return proofs[wanted]
        }
    }

    /// What keeps an answer about a range from being sure: all that is wrong with chains, and with
    /// objects that may have to do with it.
    public func problems(
        concerning sequences: [SequenceID], _ range: ProofRange
    ) -> [BucketProblem] {
        let names = Set(sequences)
        let held = Dictionary(
            proofs(of: sequences).map { ($0.sequence, $0) }, uniquingKeysWith: { one, _ in one })
        return problems.filter { problem in
            switch problem.kind {
            case .manifestDamaged, .manifestMissing, .manifestReplaced: return true
            case .objectUnlisted:
                return problem.key.hasPrefix(ManifestKey.start)
                    || Self.mayConcern(problem.key, sequences, range)
            case .objectMissing, .objectLength, .objectContent:
                guard let object = object(problem.key) else { return true }
                guard Self.concerns(object, names, range) else { return false }
                // What is gone and was stored again elsewhere is missing no more.
                return problem.kind != .objectMissing
                    || held[object.sequence]?.holdsAll(of: object) != true
            }
        }
    }

    /// True for an object that holds something of a range.
    public static func concerns(
        _ object: StoredObject, _ sequences: Set<SequenceID>, _ range: ProofRange
    ) -> Bool {
        let isOfThem =
            sequences.contains(object.sequence)
            || object.gaps.contains { sequences.contains($0.sequence) }
        guard isOfThem else { return false }
        switch range {
        case .all: return true
        case .times(let times):
            // What has no time that can be right may be of any.
            guard Partition.hasTime(key: object.key) else { return true }
            return object.lastTime >= times.lowerBound && object.firstTime < times.upperBound
        case .ids(let ids):
            let own = object.ids + object.gaps.flatMap(\.ids) + (object.run.map { [$0.span] } ?? [])
            return own.contains { $0.overlaps(ids) }
        }
    }

    /// Of an object that no manifest lists: as far as its key tells.
    private static func mayConcern(
        _ key: String, _ sequences: [SequenceID], _ range: ProofRange
    ) -> Bool {
        guard sequences.contains(where: { key.hasPrefix(Partition.prefix(of: $0)) }) else {
            return false
        }
        switch range {
        case .all: return true
        case .times(let times):
            return Partition.times(ofKey: key).map { $0.overlaps(times) } ?? true
        case .ids(let ids):
            let name = key.split(separator: "/").last.map(String.init) ?? ""
            return ObjectName(parsing: name).map { $0.ids.overlaps(ids) } ?? true
        }
    }

    /// Of each sequence its newest numbering, under epoch 1 as records have it: what is held and
    /// declared, for whoever fetches what is missing.
    public func newestCoverages() -> [SequenceID: Coverage] {
        var newest: [SequenceID: Coverage] = [:]
        // Sorted by epoch: the newest one stays.
        for proof in proofs(of: sequences) {
            var name = proof.sequence
            name.epoch = 1
            newest[name] = proof.coverage
        }
        return newest
    }

    /// As a ledger would have it: for whoever asks for what is missing.
    public func coverage(of sequence: SequenceID) -> Coverage {
        proofs(of: [sequence])[0].coverage
    }
}
