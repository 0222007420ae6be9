import Configuration
import Journal
import ObjectWriting
import Posix
import Records
import Stage

/// Makes objects of sealed records, on a thread of its own: work that would stall the reading.
///
/// The spool is the only copy of records as they came: a batch of sealed objects is read from it in
/// one pass, and one object after another is encoded, so that memory does not depend on how many are
/// built at once. Where the disk has no room an object goes on in memory, and the main loop is told,
/// which then finishes what is open: so a full disk is freed by delivering. After another error it
/// writes nothing more; what it did not write is in the spool.
final class ObjectWriter: Sendable {
    private let form: ObjectForm
    private let batches: WorkQueue<SealedBatch>
    /// Memory of batches that wait or are written.
    private let memory = Locked(0)
    private let thread = Locked<BackgroundThread?>(nil)
    private let uploader: Uploader
    private let memoryNotes: MemoryNotes
    private let completions: Completions

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - uploader: gets each object that is finished.
    ///   - memoryNotes: gets those that the disk has no room for, before.
    ///   - completions: gets the error that ends the writing.
    init(
        _ form: ObjectForm, to uploader: Uploader, _ memoryNotes: MemoryNotes,
        _ completions: Completions
    ) throws {
        self.form = form
        self.uploader = uploader
        self.memoryNotes = memoryNotes
        self.completions = completions
        batches = try WorkQueue()
        let thread = try BackgroundThread("writer") { [self] in run() }
        self.thread.withLock { $0 = thread }
    }

    /// Ends the thread after the current batch, and waits for it; what it did not write is in the
    /// spool.
    ///
    /// - Parameter seconds: how long at the most.
    func end(seconds: Double) {
        batches.removeAll()
        batches.close()
        thread.withLock { thread in
            thread?.join(seconds: seconds)
            thread = nil
        }
    }

    /// Bytes of memory that wait for the thread.
    var waitingMemory: Int { memory.withLock { $0 } }

    /// Has objects made and handed to the uploader: file synced, then the manifest, then the delivery.
    func write(_ batch: SealedBatch) {
        memory.withLock { $0 += batch.memory }
        batches.add(batch)
    }

    // MARK: - The thread

    private func run() {
        var bench: WritingBench?
        var hasFailed = false
        while let batch = batches.next() {
            if !hasFailed {
                do {
                    if bench == nil { bench = try WritingBench(form) }
                    let objects = try bench?.write(batch) ?? []
                    let inMemory = objects.filter(\.isInMemoryNotes)
                    if !inMemory.isEmpty { completions.post(.roomIsShort) }
                    try memoryNotes.add(inMemory)
                    for object in objects { uploader.deliver(object) }
                } catch {
                    hasFailed = true
                    completions.post(error)
                }
            }
            memory.withLock { $0 -= batch.memory }
        }
    }
}

/// What the writer's thread works with.
private struct WritingBench: ~Copyable {
    /// Bytes of an object that are written at once.
    private static let writeLength = 256 << 10
    /// Bytes of records that are read at once of an object that is written by itself.
    private static let pieceLength = 512 << 10

    private let form: ObjectForm
    private var content: ObjectContent
    private var gatherer = RecordGatherer()
    private var records = Bytes(capacity: 64 << 10)
    private var output = Bytes(capacity: 64 << 10)

    init(_ form: ObjectForm) throws {
        self.form = form
        content = try ObjectContent(form)
    }

    /// - Returns: the finished objects.
    mutating func write(_ batch: SealedBatch) throws -> [StagedObject] {
        records.removeAll()
        var finished: [Finished] = []
        if batch.objects.count == 1, let object = batch.objects.first,
            object.isInOrder || batch.bytes > SealedBatch.mostBytes
        {
            // Rows that are not in order are put in order, as far as memory allows.
            let file = try StagedFile(object.place.stagedPath)
            try writeInPieces(object, of: batch, to: file)
            finished.append(try finish(object, file))
        } else {
            let ranges = try gatherer.gather(batch, to: &records)
            for (object, range) in zip(batch.objects, ranges) {
                let file = try StagedFile(object.place.stagedPath)
                try require(records.span(range), of: object)
                try content.begin(
                    object.place.partition, firstID: object.place.firstID, to: &output)
                try append(range, of: object, to: file)
                finished.append(try finish(object, file))
            }
        }
        try Self.settle(&finished)
        return finished.map(\.object)
    }

    /// An object with its file, which is not synced yet.
    private struct Finished {
        var object: StagedObject
        let file: StagedFile
    }

