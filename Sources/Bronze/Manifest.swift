public import Identity
public import Ledger

/// What a sink says of objects that it has stored: one link of its chain. docs/verify.md specifies
/// the form and the chain.
public struct Manifest: Sendable, Equatable {
    /// The form that this program writes, and the newest that it reads.
    public static let format: Int64 = 1

    /// Which chain it is of: 16 hexadecimal digits that a state directory was given once.
    public let sink: String
    /// 1 for the first of a chain.
    public let number: Int64
    /// SHA-256 of the bytes of the manifest before it, in hexadecimal; nil for the first.
    public let previous: String?
    /// When it was written, ns since the epoch.
    public let time: Int64
    /// Who wrote it, such as `s3-put 0.1.0`.
    public let tool: String
    /// Which state directory of which host it is of, as a hash of both names: two that are alive are
    /// told from one whose state was lost. Empty where that is not known.
    public var origin = ""
    /// Objects that were stored since the one before.
    public var objects: [StoredObject]
    /// Ranges that somebody took out of the ledger: earlier manifests of the chain claim them no more.
    public var removed: [RemovedRange]

    /// Puts a manifest together.
    public init(
        sink: String, number: Int64, previous: String?, time: Int64, tool: String,
        objects: [StoredObject], removed: [RemovedRange] = []
    ) {
        self.sink = sink
        self.number = number
        self.previous = previous
        self.time = time
        self.tool = tool
        self.objects = objects
        self.removed = removed
    }

    /// Its key below the destination.
    public var key: String { ManifestKey(sink: sink, number: number).text }
}

/// A stored object, and what its records are.
public struct StoredObject: Sendable, Equatable {
    /// Below the destination.
    public let key: String
    /// Its length.
    public let bytes: Int64
    /// SHA-256 of its bytes, in hexadecimal.
    public let sha256: String
    /// How many records it has.
    public let records: Int64
    /// Whose records.
    public let sequence: SequenceID
    /// Ids of a contiguous sequence, ascending.
    public var ids: [ClosedRange<Int64>] = []
    /// Of an increasing sequence: first and last record, and the one that was read before.
    public var run: Run?
    /// Earliest event time, µs since the epoch.
    public var firstTime: Int64 = 0
    /// Latest event time, µs since the epoch.
    public var lastTime: Int64 = 0
    /// What gap records in it say.
    public var gaps: [ObservedGap] = []
    /// Those of its ids that were fetched to fill a hole.
    public var repaired: [ClosedRange<Int64>] = []
    /// Objects whose records are in this one, and that may be gone: it was made of them.
    public var replaces: [String] = []

    /// Names an object; the claims are set one by one.
    public init(
        key: String, bytes: Int64, sha256: String, records: Int64, sequence: SequenceID
    ) {
        self.key = key
        self.bytes = bytes
        self.sha256 = sha256
        self.records = records
        self.sequence = sequence
    }
}

/// Ids that gap records name, for one reason.
public struct ObservedGap: Sendable, Equatable {
    /// The word of records that came, and that a sink put aside.
    public static let quarantined = "quarantined"

    /// Whose ids are missing.
    public let sequence: SequenceID
    /// Why: the word of the records.
    public let reason: String
    /// Who noticed: the word of the records.
    public let source: String
    /// True for ids that will not come: nothing can fetch them, or they never were.
    public let isDeclared: Bool
    /// The ids, ascending.
    public var ids: [ClosedRange<Int64>]
    /// When the first and the last of the records were made, ns since the epoch.
    public var seen: ClosedRange<Int64>
    /// What the venue answered when it was asked, or where records are that were put aside; else empty.
    public var evidence: String

    /// Puts a gap together.
    public init(
        sequence: SequenceID, reason: String, source: String, isDeclared: Bool,
        ids: [ClosedRange<Int64>], seen: ClosedRange<Int64>, evidence: String = ""
    ) {
        self.sequence = sequence
        self.reason = reason
        self.source = source
        self.isDeclared = isDeclared
        self.ids = ids
        self.seen = seen
        self.evidence = evidence
    }
}

/// Ids that are claimed no more.
public struct RemovedRange: Sendable, Equatable {
    /// Whose.
    public let sequence: SequenceID
    /// The ids.
    public let ids: ClosedRange<Int64>
    /// When they were taken out of the ledger, ns since the epoch.
    public let time: Int64

    /// Puts a range together.
    public init(sequence: SequenceID, ids: ClosedRange<Int64>, time: Int64) {
        self.sequence = sequence
        self.ids = ids
        self.time = time
    }
}

/// Where a manifest is: `_manifests/SINK/000000000001.json`.
public struct ManifestKey: Sendable, Hashable {
    /// How the keys of all manifests begin.
    public static let start = "_manifests/"
    private static let suffix = ".json"
    /// The chain that everybody continues who merges objects: state directories are never given
    /// this name, and whoever comes second finds its number taken.
    public static let mergingChain = String(repeating: "0", count: 16)
    /// A number that no chain reaches: a thousand manifests a second for thirty thousand years.
    private static let most: Int64 = 1_000_000_000_000_000

    /// See ``Manifest/sink``.
    public let sink: String
    /// See ``Manifest/number``.
    public let number: Int64

    /// Names a manifest.
    public init(sink: String, number: Int64) {
        self.sink = sink
        self.number = number
    }

    /// Reads a key; nil when it is not one of a manifest.
    public init?(parsing key: String) {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, "\(parts[0])/" == Self.start, Self.isSink(String(parts[1])),
            parts[2].hasSuffix(Self.suffix)
        else { return nil }
        let digits = parts[2].dropLast(Self.suffix.count)
        guard let number = Int64(digits), (1...Self.most).contains(number),
            Self.padded(number) == digits
        else { return nil }
        self.init(sink: String(parts[1]), number: number)
    }

    /// True for the name of a chain.
    public static func isSink(_ text: String) -> Bool {
        text.utf8.count == 16
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// The key below the destination.
    public var text: String { "\(Self.start)\(sink)/\(Self.padded(number))\(Self.suffix)" }

    private static func padded(_ number: Int64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    }
}
