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

/// The blocks of a run: a fixed number of them, so that they bound both the memory and how far
/// the reading may be ahead of the writing.
///
/// One block has 272 KiB. One that grew for large records (a book of 5000 levels) is kept up to
/// 1 MiB and replaced beyond.
final class BlockPool: Sendable {
    private static let largestKept = 1 << 20

    private struct Shared {
        var free: [Block] = []
        var made = 0
    }

    private let limit: Int
    private let shared = Mutex(Shared())
    /// One for each free block.
    private let signal: ThreadSignal

    /// - Parameter limit: most blocks that there are at once.
    init(limit: Int) throws {
        self.limit = limit
        signal = try ThreadSignal()
    }

    /// An empty block; waits while all of them are in use.
    func take() -> Block {
        let mayMake = shared.withLock { shared in
            guard shared.free.isEmpty, shared.made < limit else { return false }
            shared.made += 1
            return true
        }
        if mayMake { return Block() }
        signal.take()
        // Only the main thread takes, so what the signal counted is there.
        return shared.withLock { $0.free.removeLast() }
    }

    /// Takes a block back.
    func give(_ block: Block) {
        var block = block
        if block.bytes.capacity > Self.largestKept {
            block = Block()
        } else {
            block.bytes.removeAll()
            block.records = 0
        }
        shared.withLock { [block] in $0.free.append(block) }
        signal.raise()
    }
}
