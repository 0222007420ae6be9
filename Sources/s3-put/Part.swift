import Avro
import Glibc
import Ledger
import Posix
import Records
import Spool
import Stage

/// An object that is being built: a file in the staging directory.
final class Part {
    let partition: Partition
    /// Where the spool has the first of its records.
    let spoolStart: Spool.Position
    /// ns of the monotonic clock.
    let openedAt: Int64
    var lastRecordAt: Int64
    /// Bytes of frames in it.
    private(set) var bytes: Int64 = 0
    private(set) var records: Int64 = 0
    /// When the first of its records was received, ns since the epoch.
    private var firstIngest: Int64 = 0
    private var ids = IntervalSet()
    /// Klines that were not over: their ids will come again, so no ledger counts them.
    private var unfinished = 0
    private var declared: [SequenceKey: IntervalSet] = [:]
    private var content: StagedFile
    private let stagedPath: String
    private let form: ObjectForm
    private let firstID: Int64

    init(
        _ partition: Partition, form: ObjectForm, firstID: Int64, stagedPath: String,
        spoolStart: Spool.Position, now: Int64
    ) throws {
        self.partition = partition
        self.form = form
        self.firstID = firstID
        self.stagedPath = stagedPath
        self.spoolStart = spoolStart
        openedAt = now
        lastRecordAt = now
        content = try StagedFile(stagedPath, form, partition, firstID: firstID)
    }

    /// Adds a record.
    func append(
        _ frame: borrowing FrameView, _ compressor: borrowing StreamCompressor, now: Int64
    ) throws {
        try content.append(frame, compressor)
        if records == 0 { firstIngest = frame.ingestTime }
        records += 1
        bytes += Int64(frame.bytes.byteCount)
        lastRecordAt = now
        if frame.isUnfinished { unfinished += 1 } else { ids.insert(frame.occupiedIDs) }
        if let missing = frame.missingSequence, let gap = frame.declaredGap {
            declared[SequenceKey(missing), default: IntervalSet()].insert(gap)
        }
    }

    /// Finishes the file and writes down what it is, so that a restart can go on from here.
    func seal(_ compressor: borrowing StreamCompressor) throws -> SealedObject {
        try content.finish(compressor)
        let sequence = partition.sequence
        let first = ids.first ?? firstID
        var last = ids.last ?? firstID
        var name = ""
        var held: [ClosedRange<Int64>] = []
        if let kind = Kind(rawValue: sequence.template), kind == .kline {
            // The name has the open times; the ledger has the whole intervals.
            if let interval = KlineInterval(code: sequence.series) {
                last = interval.bucket(of: last).lowerBound
                name = interval.rawValue + "-"
            }
        }
        switch Kind(rawValue: sequence.template) {
        case .gap, .raw, nil:
            // These have no ids that a ledger could refuse: the content tells two objects apart.
            name += "\(Self.padded(first))-\(Self.padded(last))-\(try contentName())"
        case .bestBidAsk, .depthSnapshot:
            // Ids only grow here, and what lies between two of them never comes.
            held = [first...last]
            name += "\(Self.padded(first))-\(Self.padded(last))"
        default:
            held = ids.ranges
            name += "\(Self.padded(first))-\(Self.padded(last))"
            if unfinished > 0 { name += "-\(try contentName())" }
        }
        var object = SealedObject(
            key: "\(partition.path)/\(name)\(form.suffix)", contentType: form.contentType,
            stagedPath: stagedPath, records: records, spoolStart: spoolStart,
            sequence: SequenceKey(sequence), held: held,
            declared: declared.map { (key: $0.key, ranges: $0.value.ranges) })
        object.bytes = try Files.status(stagedPath).map { Int64($0.st_size) } ?? 0
        object.firstIngest = firstIngest
        try object.writeManifest()
        return object
    }

    /// The CRC-32C of the staged file, in hex.
    private func contentName() throws -> String {
        let bytes = try Files.read(stagedPath, limit: .max)
        return String(CRC32C.of(bytes.span.bytes), radix: 16)
    }

    /// Ten digits at least, so that names of one kind sort by id.
    private static func padded(_ id: Int64) -> String {
        let digits = String(id)
        return String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    }
}

/// The file that an object grows in.
private struct StagedFile: ~Copyable {
    private var encoder: ObjectEncoder
    private var output = Bytes(capacity: 4096)
    private let file: Descriptor

    init(_ path: String, _ form: ObjectForm, _ partition: Partition, firstID: Int64) throws {
        file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
        encoder = ObjectEncoder(form, partition, firstID: firstID, to: &output)
    }

    mutating func append(
        _ frame: borrowing FrameView, _ compressor: borrowing StreamCompressor
    ) throws {
        if try encoder.append(frame) { try closeBlock(compressor) }
    }

    mutating func finish(_ compressor: borrowing StreamCompressor) throws {
        try closeBlock(compressor)
        try file.sync()
    }

    private mutating func closeBlock(_ compressor: borrowing StreamCompressor) throws {
        try encoder.closeBlock(compressor, to: &output)
        try file.writeAll(output.span)
        output.removeAll()
    }
}
