import Avro
import Bronze
import Glibc
import Identity
import Journal
import Posix
import Records
import Stage
import Synchronization

/// Where an object grows, and what its header says.
struct ObjectPlace: Sendable {
    let stagedPath: String
    let partition: Partition
    let firstID: Int64
    /// The partition's period; the complement of what it would be for times that cannot be right.
    let bucket: Int64
}

/// Compresses blocks and writes and syncs staged files, on a thread of its own: work that would
/// stall the reading.
///
/// Its queue is bounded: whoever is ``blocksAhead`` blocks ahead waits for the disk. So there are
/// never more blocks than open objects, these, and the one at work. Where the disk has no room an
/// object goes on in memory, and the main loop is told, which then finishes what is open: so a full
/// disk is freed by delivering. After another error it writes nothing more and only gives blocks
/// back, so that nobody waits for ever; what it did not write is in the spool.
final class ObjectWriter: Sendable {
    /// Most blocks that wait here.
    static let blocksAhead = 8

    private enum Job: Sendable {
        case write(Block, ObjectPlace)
        case seal(StagedObject, isNamedByContent: Bool)
    }

    private let form: ObjectForm
    private let pool = BlockPool()
    private let jobs: WorkQueue<Job>
    /// Blocks that wait.
    private let waiting = Mutex(0)
    /// Raised when one of them was taken.
    private let room: ThreadFlag
    private let thread = Mutex<BackgroundThread?>(nil)
    private let uploader: Uploader
    private let completions: Completions

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - uploader: gets each object that is finished.
    ///   - completions: gets the error that ends the writing.
    init(
        _ form: ObjectForm, to uploader: Uploader, _ completions: Completions
    ) throws {
        self.form = form
        self.uploader = uploader
        self.completions = completions
        jobs = try WorkQueue()
        room = try ThreadFlag()
        let thread = try BackgroundThread("writer") { [self] in run() }
        self.thread.withLock { $0 = thread }
    }

    /// Ends the thread after the block at hand, and waits for it; what it did not write is in the
    /// spool.
    ///
    /// - Parameter seconds: how long at the most.
    func end(seconds: Double) {
        jobs.removeAll()
        jobs.close()
        thread.withLock { thread in
            thread?.join(seconds: seconds)
            thread = nil
        }
    }

    /// An empty block.
    func takeBlock() -> Block { pool.take() }

    /// Adds a block to the file of an object, which is created with its first; waits while the
    /// queue is full. A block without records just goes back.
    func write(_ block: Block, of place: ObjectPlace) {
        if block.records == 0 { return pool.give(block) }
        while waiting.withLock({ $0 >= Self.blocksAhead }) { room.wait() }
        waiting.withLock { $0 += 1 }
        jobs.add(.write(block, place))
    }

    /// Finishes an object and hands it to the uploader: file synced, then the manifest, then the
    /// delivery.
    ///
    /// - Parameters:
    ///   - object: with the key up to where the checksum or the suffix begins.
    ///   - isNamedByContent: adds the checksum of the file to the key.
    func seal(_ object: StagedObject, isNamedByContent: Bool) {
        jobs.add(.seal(object, isNamedByContent: isNamedByContent))
    }

    // MARK: - The thread

    private func run() {
        var bench: WritingBench?
        var hasFailed = false
        while let job = jobs.next() {
            if case .write = job {
                waiting.withLock { $0 -= 1 }
                room.raise()
            }
            do {
                if !hasFailed {
                    if bench == nil { bench = try WritingBench(form) }
                    switch job {
                    case .write(let block, let place):
                        if try bench?.write(block, of: place) == false {
                            completions.post(.roomIsShort)
                        }
                    case .seal(let object, let isNamedByContent):
                        if let object = try bench?.seal(object, isNamedByContent) {
                            uploader.deliver(object)
                        }
                    }
                }
            } catch {
                hasFailed = true
                completions.post(error)
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

    /// - Returns: false when the disk had no room and the object is in memory from now on.
    mutating func write(_ block: Block, of place: ObjectPlace) throws -> Bool {
        output.removeAll()
        let file: StagedFile
        if let open = files[place.stagedPath] {
            file = open
        } else {
            file = try StagedFile(place, form, to: &output)
            files[place.stagedPath] = file
        }
        let wasInMemory = file.memory != nil
        try append(block, of: file)
        try file.append(output.span)
        return file.memory == nil || wasInMemory
    }

    private mutating func append(_ block: Block, of file: StagedFile) throws {
        try file.encoder.append(
            block.bytes, records: block.records, compressor, scratch: &scratch, to: &output)
    }

    mutating func seal(
        _ object: StagedObject, _ isNamedByContent: Bool
    ) throws -> StagedObject? {
        guard let file = files.removeValue(forKey: object.stagedPath) else {
            throw StageFailure(.bug, "\(object.stagedPath) was finished without content")
        }
        var object = object
        if isNamedByContent { object.key += "-" + String(file.checksum.value, radix: 16) }
        object.key += form.suffix
        object.bytes = file.length
        do throws(SystemError) {
            try file.sync()
            if file.memory == nil { try Manifest.write(object) }
        } catch {
            // Without a manifest a restart takes its records from the spool, where they are.
            guard error.isNoRoom else { throw error }
            try? Files.remove(object.manifestPath + ".new")
            try file.moveToMemory()
        }
        object.memory = file.memory
        return object
    }
}

/// The file that an object grows in: in the staging directory, or in memory once the disk is full.
private final class StagedFile {
    let encoder: ObjectEncoder
    private(set) var length: Int64 = 0
    /// CRC-32C of its bytes.
    private(set) var checksum = CRC32C()
    private(set) var memory: MemoryFile?
    private let path: String
    private var descriptor: Descriptor?

    /// - Parameter output: gets the header.
    init(_ place: ObjectPlace, _ form: ObjectForm, to output: inout Bytes) throws {
        path = place.stagedPath
        encoder = ObjectEncoder(form, place.partition, firstID: place.firstID, to: &output)
        do throws(SystemError) {
            descriptor = try Descriptor.open(path, O_RDWR | O_CREAT | O_TRUNC)
        } catch {
            guard error.isNoRoom else { throw error }
            memory = try MemoryFile()
        }
    }

    func append(_ bytes: RawSpan) throws(SystemError) {
        if memory == nil {
            do throws(SystemError) { try write(bytes) } catch {
                guard error.isNoRoom else { throw error }
                try moveToMemory()
            }
        }
        if let memory { try memory.append(bytes) }
        length += Int64(bytes.byteCount)
        checksum.update(bytes)
    }

    private func write(_ bytes: RawSpan) throws(SystemError) {
        switch descriptor {
        case .some(let file): try file.writeAll(bytes)
        case nil: break
        }
    }

    func sync() throws(SystemError) {
        switch descriptor {
        case .some(let file) where memory == nil: try file.sync()
        default: break
        }
    }

    /// Copies what was written whole, and removes the file: that frees its part of the disk.
    func moveToMemory() throws(SystemError) {
        guard memory == nil else { return }
        let memory = try MemoryFile()
        switch descriptor {
        case .some(let file):
            try file.seek(to: 0)
            var buffer = Bytes(capacity: 1 << 20)
            var left = length
            while left > 0, try file.read(appendingTo: &buffer, room: 1 << 20) > 0 {
                if Int64(buffer.count) > left { buffer.truncate(to: Int(left)) }
                try memory.append(buffer.span)
                left -= Int64(buffer.count)
                buffer.removeAll()
            }
        case nil: break
        }
        descriptor = nil
        try Files.remove(path)
        self.memory = memory
    }
}
