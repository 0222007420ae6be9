/// The bytes of a stats file; little-endian, 64 KiB, all offsets in bytes. docs/stats.md.
///
/// ```
///     0  magic "BISTATS1"
///     8  uint32 layout version          12  uint32 metrics in the table
///    16  uint64 pid                     24  uint64 start of the process, clock ticks since boot
///    32  int64  start, ns since epoch   40  uint32 state, 0 running 1 ended   44  int32 exit code
///    48  stage, 32 bytes NUL padded     80  instance, 64 bytes NUL padded
///   256  table of metrics, 256 bytes each: uint32 kind, uint32 offset of its first slot,
///        uint32 slots, uint32 zero, name 64, labels 64, help 112, all NUL padded
/// 40960  slots of 8 bytes
/// ```
enum StatsLayout {
    static let magic: UInt64 = 0x3153_5441_5453_4942  // "BISTATS1"
    static let version: UInt32 = 1
    static let fileLength = 64 << 10
    static let tableOffset = 256
    static let entryLength = 256
    static let slotsOffset = 40_960
    static let maximumMetrics = (slotsOffset - tableOffset) / entryLength
    static let maximumSlots = (fileLength - slotsOffset) / 8

    enum Header {
        static let version = 8
        static let metrics = 12
        static let pid = 16
        static let processStart = 24
        static let startTime = 32
        static let state = 40
        static let exitCode = 44
        static let stage = 48
        static let instance = 80
    }
    static let stageLength = 32
    static let instanceLength = 64

    enum Entry {
        static let kind = 0
        static let offset = 4
        static let slots = 8
        static let name = 16
        static let labels = 80
        static let help = 144
    }
    static let nameLength = 64
    static let labelsLength = 64
    static let helpLength = 112

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

/// The buckets of every histogram, for values in ns: two to each power of two from 2^10 (1 µs) to
/// 2^36 (69 s), one below and one above.
public enum HistogramBuckets {
    /// How many there are.
    public static let count = 2 * 26 + 2

    /// The bucket of a value.
    public static func index(of value: UInt64) -> Int {
        guard value >= 1 << 10 else { return 0 }
        let power = 63 - value.leadingZeroBitCount
        guard power < 36 else { return count - 1 }
        let isUpper = value >> (power - 1) & 1
        return 1 + 2 * (power - 10) + Int(isUpper)
    }

    /// The first value above a bucket; nil for the last bucket, which has no end.
    public static func end(of index: Int) -> UInt64? {
        guard index < count - 1 else { return nil }
        guard index > 0 else { return 1 << 10 }
        let power = 10 + UInt64(index - 1) / 2
        return index % 2 == 1 ? 3 << (power - 1) : 1 << (power + 1)
    }
}
