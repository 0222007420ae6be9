import Glibc
import Posix
import Stats

/// What a stage's figures cost, and many stages for healthd to watch.
enum Stages {
    /// The figures that a batch changes in dedup, so many times.
    ///
    /// - Returns: ns of a processor that one batch costs.
    static func cost(directory: String, batches: Int) throws -> String {
        let stats = try StatsWriter(directory: directory, stage: "bench", instance: "cost")
        let counters = (0..<7).map { stats.counter("counter\($0)", help: "A counter.") }
        let gauges = (0..<3).map { stats.gauge("gauge\($0)", help: "A gauge.") }
        let delay = stats.histogram("delay", help: "A delay.")
        let start = processorNanoseconds()
        for number in 1...Int64(max(1, batches)) {
            // Waiting for input and for output, as FrameReader and FrameWriter say it.
            for wait in [Heartbeat.Wait.input, .output] {
                stats.heartbeat.waits(for: wait)
                stats.heartbeat.beat()
                stats.heartbeat.waits(for: .nothing)
                stats.heartbeat.beat()
            }
            let now = Clock.realtimeNanoseconds()
            for gauge in gauges { gauge.set(now) }
            delay.record(Clock.realtimeNanoseconds() - now)
            stats.update { for counter in counters { counter.advance(to: number) } }
        }
        let spent = processorNanoseconds() - start
        return "\(spent / Int64(max(1, batches))) ns a batch"
    }

    /// Time that this process had a processor, so that others do not count.
    private static func processorNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// So many stages with sixty figures each, which change ten times a second until standard
    /// input ends.
    static func run(directory: String, count: Int) throws {
        var stages: [(stats: StatsWriter, counters: [Counter], delays: [Histogram])] = []
        for number in 0..<count {
            let stats = try StatsWriter(
                directory: directory, stage: "bench", instance: "\(number)")
            let counters = (0..<54).map {
                stats.counter("counter\($0)", labels: "kind=\"k\($0 % 5)\"", help: "A counter.")
            }
            let delays = (0..<6).map { stats.histogram("delay\($0)", help: "A delay.") }
            stats.enter(.running)
            stages.append((stats, counters, delays))
        }
        try Descriptor.standardOutput().writeAll(Array("ready\n".utf8).span.bytes)
        while !Descriptor.isReadable(0) {
            for stage in stages {
                stage.stats.update { for counter in stage.counters { counter.add(3) } }
                for (number, delay) in stage.delays.enumerated() {
                    delay.record(Int64(1) << (12 + 3 * number))
                }
                stage.stats.heartbeat.beat()
            }
            Descriptor.waitUntilReadable(0, seconds: 0.1)
        }
    }
}
