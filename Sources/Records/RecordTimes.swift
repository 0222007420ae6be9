import Posix

/// When a record happened and when it came, for figures that look at one record of a batch.
public struct RecordTimes: Sendable, Equatable {
    /// Exchange time, µs since the epoch, UTC.
    public let event: Int64
    /// When the bytes arrived here, ns since the epoch, UTC.
    public let ingest: Int64

    /// Times that were found elsewhere.
    public init(event: Int64, ingest: Int64) {
        self.event = event
        self.ingest = ingest
    }

    /// Of a record.
    public init(_ frame: borrowing FrameView) {
        event = frame.eventTime
        ingest = frame.ingestTime
    }
}

extension FrameView {
    /// True when the event time is more than a day ahead of this host's clock: such a time cannot be
    /// right, and decides nothing. The day is for a clock that is behind.
    public var isAheadOfClock: Bool {
        eventTime / 1000 > Clock.realtimeNanoseconds() / 1_000_000 + 86_400_000
    }
}
