import Encoding
import Posix
import Stats

/// The rules by which a stage is unhealthy: each looks at one thing and says at most one sentence
/// about it.
struct Rules {
    let thresholds: Thresholds
    /// ns since the epoch.
    let now: Int64

    /// What is wrong with a stage.
    ///
    /// - Parameters:
    ///   - isReplaced: a younger process does its work.
    ///   - hasSource: another stage of ours writes what it reads.
    func problems(of stage: StageWatch, isReplaced: Bool, hasSource: Bool) -> [Problem] {
        let snapshot = stage.snapshot
        var found: [Problem] = []
        func add(_ code: Problem.Code, _ message: String?) {
            guard let message else { return }
            found.append(Problem(code, stage: stage.id, "\(stage.id): \(message)"))
        }
        switch snapshot.life {
        case .dead:
            if !isReplaced {
                add(.stageDead, "process \(snapshot.pid) died without reporting an exit status")
            }
        case .ended(let code):
            if snapshot.state == .failed && !isReplaced {
                let reason = snapshot.lastError.map { ": \($0.text)" } ?? ""
                add(.stageFailed, "ended with \(code)\(reason)")
            }
        case .running:
            add(.heartbeatStale, heartbeat(stage))
            add(.connectionDown, connection(stage))
            if !hasSource { add(.noData, freshness(stage)) }
            add(.decodeErrors, decoding(stage))
            add(.breakerOpen, breaker(snapshot))
            add(.undelivered, delivery(snapshot))
            add(.spoolFull, spool(snapshot))
            add(.throttled, throttling(stage))
            add(.claimsNotShared, sharing(snapshot))
            if snapshot.isRenamed {
                add(.nameTaken, "it was given a name that another process has; see --instance")
            }
        }
        add(.conservationOpen, conservation(stage))
        if snapshot.life == .running || !isReplaced {
            add(.diskFull, disk(snapshot))
            add(.objectConflict, conflicts(snapshot))
            add(.holeOpen, holes(stage))
        }
        if snapshot.refusedMetrics > 0 {
            add(
                .metricsRefused,
                "\(snapshot.refusedMetrics) metrics did not fit into its stats file")
        }
        return found
    }

    // MARK: - One thing each

    private func heartbeat(_ stage: StageWatch) -> String? {
        if stage.snapshot.isSuspended {
            return "process \(stage.snapshot.pid) was stopped by a signal"
        }
        // Who waits for a slow reader cannot beat and is well.
        guard stage.snapshot.wait != .output, stage.heartbeatAge > thresholds.heartbeat else {
            return nil
        }
        return "its loop has not turned for \(seconds(stage.heartbeatAge))"
    }

    private func connection(_ stage: StageWatch) -> String? {
        guard let since = stage.disconnectedAt else { return nil }
        let age = stage.readAt.seconds(since: since)
        return age > thresholds.connectionDown
            ? "no connection for \(seconds(age))" : nil
    }

    private func freshness(_ stage: StageWatch) -> String? {
        let snapshot = stage.snapshot
        guard snapshot.state == .running || snapshot.state == .connecting,
            snapshot.wait != .output,
            let time = snapshot.value(FigureName.lastRecordTime)
        else { return nil }
        let age = now.seconds(since: max(time, snapshot.startTime))
        return age > thresholds.noData ? "no record for \(seconds(age))" : nil
    }

    private func decoding(_ stage: StageWatch) -> String? {
        let percent = stage.decodeErrorPercent
        return percent > thresholds.decodeErrors
            ? "\(tenths(percent)) % of the messages cannot be decoded" : nil
    }

    private func breaker(_ snapshot: StatsSnapshot) -> String? {
        let isOpen = snapshot.metrics.contains {
            $0.name == FigureName.breakerState && $0.value == 2
        }
        return isOpen ? "a circuit breaker is open: consecutive requests failed" : nil
    }

    private func sharing(_ snapshot: StatsSnapshot) -> String? {
        snapshot.value(FigureName.claimsUnavailable) == 1
            ? "it cannot find out what other hosts passed on, and passes on all its records" : nil
    }

    private func delivery(_ snapshot: StatsSnapshot) -> String? {
        let oldest =
            snapshot.value(FigureName.oldestDueTime) ?? snapshot.value(FigureName.oldestWaitingTime)
        guard let oldest, oldest > 0 else { return nil }
        let age = now.seconds(since: oldest)
        guard age > thresholds.undelivered else { return nil }
        let words = "the oldest undelivered record has waited for \(seconds(age))"
        let outputs = late(snapshot)
        return outputs.isEmpty ? words : "\(words): output \(outputs) is away or slow"
    }

    /// The outputs of fan-out that have been behind for a long time.
    private func late(_ snapshot: StatsSnapshot) -> String {
        snapshot.metrics.filter {
            $0.name == FigureName.outputBehind && $0.value > 0
                && now.seconds(since: $0.value) > thresholds.undelivered
        }
        .compactMap { LabelSet(parsing: $0.labels)["output"] }
        .sorted().joined(separator: ", ")
    }

    private func spool(_ snapshot: StatsSnapshot) -> String? {
        guard let used = snapshot.value(FigureName.spoolBytes),
            let limit = snapshot.value(FigureName.spoolMaximum), limit > 0
        else { return nil }
        let percent = 100 * Double(used) / Double(limit)
        return percent > thresholds.spool ? "the spool is \(tenths(percent)) % full" : nil
    }

    private func conflicts(_ snapshot: StatsSnapshot) -> String? {
        guard let count = snapshot.value(FigureName.objectsConflicting), count > 0 else {
            return nil
        }
        let objects = Spoken.count(count, "object is", plural: "objects are")
        return "\(objects) not delivered: the destination has other content under the same names; "
            + "both are kept, see conflicts in its state directory"
    }

    private func disk(_ snapshot: StatsSnapshot) -> String? {
        if snapshot.value(FigureName.diskReserve) == 0 {
            return "the disk of the state directory is full: the reserve was released"
        }
        guard let free = snapshot.value(FigureName.diskFree),
            let size = snapshot.value(FigureName.diskSize), size > 0
        else { return nil }
        let percent = 100 * Double(free) / Double(size)
        return percent < thresholds.diskFree
            ? "the disk of the state directory has \(tenths(percent)) % left (\(free) bytes)" : nil
    }

    private func throttling(_ stage: StageWatch) -> String? {
        let count = stage.limitedLately
        return count > 0 ? "\(count) answers of the last minute asked for fewer requests" : nil
    }

    private func holes(_ stage: StageWatch) -> String? {
        let oldest = stage.coverage.filter { $0.oldestHole > 0 }.min {
            $0.oldestHole < $1.oldestHole
        }
        guard let oldest else { return nil }
        let age = now.seconds(since: oldest.oldestHole)
        guard age > thresholds.hole else { return nil }
        return "a hole in \(oldest.sequence) has been open for \(seconds(age))"
            + (oldest.repair.map { "; stop the sink and pipe into it: \($0)" } ?? "")
    }

    private func conservation(_ stage: StageWatch) -> String? {
        guard let residue = stage.residue, residue != 0,
            stage.residueAge >= thresholds.conservation
        else { return nil }
        return residue > 0
            ? "\(Spoken.count(residue, "record")) came in and \(residue == 1 ? "is" : "are") not accounted for"
            : "\(Spoken.count(residue.magnitude, "record")) more accounted for than came in"
    }

    private func seconds(_ value: Double) -> String { Spoken.seconds(value) }
    private func tenths(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}
