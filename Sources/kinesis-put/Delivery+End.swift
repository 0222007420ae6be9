import AWS
import Posix
import Stage
import StageAWS
import Stats

/// The end of a run.
extension Delivery {
    /// Waits until everything is delivered: after a signal not longer than the drain timeout,
    /// after the input's end as long as somebody may still mend what is wrong.
    mutating func drain() throws {
        let isStopping = Descriptor.isReadable(stop)
        let start = Clock.monotonicNanoseconds()
        var deadline = isStopping ? start + Int64(plan.drainTimeout * 1e9) : Int64.max
        lastSuccess = max(lastSuccess, start)
        var end: StageFailure?
        for channel in channels where channel.trouble != nil { channel.hurry(now: start) }
        while channels.contains(where: { !$0.isEmpty }) {
            let now = Clock.monotonicNanoseconds()
            if deadline == .max, Descriptor.isReadable(stop) {
                deadline = now + Int64(plan.drainTimeout * 1e9)
                log.info("stopping: delivering what was read", ["waiting": "\(waiting)"])
            }
            if now >= deadline {
                end = StageFailure(.gaveUp, "the time to drain is over")
                break
            }
            if deadline == .max {
                let left = channels.filter { !$0.isEmpty }
                if let trouble = left.first?.trouble,
                    left.allSatisfy({ $0.trouble != nil && $0.troubledAt >= start })
                {
                    end = StageFailure(trouble)
                    break
                }
                if Double(now - lastSuccess) / 1e9 >= plan.giveUpAfter {
                    end = StageFailure(
                        .gaveUp, "nothing was confirmed for \(plan.giveUpAfter) seconds")
                    break
                }
            }
            try step(-1, until: deadline)
        }
        try settleBooks()
        log.info(
            "\(tally.recordsOut) records confirmed",
            [
                "refused": "\(tally.refused)",
                "quarantined": "\(tally.quarantined)",
                "waiting": "\(waiting)",
            ])
        if let end {
            throw StageFailure(
                end.code, "\(end); \(waiting) records stay in \(plan.state) for the next run")
        }
    }

    /// What was confirmed becomes durable, and what waits as well.
    private mutating func settleBooks() throws {
        try clear()
        if plan.sync != .never { try syncSpools(Clock.monotonicNanoseconds(), interval: 0) }
        report(Clock.monotonicNanoseconds())
    }
}
