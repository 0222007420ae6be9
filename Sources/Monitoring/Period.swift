/// What happened in a stretch of time, for exports that want differences instead of totals.
public struct Period: Sendable {
    /// What a number is of.
    public struct Key: Hashable, Sendable {
        /// Such as `MessagesProcessed`.
        public let name: String
        /// nil for all pipelines together.
        public var pipeline: String?
        /// nil for all stages together.
        public var stage: String?
        /// nil for all symbols together.
        public var symbol: String?

        init(_ name: String, pipeline: String? = nil, stage: String? = nil, symbol: String? = nil) {
            self.name = name
            self.pipeline = pipeline
            self.stage = stage
            self.symbol = symbol
        }
    }

    /// A level as each look found it.
    public struct Looks: Sendable, Equatable {
        /// How many looks.
        public private(set) var count = 0
        /// Of all looks.
        public private(set) var sum = 0.0
        /// The least.
        public private(set) var minimum = Double.infinity
        /// The greatest.
        public private(set) var maximum = -Double.infinity

        mutating func add(_ value: Double) {
            count += 1
            sum += value
            minimum = min(minimum, value)
            maximum = max(maximum, value)
        }
    }

    /// ns since the epoch.
    public internal(set) var start: Int64
    /// How much counters grew.
    public internal(set) var counts: [Key: Int64] = [:]
    /// What goes up and down.
    public internal(set) var levels: [Key: Looks] = [:]
    /// How often each bucket of ``HistogramBuckets`` was counted.
    public internal(set) var durations: [Key: [UInt64]] = [:]
}
