/// The bytes of a stats file; little-endian, 256 KiB long with holes, all offsets in bytes.
/// docs/stats.md has the same table in words.
enum StatsLayout {
    static let magic: UInt64 = 0x3153_5441_5453_4942  // "BISTATS1"
    static let version: UInt32 = 3
    static let fileLength = 256 << 10
    /// Room is taken from the disk in such steps.
    static let reserveStep = 4096
    static let tableOffset = 4096
    static let entryLength = 384
    static let maximumMetrics = 320
    static let slotsOffset = tableOffset + maximumMetrics * entryLength
    static let maximumSlots = (fileLength - slotsOffset) / 8

    enum Header {
        static let version = 8
        static let metrics = 12
        static let pid = 16
        static let processStart = 24
        static let startTime = 32
        static let state = 40
        static let exitCode = 44
        static let heartbeat = 48
        static let stateSince = 56
        static let wait = 64
        static let neighbours = 68
        static let refusedMetrics = 72
        static let slots = 80
        static let updates = 88
        static let errors = 96
        static let flags = 104
        static let stage = 192
        static let instance = 224
        static let pipeline = 288
        static let toolVersion = 352
        static let neighbourTable = 512
        static let errorSlots = 2048
    }
    /// In the flags: the process was given a name, and belongs to the host's health.
    static let memberFlag: UInt32 = 1
    /// In the flags: another process had the name, and this one got a number behind it.
    static let renamedFlag: UInt32 = 2
    static let stageLength = 32
    static let instanceLength = 64
    static let pipelineLength = 64
    static let toolVersionLength = 32

    /// A neighbour: uint32 direction, uint32 kind, uint64 device, uint64 inode.
    static let neighbourLength = 32
    static let maximumNeighbours = 32

    /// One of two places for the last error.
    enum ErrorSlot {
        static let sequence = 0
        static let time = 8
        static let length = 16
        static let checksum = 20
        static let text = 24
    }
    static let errorSlotLength = 512
    static let errorTextLength = errorSlotLength - ErrorSlot.text

    enum Entry {
        static let kind = 0
        static let offset = 4
        static let slots = 8
        static let name = 16
        static let labels = 80
        static let help = 208
    }
    static let nameLength = 64
    static let labelsLength = 128
    static let helpLength = entryLength - Entry.help

    /// Slots of a histogram: sum, then one count for each bucket.
    static let histogramSlots = 1 + HistogramBuckets.count
}

/// What a metric's number means.
public enum MetricKind: UInt32, Sendable {
    /// Only grows.
    case counter = 0
    /// Goes up and down.
    case gauge = 1
    /// Counts by size; see ``HistogramBuckets``.
    case histogram = 2
}

/// Where a stage is in its life.
public enum StageState: UInt32, Sendable, CaseIterable {
    /// It reads its settings and what an earlier run left.
    case starting = 0
    /// It waits for a service or a venue.
    case connecting = 1
    /// It does its work.
    case running = 2
    /// It was told to stop, or its input ended, and it finishes what it has.
    case draining = 3
    /// It ended in order.
    case stopped = 4
    /// It ended because it could not go on; the last error says why.
    case failed = 5
}
