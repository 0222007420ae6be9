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
    private var origins: [Origin] = []
    /// Of each object that was merged into another, where it was listed.
    private var mergedOrigins: [String: Origin] = [:]

    private struct Origin {
        let chain: Int
        let manifest: Int
    }

    /// An object whose records are in another one by now.
    public struct Merged: Sendable {
        /// The objects that have its records.
        public internal(set) var successors: [String]
        /// When these were listed, ns since the epoch.
        public let time: Int64
        /// The merged object's length; nil when it is not there any more.
        public internal(set) var length: Int64?
    }

    /// Takes what finished chains say.
    public init(_ check: ChainCheck) {
        chains = check.chains
        problems = check.problems
        var replaced: [String: Merged] = [:]
        for (index, chain) in chains.enumerated() {
            for (number, manifest) in chain.manifests.enumerated() {
                for object in manifest.objects {
                    add(object, Origin(chain: index, manifest: number))
                    for key in object.replaces where key != object.key {
                        let known = replaced[key]
                        if let known, known.time == manifest.time {
                            replaced[key]?.successors.append(object.key)
                        } else if (known?.time ?? .min) < manifest.time {
                            replaced[key] = Merged(successors: [object.key], time: manifest.time)
                        }
                    }
                }
                for removed in manifest.removed { removals.append((index, number, removed)) }
            }
        }
        guard !replaced.isEmpty else { return }
        // One that was stored under its old name after it had been merged counts again.
        let kept = objects.indices.filter { place in
            guard let merged = replaced[objects[place].key] else { return true }
            return merged.time < time(of: origins[place])
        }
        for key in kept.map({ objects[$0].key }) { replaced[key] = nil }
        merged = replaced
        for place in objects.indices where replaced[objects[place].key] != nil {
            mergedOrigins[objects[place].key] = origins[place]
            mergedObjects[objects[place].key] = objects[place]
        }
        objects = kept.map { objects[$0] }
        origins = kept.map { origins[$0] }
        places = Dictionary(uniqueKeysWithValues: objects.enumerated().map { ($1.key, $0) })
    }

    /// Objects whose records are in others by now, by key: they may be there or not.
    public private(set) var merged: [String: Merged] = [:]
    private var mergedObjects: [String: StoredObject] = [:]

    private func time(of origin: Origin) -> Int64 {
        chains[origin.chain].manifests[origin.manifest].time
    }

    private mutating func add(_ object: StoredObject, _ origin: Origin) {
        if let place = places[object.key] {
            // Two sinks may have stored the same bytes; or an object was lost, and what was fetched
            // again is under its key: then the later manifest counts.
            if time(of: origins[place]) < time(of: origin) {
                objects[place] = object
                origins[place] = origin
            }
            return
        }
        places[object.key] = objects.count
        objects.append(object)
        origins.append(origin)
    }

    /// The object of a key; nil for one that no manifest lists.
    public func object(_ key: String) -> StoredObject? { places[key].map { objects[$0] } }

    /// The objects that have the records of a merged one by now; nil when one of them is in doubt: it
    /// is missing, or not what its manifest says.
    public func heirs(of key: String) -> [StoredObject]? {
        var heirs: [String: StoredObject] = [:]
        var seen: Set = [key]
        var rest = merged[key]?.successors ?? []
        while let next = rest.popLast() {
            guard seen.insert(next).inserted else { continue }
            if let object = object(next) {
                guard faults[next] == nil else { return nil }
                heirs[next] = object
            } else if let merged = merged[next] {
                rest += merged.successors
            } else {
                return nil
            }
        }
        return heirs.isEmpty ? nil : heirs.values.sorted { $0.key < $1.key }
    }

    /// The chain that lists an object.
    public func chain(of key: String) -> String? {
        places[key].map { chains[origins[$0].chain].sink }
    }

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
        for entry in listing where places[entry.key] == nil {
            guard merged[entry.key] == nil else {
                merged[entry.key]?.length = entry.length
                continue
            }
            guard entry.key.hasPrefix(Partition.keyStart) else { continue }
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

    /// All of which an object has records, those of gap records included, sorted.
    public var storedSequences: [SequenceID] { Set(objects.map(\.sequence)).sorted() }

    /// All that are claimed or spoken of, sorted.
    public var sequences: [SequenceID] {
        var all = Set(objects.map(\.sequence))
        for object in objects { for gap in object.gaps { all.insert(gap.sequence) } }
        return all.filter { $0.kind != .gap }.sorted()
    }

    /// Those of some sequences that may have records in a range: where ids began again, a numbering
    /// that was over before a stretch of time, or began after it, has none in it.
    ///
    /// It was over when a later one has records from before the stretch on, and it has none since.
    public func sequences(_ chosen: [SequenceID], in range: ProofRange) -> [SequenceID] {
        guard case .times(let stretch) = range, !stretch.isEmpty,
            chosen.contains(where: { $0.epoch > 1 })
        else { return chosen }
        let spoken = proofs(of: chosen).compactMap { proof in
            proof.spokenTimes.map { (sequence: proof.sequence, times: $0) }
        }
        return chosen.filter { sequence in
            guard let own = spoken.first(where: { $0.sequence == sequence })?.times else {
                return true
            }
            return !spoken.contains { other in
                var sameEpoch = other.sequence
                sameEpoch.epoch = sequence.epoch
                guard sameEpoch == sequence else { return false }
                return other.sequence.epoch > sequence.epoch
                    ? other.times.lowerBound <= stretch.lowerBound
                        && own.upperBound < stretch.lowerBound
                    : other.sequence.epoch < sequence.epoch
                        && other.times.upperBound >= stretch.upperBound - 1
                        && own.lowerBound >= stretch.upperBound
            }
        }
    }

    /// What is claimed of some sequences, each with what is there of it.
    public func proofs(of wanted: [SequenceID]) -> [SequenceProof] {
        var proofs = Dictionary(uniqueKeysWithValues: wanted.map { ($0, SequenceProof($0)) })
        for (index, object) in objects.enumerated() {
            proofs[object.sequence]?.add(
                object, chain: origins[index].chain, fault: faults[object.key],
                removed: removed(from: object))
            // A gap record that is gone or damaged says nothing.
            guard faults[object.key] == nil else { continue }
            for gap in object.gaps { proofs[gap.sequence]?.add(gap, in: object) }
        }
        return wanted.compactMap { wanted in
            proofs[wanted]?.finish()
            return proofs[wanted]
        }
    }

    /// Ranges that were taken out after an object, or one that was merged into it, was listed: it
    /// claims them no more.
    public func removed(from object: StoredObject) -> [RemovedRange] {
        let own = removals.filter { $0.removed.sequence == object.sequence }
        guard !own.isEmpty, let place = places[object.key] else { return [] }
        var all = [origins[place]]
        var seen = Set(object.replaces)
        var rest = object.replaces
        while let key = rest.popLast() {
            if let origin = mergedOrigins[key] { all.append(origin) }
            for other in mergedObjects[key]?.replaces ?? [] where seen.insert(other).inserted {
                rest.append(other)
            }
        }
        return own.filter { removal in
            all.contains { $0.chain == removal.chain && $0.manifest < removal.after }
        }.map(\.removed)
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
