import Bronze
import Encoding
import Glibc
import ObjectWriting
import Posix
import Stage

/// The chain of manifests that compactions continue. It has no state but the bucket: whoever comes
/// second finds its number taken, and ends.
struct MergingChain {
    private var number: Int64
    private var previous: String?
    /// Of all manifests, so that what is merged was listed before, whatever clocks say.
    private var newest: Int64

    /// Goes on where the bucket's chain ends.
    ///
    /// - Parameter proof: of chains about which nothing is wrong.
    init(_ proof: BucketProof) {
        let chain = proof.chains.first { $0.sink == ManifestKey.mergingChain }
        number = chain?.manifests.last?.number ?? 0
        previous = chain?.newestHash
        newest = proof.chains.flatMap(\.manifests).map(\.time).max() ?? 0
    }

    /// Lists objects, which from then on count instead of those that they replace.
    ///
    /// - Throws: 75 when somebody else continued the chain.
    mutating func add(
        _ objects: [StoredObject], to store: inout ObjectStore, in directory: String
    ) throws {
        let manifest = Manifest(
            sink: ManifestKey.mergingChain, number: number + 1, previous: previous,
            time: max(Clock.realtimeNanoseconds(), newest + 1),
            tool: "ledgerctl \(Version.text)", objects: objects)
        let bytes = manifest.bytes
        let path = "\(directory)/manifest"
        try Files.replace(path, with: bytes)
        defer { try? Files.remove(path) }
        let placement = try store.put(
            FinishedFile(
                key: manifest.key, path: path, contentType: "application/json", records: 0))
        if case .conflicts = placement {
            throw StageFailure(
                .gaveUp,
                "another compaction is at work: it has stored \(manifest.key). What it merges need "
                    + "not be merged here; run this one again when it has ended")
        }
        number = manifest.number
        previous = Manifest.hash(of: bytes)
        newest = manifest.time
    }
}
