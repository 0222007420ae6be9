import Binance
import Encoding
import Glibc
import Identity
import Posix
import Records
import Stage

/// Tells a person how far a pull is: one line that is drawn again on a terminal, one log line
/// a minute elsewhere.
struct Progress {
    private let isTerminal: Bool
    private let start = Clock.monotonicNanoseconds()
    private var last: Int64 = 0
    private var lastRecords: Int64 = 0
    private var rate = 0.0

    init() { isTerminal = isatty(2) == 1 }

    /// Shows the state if it is time to.
    mutating func update(
        _ pulls: [SequencePull], _ weight: (used: Int, limit: Int), waitingFor: String?, log: Log
    ) {
        let now = Clock.monotonicNanoseconds()
        let interval: Int64 = isTerminal ? 250_000_000 : 60_000_000_000
        if last == 0 { last = now }
        guard now - last >= interval else { return }
        let records = pulls.reduce(Int64(0)) { $0 + $1.records }
        let current = Double(records - lastRecords) / (Double(now - last) / 1e9)
        // A wait for the venue says nothing of the speed.
        if waitingFor == nil || current > 0 {
            rate = rate == 0 ? current : 0.7 * rate + 0.3 * current
        }
        (last, lastRecords) = (now, records)
        if isTerminal {
            draw(line(pulls, weight, waitingFor: waitingFor))
        } else {
            log.info(
                "progress" + (waitingFor.map { ", \($0)" } ?? ""),
                [
                    "done_percent": Self.percent(pulls), "records": "\(records)",
                    "records_per_second": "\(Int(rate))", "eta": eta(pulls),
                    "weight_used": "\(weight.used)", "weight_limit": "\(weight.limit)",
                ])
        }
    }

    /// Leaves the last state on the screen.
    func end(_ pulls: [SequencePull], _ weight: (used: Int, limit: Int)) {
        guard isTerminal, last != 0 else { return }
        draw(line(pulls, weight))
        write("\n")
    }

    private func draw(_ line: String) {
        // Carriage return, the line, then erase what an older, longer line left.
        write("\r\(line)\u{1B}[K")
    }

    private func write(_ text: String) {
        // A progress line that cannot be shown is no reason to stop.
        try? Descriptor.standardError().writeAll(Array(text.utf8).span.bytes)
    }

    private func line(
        _ pulls: [SequencePull], _ weight: (used: Int, limit: Int), waitingFor: String? = nil
    ) -> String {
        let records = pulls.reduce(Int64(0)) { $0 + $1.records }
        let current = pulls.first { !$0.isFinished } ?? pulls.last
        let name = current.map { $0.sequence.title } ?? ""
        let reached = current.map {
            $0.reached == 0 ? "" : Timestamp.text(microseconds: $0.reached)
        }
        let speed = waitingFor ?? "\(Self.short(rate))/s"
        return "\(name)  \(Self.percent(pulls)) %  \(Self.short(Double(records))) records  "
            + "\(speed)  ETA \(eta(pulls))  weight \(weight.used)/\(weight.limit)"
            + "  \((reached ?? "").prefix(19))"
    }

    private static func percent(_ pulls: [SequencePull]) -> String {
        let total = pulls.reduce(0.0) { $0 + Double($1.total) }
        let done = pulls.reduce(0.0) { $0 + Double(min($1.done, $1.total)) }
        let permille = total == 0 ? 1000 : Int(1000 * done / total)
        return "\(permille / 10).\(permille % 10)"
    }

    /// The time that is left at the mean speed so far: `mm:ss`, or `h:mm:ss`.
    private func eta(_ pulls: [SequencePull]) -> String {
        let total = pulls.reduce(0.0) { $0 + Double($1.total) }
        let done = pulls.reduce(0.0) { $0 + Double(min($1.done, $1.total)) }
        let elapsed = Double(Clock.monotonicNanoseconds() - start) / 1e9
        guard done > 0, total > 0 else { return "?" }
        let seconds = Int(min(elapsed * (total - done) / done, 359_999))
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let hours = seconds / 3600
        return (hours > 0 ? "\(hours):" : "") + "\(two(seconds / 60 % 60)):\(two(seconds % 60))"
    }

    /// `1234567` as `1.23 M`.
    private static func short(_ value: Double) -> String {
        switch value {
        case ..<10_000: "\(Int(value))"
        case ..<1e6: "\(Double(Int(value / 10)) / 100) k"
        default: "\(Double(Int(value / 10_000)) / 100) M"
        }
    }
}
