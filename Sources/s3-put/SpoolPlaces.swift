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

    /// Runs before the last, seven bits to a byte: twice the distance from the end of the one before;
    /// where the length is not that of the one before, one more, and then the length.
    private var runs: [UInt8] = []
    private var end: Int64 = 0
    private var length: Int64 = 0
    private var last: Run?

    /// Bytes of memory.
    var memory: Int { runs.capacity }

    /// The same in as little memory as they take, for an object that gets no more records.
    var trimmed: SpoolPlaces {
        var trimmed = self
        // Array(runs[...]) is the same storage.
        trimmed.runs = []
        trimmed.runs.reserveCapacity(runs.count)
        trimmed.runs += runs
        return trimmed
    }

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
        let distance = UInt64(bitPattern: run.start &- end) << 1
        append(run.length == length ? distance : distance | 1)
        if run.length != length { append(UInt64(run.length)) }
        length = run.length
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
        private var length: Int64 = 0
        private var isLastTaken = false
        /// The current run; nil at the end.
        private(set) var run: Run?

        init(_ places: SpoolPlaces) {
            self.places = places
            next()
        }

        mutating func next() {
            if offset < places.runs.count {
                let distance = read()
                if distance & 1 == 1 { length = Int64(bitPattern: read()) }
                let start = end &+ Int64(bitPattern: distance >> 1)
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
