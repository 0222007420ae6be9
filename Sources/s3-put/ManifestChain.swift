import Bronze
import Encoding
import Identity
import Ledger
import ObjectWriting
import Posix
import Stage

/// The chain of manifests that a state directory continues at its destination (docs/verify.md).
///
/// A manifest is written down here before it is stored there, and is stored on condition: after a
/// crash the same bytes are stored again, and two copies of a state directory, which would write
/// different bytes under one number, show as what they are.
struct ManifestChain {
    /// Objects in one manifest.
    private static let mostObjects = 4096
    private static let limit = 256 << 20

    /// The manifest that is on its way.
    var pending: StagedObject? { next?.object }
    /// True once the pending one is stored, until ``advance()``.
    private(set) var isStored = false

    private var head: Head
    private var next: (object: StagedObject, head: Head)?
    private let origin: String
    private let headPath: String
    private let pendingPath: String

    /// Continues the chain of a state, or begins one.
    init(state: String) throws {
        origin = OtherSinks.origin(ofState: state)
        headPath = state + "/chain"
        pendingPath = state + "/manifest"
        if Files.exists(headPath) {
            head = try Head(reading: headPath)
        } else {
            head = Head(sink: Self.newName(), time: Clock.realtimeNanoseconds())
            try Files.replace(headPath, with: Array(head.text.utf8))
        }
        guard Files.exists(pendingPath) else { return }
        let bytes = try Files.read(pendingPath, limit: Self.limit)
        let manifest: Manifest
        do throws(ManifestError) { manifest = try Manifest(reading: bytes) } catch {
            throw StageFailure(.inputOutput, "\(pendingPath) is damaged: \(error)")
        }
        // One that is stored, and whose file was not removed any more, is done.
        guard manifest.number > head.number else {
            try Files.remove(pendingPath)
            return
        }
        next = (staged(manifest), Head(after: manifest, bytes))
    }

    /// The name of the chain that a state continues.
    static func name(ofState state: String) throws -> String {
        try Head(reading: state + "/chain").sink
    }

    private static func newName() -> String { Hex.text(UInt64.random(in: 1 ... .max), width: 16) }

    /// True for an object that the last manifest lists, or that no manifest can: 0.1 staged it.
    func isListed(_ object: StagedObject) -> Bool {
        head.listed.contains(object.key) || object.sha256 == nil || object.booking.times == nil
    }

    /// What was taken out of a ledger since the last manifest.
    func removals(from ledger: borrowing Ledger) -> [RemovedRange] {
        var removed: [RemovedRange] = []
        for sequence in ledger.sequences {
            for removal in ledger.coverage(of: sequence)?.removed ?? []
            where removal.time > head.time {
                removed.append(
                    RemovedRange(sequence: sequence, ids: removal.ids, time: removal.time))
            }
        }
        return removed
    }

    /// Writes down the next manifest.
    ///
    /// - Parameters:
    ///   - objects: some that are not listed yet; as many as go into one are taken.
    ///   - removed: as ``removals(from:)`` has them.
    mutating func compose(
        _ objects: [StagedObject], _ removed: [RemovedRange]
    ) throws(SystemError) {
        precondition(next == nil)
        var manifest = Manifest(
            sink: head.sink, number: head.number + 1, previous: head.hash,
            time: Clock.realtimeNanoseconds(), tool: "s3-put \(Version.text)",
            objects: Array(objects.lazy.compactMap(\.stored).prefix(Self.mostObjects)),
            removed: removed)
        manifest.origin = origin
        let bytes = manifest.bytes
        try Files.replace(pendingPath, with: bytes)
        next = (staged(manifest), Head(after: manifest, bytes))
    }

    /// Notes that the pending one is stored.
    mutating func noteStored() { isStored = next != nil }

    /// Goes on to the next one.
    mutating func advance() throws(SystemError) {
        guard let next else { return }
        try Files.replace(headPath, with: Array(next.head.text.utf8))
        head = next.head
        self.next = nil
        isStored = false
        try Files.remove(pendingPath)
    }

    /// How the run ends when something else is at the pending one's key.
    func fenced(_ destination: Destination, state: String) -> StageFailure {
        StageFailure(
            .configuration,
            "another process continues the chain of manifests that \(state) began: "
                + "\(destination.description)/\(pending?.key ?? "") has other content. Two copies of "
                + "one state directory must not run. Stop the other one and remove this copy, or "
                + "turn it into a separate state directory: ledgerctl rebuild \(destination.description) "
                + "--state-dir NEW. Stored objects are not changed")
    }

    private func staged(_ manifest: Manifest) -> StagedObject {
        StagedObject(
            key: manifest.key, contentType: "application/json", stagedPath: pendingPath,
            booking: Booking(
                sequence: SequenceID(template: 0, symbol: SymbolName(words: (0, 0, 0, 0)))))
    }
}

/// The end of a chain as the state remembers it: one `name value` to a line, `end` last.
private struct Head {
    private static let limit = 64 << 20

    var sink = ""
    /// Of the last manifest that is stored.
    var number: Int64 = -1
    /// SHA-256 of its bytes.
    var hash: String?
    /// When it was written, ns since the epoch.
    var time: Int64 = 0
    /// Keys of the objects in it: of these the staging directory may still have notes.
    var listed: Set<String> = []

    /// Of a chain without manifests.
    init(sink: String, time: Int64) {
        self.sink = sink
        number = 0
        self.time = time
    }

    init(after manifest: Manifest, _ bytes: [UInt8]) {
        sink = manifest.sink
        number = manifest.number
        hash = Manifest.hash(of: bytes)
        time = manifest.time
        listed = Set(manifest.objects.map(\.key))
    }

    init(reading path: String) throws {
        let text = String(decoding: try Files.read(path, limit: Self.limit), as: UTF8.self)
        var isWhole = false
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            switch (words[0], words.count) {
            case ("sink", 2): sink = words[1]
            case ("number", 2): number = Int64(words[1]) ?? -1
            case ("hash", 2): hash = words[1]
            case ("time", 2): time = Int64(words[1]) ?? 0
            case ("listed", 2): listed.insert(words[1])
            case ("end", 1): isWhole = true
            default: break
            }
        }
        guard isWhole, ManifestKey.isSink(sink), number >= 0, (hash == nil) == (number == 0) else {
            throw StageFailure(
                .inputOutput,
                "\(path) is damaged: which manifest comes next is not known. Remove it to begin a "
                    + "new chain; what was stored stays proven by the old one")
        }
    }

    var text: String {
        var text = "sink \(sink)\nnumber \(number)\n"
        if let hash { text += "hash \(hash)\n" }
        text += "time \(time)\n"
        for key in listed.sorted() { text += "listed \(key)\n" }
        return text + "end\n"
    }
}
