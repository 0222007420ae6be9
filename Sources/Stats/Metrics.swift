import Synchronization

/// A word of a stats file. Relaxed atomics: one instruction each, never torn, never kept back in
/// a register.
typealias Slot = UnsafeMutablePointer<Atomic<UInt64>>

/// A number that only grows. Bumping it is one add and one store in mapped memory; a reader sees
/// it at once and never blocks the writer.
public struct Counter: @unchecked Sendable {
    let slot: Slot

    /// Adds to it. One thread only.
    @inline(__always)
    public func add(_ count: Int = 1) {
        let old = slot.pointee.load(ordering: .relaxed)
        slot.pointee.store(old &+ UInt64(truncatingIfNeeded: count), ordering: .relaxed)
    }

    /// Adds to it, from any thread.
    public func addShared(_ count: Int = 1) {
        slot.pointee.wrappingAdd(UInt64(truncatingIfNeeded: count), ordering: .relaxed)
    }

    /// Brings it to a total that is kept elsewhere; a smaller one than it has changes nothing.
    public func advance(to total: Int64) {
        guard total > value else { return }
        slot.pointee.store(UInt64(total), ordering: .relaxed)
    }

    /// Its value now.
    public var value: UInt64 { slot.pointee.load(ordering: .relaxed) }
}

/// A number that goes up and down.
public struct Gauge: @unchecked Sendable {
    let slot: Slot

    /// Sets it. One thread only.
    @inline(__always)
    public func set(_ value: Int64) {
        slot.pointee.store(UInt64(bitPattern: value), ordering: .relaxed)
    }

    /// Its value now.
    public var value: Int64 { Int64(bitPattern: slot.pointee.load(ordering: .relaxed)) }
}

/// A distribution of durations in ns.
public struct Histogram: @unchecked Sendable {
    let slots: Slot

    /// Counts a duration in ns, several times if need be; a negative one counts as 0. One thread
    /// only.
    public func record(_ nanoseconds: Int64, count: Int = 1) {
        let value = UInt64(max(0, nanoseconds))
        let times = UInt64(max(0, count))
        add(value &* times, to: slots)
        add(times, to: slots + (1 + HistogramBuckets.index(of: value)))
    }

    private func add(_ value: UInt64, to slot: Slot) {
        slot.pointee.store(slot.pointee.load(ordering: .relaxed) &+ value, ordering: .relaxed)
    }
}

/// Counters that differ in one label whose values are found while the stage runs, such as the
/// reason of a failure. There are at most that many; what is one too many counts as `other`.
public struct CounterFamily {
    private let stats: StatsWriter
    private let name: String
    private let label: String
    private let limit: Int
    private let help: String
    private var counters: [String: Counter] = [:]

    init(_ stats: StatsWriter, _ name: String, label: String, limit: Int, help: String) {
        self.stats = stats
        self.name = name
        self.label = label
        self.limit = limit
        self.help = help
    }

    /// Adds to the counter of a value of the label.
    public mutating func add(_ count: Int = 1, for value: String) {
        if let counter = counters[value] { return counter.add(count) }
        guard counters.count < limit - 1 || value == "other" else {
            return add(count, for: "other")
        }
        let counter = stats.counter(name, labels: Labels.pair(label, value), help: help)
        counters[value] = counter
        counter.add(count)
    }
}

/// Labels as they are in a stats file and in Prometheus' text: `name="value",…`.
public enum Labels {
    /// One label; quotes, backslashes and line ends are escaped, and a long value is cut.
    public static func pair(_ name: String, _ value: String) -> String {
        var text = "\(name)=\""
        for character in value.unicodeScalars {
            let room = StatsLayout.labelsLength - 4 - text.utf8.count
            guard room >= 4 else { break }
            switch character {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(character)
            }
        }
        return text + "\""
    }
}
