import Binance
import Encoding
import Glibc
import Identity
import Posix
import Records
import Stage

/// Tells a person how far a pull is: one line that is drawn again on a terminal, one log line
/// a minute elsewhere. A log that shows no more than warnings has neither.
struct Progress {
    private let isTerminal: Bool
    private let start = Clock.monotonicNanoseconds()
    private var last: Int64 = 0
    private var lastRecords: Int64 = 0
    private var rate = 0.0
    /// What was done at moments of the last minutes, oldest first: a pull runs in bursts, one a
    /// window of the venue's weight, and only a time of several windows has a speed.
    private var marks: [(time: Int64, done: Double)] = []

    /// Between two marks, ns.
    private static let markInterval: Int64 = 5_000_000_000
    /// Marks that are kept: three minutes.
    private static let maximumMarks = 36
    /// No estimate before this time, ns: the first replies say nothing about the rest.
    private static let firstEstimate: Int64 = 3_000_000_000

    init() { isTerminal = isatty(2) == 1 }

    /// Shows the state if it is time to.
    mutating func update(
        _ pulls: [SequencePull], _ weight: (used: Int, limit: Int), waitingFor: String?, log: Log
    ) {
        let now = Clock.monotonicNanoseconds()
        let interval: Int64 = isTerminal ? 250_000_000 : 60_000_000_000
        if last == 0 { last = now }
        guard log.showsProgress, now - last >= interval else { return }
        let records = pulls.reduce(Int64(0)) { $0 + $1.records }
        let current = Double(records - lastRecords) / (Double(now - last) / 1e9)
        // A wait for the venue says nothing of the speed.
        if waitingFor == nil || current > 0 {
            rate = rate == 0 ? current : 0.7 * rate + 0.3 * current
        }
        (last, lastRecords) = (now, records)
        if now - (marks.last?.time ?? start) >= Self.markInterval || marks.isEmpty {
            marks.append((now, Self.done(pulls)))
            if marks.count > Self.maximumMarks { marks.removeFirst() }
        }
        if isTerminal {
            draw(line(pulls, weight, now, waitingFor: waitingFor))
        } else {
            let left = secondsLeft(pulls, now)
            log.info(
                "progress" + (waitingFor.map { ", \($0)" } ?? ""),
                [
                    "done_percent": "\(Self.permille(pulls) / 10)", "records": "\(records)",
                    "records_per_second": "\(Int(rate))",
                    "eta": left.map { "\(Spoken.seconds($0))" } ?? "unknown",
                    "weight_used": "\(weight.used)", "weight_limit": "\(weight.limit)",
                ])
        }
    }

    /// Leaves the last state on the screen.
    func end(_ pulls: [SequencePull], _ weight: (used: Int, limit: Int)) {
        guard isTerminal, last != 0 else { return }
        draw(line(pulls, weight, Clock.monotonicNanoseconds()))
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
        _ pulls: [SequencePull], _ weight: (used: Int, limit: Int), _ now: Int64,
        waitingFor: String? = nil
    ) -> String {
        let records = pulls.reduce(Int64(0)) { $0 + $1.records }
        let current = pulls.first { !$0.isFinished } ?? pulls.last
        let name = current.map { $0.sequence.title } ?? ""
        let reached = current.map {
            $0.reached == 0 ? "" : Timestamp.text(microseconds: $0.reached)
        }
        // A pull that was over before a speed was taken has one all the same.
        let seconds = Double(max(1, now - start)) / 1e9
        let speed = waitingFor ?? "\(Self.short(rate > 0 ? rate : Double(records) / seconds))/s"
        let permille = Int(Self.permille(pulls))
        let left = secondsLeft(pulls, now).map(Self.clock) ?? "?"
        return "\(name)  \(permille / 10).\(permille % 10) %  "
            + "\(Self.short(Double(records))) \(records == 1 ? "record" : "records")  "
            + "\(speed)  ETA \(left)  weight \(weight.used)/\(weight.limit)"
            + "  \((reached ?? "").prefix(19))"
    }

    private static func done(_ pulls: [SequencePull]) -> Double {
        pulls.reduce(0.0) { $0 + Double(min($1.done, $1.total)) }
    }

    private static func permille(_ pulls: [SequencePull]) -> Double {
        let total = pulls.reduce(0.0) { $0 + Double($1.total) }
        return total == 0 ? 1000 : (1000 * done(pulls) / total).rounded(.down)
    }

    /// The time that is left at the speed of the last minutes; nil while there is no such speed.
    private func secondsLeft(_ pulls: [SequencePull], _ now: Int64) -> Double? {
        let total = pulls.reduce(0.0) { $0 + Double($1.total) }
        let done = Self.done(pulls)
        guard done < total else { return 0 }
        guard now - start >= Self.firstEstimate else { return nil }
        let from = marks.count < Self.maximumMarks ? (time: start, done: 0.0) : marks[0]
        let speed = (done - from.done) / (Double(now - from.time) / 1e9)
        return speed > 0 ? (total - done) / speed : nil
    }

    /// `mm:ss`, or `h:mm:ss`.
    private static func clock(_ seconds: Double) -> String {
        let seconds = Int(min(seconds.rounded(.up), 3_599_999))
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
