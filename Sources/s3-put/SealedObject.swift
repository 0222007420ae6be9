import Identity
import Ledger
import Posix
import Spool

/// A finished object in the staging directory, with what the ledger will say of it.
///
/// Its manifest stands beside it, so that a restart delivers the same bytes under the same key.
struct SealedObject: Sendable {
    /// Below the destination; the writer adds its end.
    var key: String
    let contentType: String
    let stagedPath: String
    let records: Int64
    /// Length of the staged file; 0 when nobody knows any more.
    var bytes: Int64 = 0
    /// When it was finished or found, ns of the monotonic clock.
    let sealedAt = Clock.monotonicNanoseconds()
    /// When the first of its records was received, ns since the epoch; nil after a restart.
    var firstIngest: Int64?
    /// Where the spool has the first of its records; nil after a restart.
    let spoolStart: Spool.Position?
    let sequence: SequenceID
    let held: [ClosedRange<Int64>]
    /// The ids of its records, of a sequence where ids only grow.
    var observed: [Int64] = []
    let declared: [(key: SequenceID, ranges: [ClosedRange<Int64>])]

    init(
        key: String, contentType: String, stagedPath: String, records: Int64,
        spoolStart: Spool.Position?, sequence: SequenceID, held: [ClosedRange<Int64>],
        declared: [(key: SequenceID, ranges: [ClosedRange<Int64>])]
    ) {
        self.key = key
        self.contentType = contentType
        self.stagedPath = stagedPath
        self.records = records
        self.spoolStart = spoolStart
        self.sequence = sequence
        self.held = held
        self.declared = declared
    }

    /// Where the manifest stands.
    var manifestPath: String { stagedPath + Self.manifestSuffix }
    static let manifestSuffix = ".manifest"

    /// Removes the staged file; the manifest first, since a file without one counts for nothing.
    func removeStaged() throws(SystemError) {
        try Files.remove(manifestPath)
        try Files.remove(stagedPath)
    }

    /// Keys of all finished objects of a staging directory.
    static func keys(staging: String) throws(SystemError) -> [String] {
        var keys: [String] = []
        for name in try Files.list(staging) where name.hasSuffix(manifestSuffix) {
            if let object = try SealedObject(manifest: "\(staging)/\(name)") {
                keys.append(object.key)
            }
        }
        return keys
    }

    // MARK: - The manifest

    /// Writes the manifest: one `name value…` to a line.
    func writeManifest() throws(SystemError) {
        var text = "key \(key)\ntype \(contentType)\nrecords \(records)\n"
        text += "sequence \(Self.text(sequence))\n"
        if !observed.isEmpty {
            text += "observed " + observed.map(String.init).joined(separator: " ") + "\n"
        }
        for range in held { text += "held \(range.lowerBound) \(range.upperBound)\n" }
        for entry in declared {
            for range in entry.ranges {
                text += "declared \(range.lowerBound) \(range.upperBound) \(Self.text(entry.key))\n"
            }
        }
        try Files.replace(manifestPath, with: Array((text + "end\n").utf8))
    }

    /// Reads a manifest; nil when it is not whole.
    init?(manifest path: String) throws(SystemError) {
        let bytes = try Files.read(path, limit: 1 << 30)
        stagedPath = String(path.dropLast(Self.manifestSuffix.count))
        var key = ""
        var type = ""
        var records: Int64 = 0
        var sequence: SequenceID?
        var held: [ClosedRange<Int64>] = []
        var declared: [SequenceID: [ClosedRange<Int64>]] = [:]
        var isWhole = false
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            switch (words.first, words.count) {
            case ("key", 2): key = words[1]
            case ("type", 2): type = words[1]
            case ("records", 2): records = Int64(words[1]) ?? 0
            case ("sequence", 7), ("sequence", 8): sequence = Self.sequence(words[1...])
            case ("held", 3), ("declared", 9), ("declared", 10):
                guard let first = Int64(words[1]), let last = Int64(words[2]), first <= last else {
                    return nil
                }
                if words.count == 3 {
                    held.append(first...last)
                } else if let key = Self.sequence(words[3...]) {
                    declared[key, default: []].append(first...last)
                }
            case ("observed", _): observed = words.dropFirst().compactMap { Int64($0) }
            case ("end", 1): isWhole = true
            default: return nil
            }
        }
        guard isWhole, !key.isEmpty, let sequence else { return nil }
        self.key = key
        self.contentType = type
        self.records = records
        self.sequence = sequence
        self.held = held
        self.declared = declared.map { (key: $0.key, ranges: $0.value) }
        spoolStart = nil
    }

    private static func text(_ key: SequenceID) -> String {
        let words = key.symbol.words
        return "\(key.venue) \(key.template) \(key.series) \(words.0) \(words.1) \(words.2) "
            + "\(words.3)"
    }

    private static func sequence(_ words: ArraySlice<String>) -> SequenceID? {
        let words = Array(words)
        guard let venue = UInt8(words[0]), let template = UInt16(words[1]),
            let series = UInt16(words[2]), let first = UInt64(words[3]),
            let second = UInt64(words[4]), let third = UInt64(words[5]),
            let fourth = words.count > 6 ? UInt64(words[6]) : 0
        else { return nil }
        return SequenceID(
            venue: venue, template: template, series: series,
            symbol: SymbolName(words: (first, second, third, fourth)))
    }
}
