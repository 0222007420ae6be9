import Identity
import Ledger
import Posix
import Records
import Spool
import Stage

/// Which of the objects of a sparse sequence took its last record.
final class SequenceTurn {
    var holder: ObjectIdentifier?
}

/// An object that is being built: its open block, and what is known of the records so far. The
/// blocks before are in a file of the staging directory, or on their way there.
final class Part {
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
    private var ids = IDSet()
    /// Of a sparse sequence, where ids only grow and what lies between two of them never comes: the
    /// stretches that went into this object with no record of the sequence into another between.
    private var stretches: [ClosedRange<Int64>] = []
    /// The ids of its records.
    private var observed: [Int64] = []
    /// nil for a sequence that is not sparse.
    private let turn: SequenceTurn?
    /// Klines that were not over: their ids will come again, so no ledger counts them.
    private var unfinished = 0
    private var declared: [SequenceID: IDSet] = [:]
    private let place: ObjectPlace
    private let form: ObjectForm
    private var block: Block?

    init(
        _ place: ObjectPlace, form: ObjectForm, spoolStart: Spool.Position, turn: SequenceTurn?,
        now: Int64
    ) {
        self.place = place
        self.form = form
        self.spoolStart = spoolStart
        self.turn = turn
        openedAt = now
        lastRecordAt = now
    }

    var partition: Partition { place.partition }

    /// Adds a record.
    ///
    /// - Throws: `FrameError` for a message that breaks its template; nothing was added then.
    func append(
        _ frame: borrowing FrameView, _ writer: ObjectWriter, now: Int64
    ) throws(FrameError) {
        let block = self.block ?? writer.takeBlock()
        self.block = block
        try form.append(frame, to: block)
        if block.bytes.count >= Block.length {
            writer.write(block, of: place)
            self.block = nil
        }
        if records == 0 { firstIngest = frame.ingestTime }
        records += 1
        bytes += Int64(frame.bytes.byteCount)
        lastRecordAt = now
        if let turn {
            extend(turn, frame.occupiedIDs)
            observed.append(frame.firstID)
        } else if frame.isUnfinished {
            unfinished += 1
        } else {
            ids.insert(frame.occupiedIDs)
        }
        if let missing = frame.missingSequence, let gap = frame.declaredGap {
            declared[missing, default: IDSet()].insert(gap)
        }
    }

    private func extend(_ turn: SequenceTurn, _ range: ClosedRange<Int64>) {
        if turn.holder == ObjectIdentifier(self), let last = stretches.last {
            let first = min(last.lowerBound, range.lowerBound)
            stretches[stretches.count - 1] = first...max(last.upperBound, range.upperBound)
        } else {
            stretches.append(range)
            turn.holder = ObjectIdentifier(self)
        }
    }

    /// Has the file finished and delivered; what it is is written down beside it first, so that a
    /// restart can go on from there.
    ///
    /// - Returns: the object, whose key and length the writer completes; nil when no record got
    ///   into it.
    func seal(_ writer: ObjectWriter) -> SealedObject? {
        if let block { writer.write(block, of: place) }
        block = nil
        guard records > 0 else { return nil }
        let sequence = partition.sequence
        let first = ids.first ?? stretches.map(\.lowerBound).min() ?? place.firstID
        var last = ids.last ?? stretches.map(\.upperBound).max() ?? place.firstID
        var name = ""
        if sequence.kind == .kline, let interval = KlineInterval(code: sequence.series) {
            // The name has the open times; the ledger has the whole intervals.
            last = interval.bucket(of: last).lowerBound
            name = interval.rawValue + "-"
        }
        name += "\(Self.padded(first))-\(Self.padded(last))"
        var held: [ClosedRange<Int64>] = []
        var isNamedByContent = false
        switch sequence.numbering {
        case .arrival, .none:
            // These have no ids that a ledger could refuse: the content tells two objects apart.
            isNamedByContent = true
        case .increasing:
            held = stretches
        case .contiguous:
            held = ids.ranges
            isNamedByContent = unfinished > 0
        }
        var object = SealedObject(
            key: "\(partition.path)/\(name)", contentType: form.contentType,
            stagedPath: place.stagedPath, records: records, spoolStart: spoolStart,
            sequence: sequence, held: held,
            declared: declared.map { (key: $0.key, ranges: $0.value.ranges) })
        object.firstIngest = firstIngest
        object.observed = observed
        writer.seal(object, isNamedByContent: isNamedByContent)
        return object
    }

    /// Ten digits at least, so that names of one kind sort by id.
    private static func padded(_ id: Int64) -> String {
        let digits = String(id)
        return String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    }
}
