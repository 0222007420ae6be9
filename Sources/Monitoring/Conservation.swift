import Stats

/// The conservation equation: nothing disappears inside a stage uncounted.
enum Conservation {
    /// What comes into a stage.
    static let sources = [FigureName.recordsIn, FigureName.recordsRecovered]
    /// What becomes of it.
    static let fates = [
        FigureName.recordsOut, FigureName.duplicates, FigureName.filtered,
        FigureName.recordsQuarantined, FigureName.recordsRefused, FigureName.recordsWaiting,
    ]

    /// What came in less what became of it; nil for a stage that does not count both.
    static func residue(_ snapshot: StatsSnapshot) -> Int64? {
        func sum(_ names: [String]) -> Int64? {
            let sums = names.compactMap(snapshot.sum)
            return sums.isEmpty ? nil : sums.reduce(0, &+)
        }
        guard let taken = sum(sources), let settled = sum(fates) else { return nil }
        return taken &- settled
    }
}

/// Follows the residue of one stage, and says when it is no accident of the moment.
///
/// A stage that changes its figures as one has no residue at any consistent reading, so any counts
/// that lasts. One that does not is judged only while nothing comes in.
struct ConservationWatch {
    private var openSince: Int64?
    private var lastTaken: Int64 = .min

    /// Takes a reading.
    ///
    /// - Parameter now: ns of the monotonic clock.
    /// - Returns: seconds for which the equation has not closed; 0 when it does.
    mutating func take(_ residue: Int64, _ snapshot: StatsSnapshot, now: Int64) -> Double {
        let taken = snapshot.value(FigureName.recordsIn) ?? 0
        let isQuiet = taken == lastTaken
        lastTaken = taken
        guard snapshot.isConsistent else { return seconds(until: now) }
        if residue == 0 || (snapshot.updates == 0 && !isQuiet) {
            openSince = nil
        } else if openSince == nil {
            openSince = now
        }
        return seconds(until: now)
    }

    private func seconds(until now: Int64) -> Double {
        openSince.map { Double(now - $0) / 1e9 } ?? 0
    }
}
