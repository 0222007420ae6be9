import Identity
import Records

/// Records that leave their queue one after the other, confirmed, with ids that follow each other:
/// noted as one, because each by itself would look for the same chain again.
struct LeavingRun {
    /// As records have it.
    let sequence: SequenceID
    let subKey: Int64
    /// Of the sequence, and of the read that brought the records.
    let epoch: UInt16
    let batch: UInt32
    let firstOffset: Int
    private(set) var lastOffset: Int
    private let firstID: Int64
    private var lastID: Int64
    /// µs.
    private(set) var newestTime: Int64
    private(set) var bytes: Int64
    private(set) var count = 1

    /// Begins with a record; nil for a kind that takes more than one id, or for one that was put aside.
    init?(
        _ frame: borrowing FrameView, _ passage: PartitionKeyQueue.Passage, subKey: Int64
    ) {
        guard passage.isDelivered, Self.takesOneID(frame.template), frame.firstID == frame.lastID
        else { return nil }
        sequence = frame.sequence
        self.subKey = subKey
        epoch = passage.epoch
        batch = passage.batch
        firstOffset = Int(passage.offset)
        lastOffset = firstOffset
        firstID = frame.firstID
        lastID = firstID
        newestTime = frame.eventTime
        bytes = Int64(frame.bytes.byteCount)
    }

    /// Of its records.
    var ids: ClosedRange<Int64> { firstID...lastID }

    /// Takes the next record; false for any other.
    mutating func takes(
        _ frame: borrowing FrameView, _ passage: PartitionKeyQueue.Passage, subKey: Int64
    ) -> Bool {
        guard passage.isDelivered, passage.batch == batch, passage.epoch == epoch,
            passage.offset > lastOffset, subKey == self.subKey, frame.belongs(to: sequence),
            lastID < .max, frame.firstID == lastID + 1, frame.lastID == frame.firstID
        else { return false }
        lastOffset = Int(passage.offset)
        lastID = frame.firstID
        newestTime = max(newestTime, frame.eventTime)
        bytes += Int64(frame.bytes.byteCount)
        count += 1
        return true
    }

    private static func takesOneID(_ template: UInt16) -> Bool {
        template == RecordKind.trade.rawValue || template == RecordKind.aggTrade.rawValue
    }
}
