import Encoding

/// Something about a bucket that keeps it from proving what it holds.
public struct BucketProblem: Sendable, Equatable {
    /// What kind of problem.
    public enum Kind: String, Sendable, CaseIterable {
        /// A manifest cannot be read.
        case manifestDamaged = "manifest_damaged"
        /// A number of a chain has no manifest.
        case manifestMissing = "manifest_missing"
        /// A manifest is not the one that its successor names.
        case manifestReplaced = "manifest_replaced"
        /// An object is not there.
        case objectMissing = "object_missing"
        /// An object has another length than its manifest says.
        case objectLength = "object_length"
        /// An object has other bytes than its manifest says, or cannot be read.
        case objectContent = "object_content"
        /// An object is in no manifest.
        case objectUnlisted = "object_unlisted"
    }

    /// What kind of problem.
    public let kind: Kind
    /// The manifest or object.
    public let key: String
    /// What is wrong, as a sentence that begins with the key.
    public let text: String

    /// Describes a problem.
    public init(_ kind: Kind, _ key: String, _ words: String) {
        self.kind = kind
        self.key = key
        text = "\(key) \(words)".escapingControls
    }
}

/// A chain of manifests as it was found.
public struct ManifestChainState: Sendable {
    /// Its name.
    public let sink: String
    /// In order; those that are damaged or missing left out.
    public internal(set) var manifests: [Manifest] = []
    /// SHA-256 of the newest one's bytes; nil when it could not be read.
    public internal(set) var newestHash: String?
}

/// Puts manifests together into chains, and finds what is wrong with them.
public struct ChainCheck: Sendable {
    /// Chains by name.
    public private(set) var chains: [ManifestChainState] = []
    /// What is wrong with them.
    public private(set) var problems: [BucketProblem] = []
    private var found: [String: [(number: Int64, manifest: Manifest?, hash: String)]] = [:]

    /// No manifests yet.
    public init() {}

    /// Adds a manifest as it was read; keys that are not of manifests are passed over.
    public mutating func add(key: String, bytes: [UInt8]) {
        guard let place = ManifestKey(parsing: key) else { return }
        var manifest: Manifest?
        do throws(ManifestError) {
            let read = try Manifest(reading: bytes)
            if read.sink == place.sink, read.number == place.number {
                manifest = read
            } else {
                problems.append(
                    BucketProblem(
                        .manifestReplaced, key,
                        "says that it is manifest \(read.number) of chain \(read.sink)"))
            }
        } catch {
            problems.append(BucketProblem(.manifestDamaged, key, "cannot be read: \(error)"))
        }
        found[place.sink, default: []].append(
            (place.number, manifest, Manifest.hash(of: bytes)))
    }

    /// Notes a manifest that could not be read from the bucket.
    public mutating func addUnreadable(key: String, _ reason: String) {
        guard let place = ManifestKey(parsing: key) else { return }
        problems.append(BucketProblem(.manifestDamaged, key, "cannot be read: \(reason)"))
        found[place.sink, default: []].append((place.number, nil, ""))
    }

    /// Notes an object among the manifests that is none.
    public mutating func addForeign(key: String) {
        problems.append(
            BucketProblem(.objectUnlisted, key, "is among the manifests, and not one of them"))
    }

    /// Links what was added.
    public mutating func finish() {
        for sink in found.keys.sorted() {
            var chain = ManifestChainState(sink: sink)
            var expected: Int64 = 1
            var hash: String?
            for link in (found[sink] ?? []).sorted(by: { $0.number < $1.number }) {
                if link.number > expected {
                    noteMissing(sink, expected...(link.number - 1))
                    hash = nil
                }
                if let manifest = link.manifest {
                    if link.number == expected, let before = hash, manifest.previous != before {
                        problems.append(
                            BucketProblem(
                                .manifestReplaced,
                                ManifestKey(sink: sink, number: link.number - 1).text,
                                "is not the manifest that the next one continues: SHA-256 is "
                                    + "\(before), not \(manifest.previous ?? "")"))
                    }
                    chain.manifests.append(manifest)
                }
                hash = link.hash.isEmpty ? nil : link.hash
                expected = link.number + 1
            }
            chain.newestHash = hash
            chains.append(chain)
        }
        found = [:]
    }

    private mutating func noteMissing(_ sink: String, _ numbers: ClosedRange<Int64>) {
        // A chain may lack very many: a line for the first few, one for the rest.
        let few: Int64 = 20
        let shown = numbers.lowerBound...min(numbers.upperBound, numbers.lowerBound + few - 1)
        for number in shown {
            problems.append(
                BucketProblem(
                    .manifestMissing, ManifestKey(sink: sink, number: number).text,
                    "is missing: what it listed is not known"))
        }
        if shown.upperBound < numbers.upperBound {
            problems.append(
                BucketProblem(
                    .manifestMissing, ManifestKey(sink: sink, number: numbers.upperBound).text,
                    "and \(numbers.upperBound - shown.upperBound - 1) before it are missing"))
        }
    }
}
