import Binance
import Posix
import Stage
import Stats

/// Messages that are not turned into records: each is counted by its reason and kept aside. That it
/// cannot be kept aside is no reason to end: what the other messages say is worth more.
struct Quarantine: ~Copyable {
    private let log: Log
    private let byReason: [Counter]
    private let notKept: Counter
    private var file: QuarantineFile
    /// True after a message that could not be written, until one can be.
    private var hasFailed = false
    /// By reason: true once a message was refused for it.
    private var wasSeen = [Bool](repeating: false, count: StreamError.Reason.allCases.count)

    init(_ rules: TapOptions.OutputRules, _ counters: TapCounters, log: Log) {
        self.log = log
        byReason = counters.quarantined
        notKept = counters.quarantineFull
        file = QuarantineFile(path: rules.quarantine, limit: rules.quarantineBytes)
    }

    /// Counts a message, and keeps it.
    ///
    /// - Parameters:
    ///   - number: of the arrival.
    ///   - time: of the arrival, ns.
    mutating func add(
        _ message: RawSpan, because error: StreamError, number: Int64, at time: Int64
    ) {
        let index = StreamError.Reason.allCases.firstIndex(of: error.reason) ?? 0
        let isFirst = !wasSeen[index]
        wasSeen[index] = true
        byReason[index].add()
        let wasFull = file.isFull
        do throws(SystemError) {
            if try !file.add(message, because: error, number: number, at: time) {
                notKept.add()
                if !wasFull { log.warning("the quarantine file is full", ["path": "\(file.path)"]) }
            }
            hasFailed = false
        } catch let failure {
            notKept.add()
            if !hasFailed {
                log.error(
                    "messages that cannot be decoded cannot be quarantined",
                    ["reason": "\(failure)", "path": "\(file.path)"])
            }
            hasFailed = true
        }
        if error.reason == .implausible {
            // Ids that would have spoilt all that follows: the venue or the network has a fault.
            return log.error(
                "a message with implausible ids was quarantined",
                ["reason": "\(error)", "path": "\(file.path)"], cause: "implausible_ids")
        }
        guard isFirst else { return }
        log.warning(
            "a message that cannot be decoded was quarantined",
            ["cause": "\(error.reason.rawValue)", "reason": "\(error)", "path": "\(file.path)"])
    }
}
