/// Where the spool has the records of an object, in the order in which they came: a few bytes for a
/// record among those of others, none for one that follows the one before.
struct SpoolPlaces: Sendable {
    /// Records beside each other in the spool.
    struct Run: Sendable {
        /// Place of the first, as ``RecordPosition/linear``.
        var start: Int64
        /// Bytes of all.
        var length: Int64
    }

    /// Runs before the last: the distance from the end of the one before, then the length, each
    /// seven bits to a byte.
    private var runs: [UInt8] = []
    private var end: Int64 = 0
    private var last: Run?

    /// Bytes of memory.
    var memory: Int { runs.capacity }

    /// Adds a record, which is behind all that were added before.
    mutating func append(_ start: Int64, length: Int) {
        if let run = last {
            if run.start + run.length == start {
                last = Run(start: run.start, length: run.length + Int64(length))
                return
            }
            write(run)
        }
        last = Run(start: start, length: Int64(length))
    }

    private mutating func write(_ run: Run) {
        append(UInt64(bitPattern: run.start &- end))
        append(UInt64(run.length))
        end = run.start + run.length
    }

    private mutating func append(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            runs.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        runs.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Goes through the runs.
    struct Cursor {
        private let places: SpoolPlaces
        private var offset = 0
        private var end: Int64 = 0
        private var isLastTaken = false
        /// The current run; nil at the end.
        private(set) var run: Run?

        init(_ places: SpoolPlaces) {
            self.places = places
            next()
        }

        mutating func next() {
            if offset < places.runs.count {
                let start = end &+ Int64(bitPattern: read())
                let length = Int64(bitPattern: read())
                run = Run(start: start, length: length)
                end = start + length
            } else {
                run = isLastTaken ? nil : places.last
                isLastTaken = true
            }
        }

        /// Goes behind the first bytes of the run.
        mutating func advance(_ bytes: Int64) {
            guard let own = run else { return }
            if bytes == own.length { return next() }
            run = Run(start: own.start + bytes, length: own.length - bytes)
        }

        private mutating func read() -> UInt64 {
            var (value, shift): (UInt64, UInt64) = (0, 0)
            while true {
                let byte = places.runs[offset]
                offset += 1
                value |= UInt64(byte & 0x7F) << shift
                if byte & 0x80 == 0 { return value }
                shift += 7
            }
        }
    }
}