    /// Writes the notes of a batch, and makes them and the files durable with one wait. Where there is
    /// no room all go on in memory: without a note a restart takes their records from the spool.
    private static func settle(_ finished: inout [Finished]) throws {
        let onDisk = finished.indices.filter { finished[$0].file.memory == nil }
        guard let first = onDisk.first.map({ finished[$0].object }) else { return }
        var note: NoteFile?
        do throws(SystemError) {
            note = try NoteFile.write(onDisk.map { finished[$0].object })
            try Files.syncFileSystem(Files.directory(of: first.stagedPath))
            for index in onDisk { finished[index].object.noteFile = note }
        } catch {
            guard error.isNoRoom else { throw error }
            if let note { try Files.remove(note.path) }
            for index in onDisk {
                try finished[index].file.moveToMemory()
                finished[index].object.memory = finished[index].file.memory
            }
        }
    }

    /// What was read is what was taken in.
    private func require(_ records: RawSpan, of object: SealedObject) throws {
        var checksum = CRC32C()
        checksum.update(records)
        guard checksum.value == object.checksum else { throw Self.damage(object) }
    }

    private static func damage(_ object: SealedObject) -> StageFailure {
        StageFailure(
            .inputOutput,
            "records of \(object.object.key) have changed in the spool: the disk or another "
                + "program has changed its files")
    }

    private mutating func writeInPieces(
        _ object: SealedObject, of batch: SealedBatch, to file: StagedFile
    ) throws {
        defer { gatherer.close() }
        var checksum = CRC32C()
        var cursor = SpoolPlaces.Cursor(object.places)
        try content.begin(
            object.place.partition, firstID: object.place.firstID, to: &output)
        while cursor.run != nil {
            records.removeAll()
            let length = object.isInOrder ? Self.pieceLength : Int(SealedBatch.mostBytes / 4)
            try gatherer.gather(&cursor, of: batch, atLeast: length, to: &records)
            checksum.update(records.span)
            try append(0..<records.count, to: file)
        }
        guard checksum.value == object.checksum else { throw Self.damage(object) }
    }

    // MARK: - Encoding

    private mutating func append(
        _ range: Range<Int>, of object: SealedObject, to file: StagedFile
    ) throws {
        guard form.format == .parquet, !object.isInOrder else {
            return try append(range, to: file)
        }
        // Rows rise by id, so that readers can skip.
        var frames: [(id: Int64, range: Range<Int>)] = []
        var offset = range.lowerBound
        while offset < range.upperBound {
            let frame = try FrameView(firstIn: records.span(offset..<range.upperBound))
            let end = offset + frame.bytes.byteCount
            frames.append((frame.firstID, offset..<end))
            offset = end
        }
        frames.sort { ($0.id, $0.range.lowerBound) < ($1.id, $1.range.lowerBound) }
        for frame in frames { try append(frame.range, to: file) }
    }

    private mutating func append(_ range: Range<Int>, to file: StagedFile) throws {
        if form.isFrames { return try Self.pass(records.span(range), to: file) }
        try Self.append(records, range, &content, &output, to: file)
    }

    /// Writes records that go as they are, in pieces that stay in a processor's cache for the checksums.
    private static func pass(_ records: RawSpan, to file: StagedFile) throws {
        var offset = 0
        while offset < records.byteCount {
            let end = min(offset + writeLength, records.byteCount)
            try file.append(records.extracting(offset..<end))
            offset = end
        }
    }

    /// Apart from `self`, whose parts may not be lent and changed at once.
    private static func append(
        _ records: borrowing Bytes, _ range: Range<Int>, _ content: inout ObjectContent,
        _ output: inout Bytes, to file: StagedFile
    ) throws {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let frame = try FrameView(firstIn: records.span(offset..<range.upperBound))
            offset += frame.bytes.byteCount
            try content.append(frame, to: &output)
            if output.count >= writeLength {
                try file.append(output.span)
                output.removeAll()
            }
        }
    }

    private mutating func finish(
        _ sealed: SealedObject, _ file: StagedFile
    ) throws -> Finished {
        var object = sealed.object
        try content.finish(metadata: object.footer, to: &output)
        try file.append(output.span)
        output.removeAll()
        if sealed.isNamedByContent { object.key += "-" + String(file.checksum.value, radix: 16) }
        object.key += form.suffix
        object.bytes = file.length
        object.sha256 = file.sha256
        object.memory = file.memory
        return Finished(object: object, file: file)
    }
}
