public import Bronze
public import BronzeAccess

extension BucketProof {
    /// Longest manifest that is read, bytes: 4096 objects take 2 MiB, unless their ids are full of
    /// holes.
    private static let longestManifest = 256 << 20

    /// Reads all chains of a bucket and lists its objects.
    ///
    /// Objects are listed first: one that a sink stores meanwhile is in no list, and in a manifest
    /// that comes after it.
    ///
    /// - Parameter prefixes: which objects are listed; those below others are not compared.
    /// - Throws: `AccessError` when listing is refused or fails: nothing can be said then.
    public static func load(
        _ source: ObjectSource, below prefixes: [String] = [Partition.keyStart]
    ) throws(AccessError) -> BucketProof {
        var listings: [(prefix: String, entries: [ObjectEntry])] = []
        for prefix in prefixes { listings.append((prefix, try source.list(prefix: prefix))) }
        var check = ChainCheck()
        for entry in try source.list(prefix: ManifestKey.start) {
            guard ManifestKey(parsing: entry.key) != nil else {
                check.addForeign(key: entry.key)
                continue
            }
            guard entry.length <= Int64(longestManifest) else {
                check.addUnreadable(
                    key: entry.key, "\(entry.length) bytes are over the limit of \(longestManifest)"
                )
                continue
            }
            do throws(AccessError) {
                check.add(
                    key: entry.key, bytes: try source.read(entry.key, limit: longestManifest))
            } catch {
                // What cannot be reached at all proves nothing; one manifest that is refused or gone
                // is a finding.
                guard [.notFound, .notPermitted, .changed, .inputOutput].contains(error.reason)
                else { throw error }
                check.addUnreadable(key: entry.key, error.description)
            }
        }
        check.finish()
        var proof = BucketProof(check)
        for listing in listings {
            proof.compare(listing.entries.map { ($0.key, $0.length) }, below: listing.prefix)
        }
        return proof
    }
}
