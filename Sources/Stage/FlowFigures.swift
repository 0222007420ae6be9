import Posix
public import Records
public import Stats

/// The figures of the flow that every stage counts, under the same names.
///
/// They are published as one with `StatsWriter.update`, once a batch, so that they balance
/// whenever someone looks.
public struct FlowFigures: Sendable {
    /// Records taken in.
    public let recordsIn: Counter
    /// Bytes taken in.
    public let bytesIn: Counter
    /// Records passed on, or confirmed by the service.
    public let recordsOut: Counter
    /// Bytes passed on, or confirmed by the service.
    public let bytesOut: Counter
    /// Records taken in, and neither passed on nor confirmed yet.
    public let waiting: Gauge
    private let lastRecordTime: Gauge
    private let watermark: Gauge
    private let eventDelay: Histogram?
    private let outputDelay: Histogram

    /// Adds the figures.
    ///
    /// - Parameters:
    ///   - goesOut: what a record's way out is, for the help.
    ///   - isSource: a source measures how long after the event its records come.
    ///   - delay: name of the histogram from receipt to the way out.
    public init(
        _ stats: StatsWriter, isSource: Bool = false,
        goesOut: String = "written to standard output",
        delay: String = FigureName.outputDelay
    ) {
        recordsIn = stats.counter(FigureName.recordsIn, help: "Records received.")
        bytesIn = stats.counter(FigureName.bytesIn, help: "Bytes received.")
        recordsOut = stats.counter(FigureName.recordsOut, help: "Records \(goesOut).")
        bytesOut = stats.counter(FigureName.bytesOut, help: "Bytes \(goesOut).")
        waiting = stats.gauge(
            FigureName.recordsWaiting,
            help: "Records received, neither passed on nor confirmed yet.")
        lastRecordTime = stats.gauge(
            FigureName.lastRecordTime, help: "When the last record was received, since the epoch.")
        watermark = stats.gauge(
            "watermark_us", help: "Newest event time of a record, since the epoch.")
        eventDelay =
            isSource
            ? stats.histogram(FigureName.eventDelay, help: "From the venue's time to receipt.")
            : nil
        outputDelay = stats.histogram(delay, help: "From receipt until \(goesOut).")
    }

    /// Notes that a batch came whose last record has these times.
    ///
    /// - Parameters:
    ///   - isLive: false for what was asked for long after it happened: that has no delay to speak of.
    ///   - time: ns since the epoch; now when left out.
    public func note(_ times: RecordTimes, isLive: Bool = true, at time: Int64? = nil) {
        lastRecordTime.set(time ?? Clock.realtimeNanoseconds())
        watermark.set(max(watermark.value, times.event))
        if isLive { eventDelay?.record(times.ingest &- times.event &* 1000) }
    }

    /// Notes that what was received at a time is out now.
    public func noteOut(receivedAt ingestTime: Int64) {
        outputDelay.record(Clock.realtimeNanoseconds() &- ingestTime)
    }
}
