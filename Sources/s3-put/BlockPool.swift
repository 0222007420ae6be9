import Avro
import Posix
import Synchronization

/// Records of one object in its form, not compressed yet.
///
/// It belongs to one thread at a time, the one that took it from the pool or from the writer's
/// queue; that is why it may be handed over.
final class Block: @unchecked Sendable {
    /// Bytes after which a block is handed to the writer.
    static let length = AvroContainer.blockLength
    /// Room for the records that cross that line.
    fileprivate static let capacity = length + (16 << 10)

    var bytes = Bytes(capacity: capacity)
    var records: Int64 = 0
}

/// The blocks that nobody uses now, so that each is allocated once.
///
/// One block has 272 KiB. One that grew for large records (a book of 5000 levels) is kept up to
/// 1 MiB and let go beyond.
final class BlockPool: Sendable {
    private static let largestKept = 1 << 20

    private let free = Mutex<[Block]>([])

    /// An empty block.
    func take() -> Block { free.withLock { $0.popLast() } ?? Block() }

    /// Takes a block back.
    func give(_ block: Block) {
        guard block.bytes.capacity <= Self.largestKept else { return }
        block.bytes.removeAll()
        block.records = 0
        free.withLock { $0.append(block) }
    }
}
