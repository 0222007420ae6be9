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
        var keys: [String] = []
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
            keys.append(entry.key)
        }
        var failure: AccessError?
        try source.read(keys, limit: longestManifest) { place, result in
            switch result {
            case .success(let bytes): check.add(key: keys[place], bytes: bytes)
            case .failure(let error):
                // What cannot be reached at all proves nothing; one manifest that is refused or gone
                // is a finding.
                if [.notFound, .notPermitted, .changed, .inputOutput].contains(error.reason) {
                    check.addUnreadable(key: keys[place], error.description)
                } else {
                    failure = failure ?? error
                }
            }
        }
        if let failure { throw failure }
        check.finish()
        var proof = BucketProof(check)
        for listing in listings {
            var entries = listing.entries.map { (key: $0.key, length: $0.length) }
            entries += try stored(since: listing.entries, below: listing.prefix, proof, source)
            proof.compare(entries, below: listing.prefix)
        }
        return proof
    }

    /// Objects that a sink stored between the listing and its manifest: these are asked for one by one.
    private static func stored(
        since listing: [ObjectEntry], below prefix: String, _ proof: BucketProof,
        _ source: ObjectSource
    ) throws(AccessError) -> [(key: String, length: Int64)] {
        let known = Set(listing.lazy.map(\.key))
        var found: [(key: String, length: Int64)] = []
        let absent = proof.objects.filter { $0.key.hasPrefix(prefix) && !known.contains($0.key) }
        // Of a sink at work there are a few, and the newest are at the end.
        for object in absent.suffix(mostAsked) {
            if let facts = try source.facts(of: object.key) {
                found.append((object.key, facts.length))
            }
        }
        return found
    }

    /// Objects that were not listed and are asked for by themselves.
    private static let mostAsked = 64
}
