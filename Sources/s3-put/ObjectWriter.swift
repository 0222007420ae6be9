import Avro
import Glibc
import Identity
import Posix
import Records
import Stage
import Synchronization

/// Where an object grows, and what its header says.
struct ObjectPlace: Sendable {
    let stagedPath: String
    let partition: Partition
    let firstID: Int64

    /// Gaps and foreign messages have no ids that tell two objects apart, and klines may come
    /// before they are over.
    var mayBeNamedByContent: Bool {
        switch partition.sequence.numbering {
        case .arrival, .none: true
        case .contiguous, .increasing: partition.sequence.kind == .kline
        }
    }
}

/// Compresses blocks and writes and syncs staged files, on a thread of its own: work that would
/// stall the reading.
///
/// Its queue is bounded: whoever is ``blocksAhead`` blocks ahead waits for the disk. So there are
/// never more blocks than open objects, these, and the one at work. After an error it writes
/// nothing more and only gives blocks back, so that nobody waits for ever; what it did not write is
/// in the spool.
final class ObjectWriter: Sendable {
    /// Most blocks that wait here.
    static let blocksAhead = 8

    private enum Job: Sendable {
        case write(Block, ObjectPlace)
        case seal(SealedObject, isNamedByContent: Bool)
    }

    private let form: ObjectForm
    private let pool = BlockPool()
    private let jobs = Mutex<[Job]>([])
    private let signal: ThreadSignal
    /// One for each block that may still be added.
    private let room: ThreadSignal
    private let committer: Committer
    private let outcomes: Outcomes

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - committer: gets each object that is finished.
    ///   - outcomes: gets the error that ends the writing.
    init(
        _ form: ObjectForm, to committer: Committer, _ outcomes: Outcomes
    ) throws {
        self.form = form
        self.committer = committer
        self.outcomes = outcomes
        signal = try ThreadSignal()
        room = try ThreadSignal()
        for _ in 0..<Self.blocksAhead { room.raise() }
        try BackgroundThread.start("writer") { [self] in run() }
    }

    /// An empty block.
    func takeBlock() -> Block { pool.take() }

    /// Adds a block to the file of an object, which is created with its first; waits while the
    /// queue is full. A block without records just goes back.
    func write(_ block: Block, of place: ObjectPlace) {
        if block.records == 0 { return pool.give(block) }
        room.take()
        add(.write(block, place))
    }

    /// Finishes an object and hands it to the committer: file synced, then the manifest, then the
    /// delivery.
    ///
    /// - Parameters:
    ///   - object: with the key up to where the checksum or the suffix begins.
    ///   - isNamedByContent: adds the checksum of the file to the key.
    func seal(_ object: SealedObject, isNamedByContent: Bool) {
        add(.seal(object, isNamedByContent: isNamedByContent))
    }

    private func add(_ job: Job) {
        jobs.withLock { $0.append(job) }
        signal.raise()
    }

    // MARK: - The thread

    private func run() {
        var bench: WritingBench?
        var hasFailed = false
        while true {
            signal.take()
            let job = jobs.withLock { $0.removeFirst() }
            if case .write = job { room.raise() }
            do {
                if !hasFailed {
                    if bench == nil { bench = try WritingBench(form) }
                    switch job {
                    case .write(let block, let place): try bench?.write(block, of: place)
                    case .seal(let object, let isNamedByContent):
                        if let object = try bench?.seal(object, isNamedByContent) {
                            committer.deliver(object)
                        }
                    }
                }
            } catch {
                hasFailed = true
                outcomes.post(error)
            }
            if case .write(let block, _) = job { pool.give(block) }
        }
    }
}

/// What the writer's thread works with.
private struct WritingBench: ~Copyable {
    private let form: ObjectForm
    private let compressor: StreamCompressor
    private var scratch = Bytes(capacity: 64 << 10)
    private var output = Bytes(capacity: 64 << 10)
    /// By their paths.
    private var files: [String: StagedFile] = [:]

    init(_ form: ObjectForm) throws {
        self.form = form
        compressor = try form.makeCompressor()
    }

    mutating func write(_ block: Block, of place: ObjectPlace) throws {
        output.removeAll()
        let file: StagedFile
        if let open = files[place.stagedPath] {
            file = open
        } else {
            file = try StagedFile(place, form, to: &output)
            files[place.stagedPath] = file
        }
        try append(block, of: file)
        try file.append(output.span)
    }

    private mutating func append(_ block: Block, of file: StagedFile) throws {
        try file.encoder.append(
            block.bytes, records: block.records, compressor, scratch: &scratch, to: &output)
    }

    mutating func seal(
        _ object: SealedObject, _ isNamedByContent: Bool
    ) throws -> SealedObject? {
        guard let file = files.removeValue(forKey: object.stagedPath) else {
            throw StageFailure(.bug, "\(object.stagedPath) was finished without content")
        }
        try file.descriptor.sync()
        var object = object
        if isNamedByContent { object.key += "-" + String(file.checksum.value, radix: 16) }
        object.key += form.suffix
        object.bytes = file.length
        try object.writeManifest()
        return object
    }
}

/// The file that an object grows in.
private final class StagedFile {
    let descriptor: Descriptor
    let encoder: ObjectEncoder
    private(set) var length: Int64 = 0
    /// CRC-32C of its bytes, where the name may need it.
    private(set) var checksum = CRC32C()
    private let hasChecksum: Bool

    /// - Parameter output: gets the header.
    init(_ place: ObjectPlace, _ form: ObjectForm, to output: inout Bytes) throws {
        descriptor = try Descriptor.open(place.stagedPath, O_WRONLY | O_CREAT | O_TRUNC)
        encoder = ObjectEncoder(form, place.partition, firstID: place.firstID, to: &output)
        hasChecksum = place.mayBeNamedByContent
    }

    func append(_ bytes: RawSpan) throws(SystemError) {
        try descriptor.writeAll(bytes)
        length += Int64(bytes.byteCount)
        if hasChecksum { checksum.update(bytes) }
    }
}
