import NIOCore
import SimulatedMarket

/// Sends one connection its streams as fast as it takes them: ids contiguous, market as ever.
struct Flood {
    /// Messages that are still to come.
    private var left: Int
    /// The next aggregate of each symbol.
    private var next: [Int64]
    private var run = MessageRun()
    private let hub: StreamHub

    /// Bytes of one stretch: some system calls' worth, well under a socket buffer.
    private static let stretch = 256 << 10

    init(_ hub: StreamHub) {
        self.hub = hub
        left = hub.options.flood
        next = hub.sources.map { $0.newest + 1 }
    }

    /// True when all was written.
    var isOver: Bool { left == 0 }

    /// Appends the next messages.
    ///
    /// - Returns: how many.
    mutating func fill(
        _ outbox: inout ByteBuffer, _ subscriptions: [StreamName], _ shape: MessageShape
    ) -> Int {
        let streams = subscriptions.compactMap { hub.source($0, isJSON: shape.isJSON) }
        let eventTime = hub.microseconds()
        run.removeAll()
        run.bytes.reserveCapacity(Self.stretch + 4096)
        let before = left
        while !streams.isEmpty, left > 0, run.bytes.readableBytes < Self.stretch {
            for (source, kind) in streams where left > 0 {
                let count = run.marks.count
                source.write(kind, shape, aggregate: next[source.index], eventTime, to: &run)
                left -= run.marks.count - count
            }
            for index in next.indices { next[index] += 1 }
        }
        swap(&outbox, &run.bytes)
        if run.bytes.readableBytes > 0 {
            // Something, such as a ping, was there before: it goes first.
            run.bytes.writeBuffer(&outbox)
            swap(&outbox, &run.bytes)
        }
        for source in hub.sources { source.flooded(through: next[source.index] - 1) }
        return before - left
    }
}
