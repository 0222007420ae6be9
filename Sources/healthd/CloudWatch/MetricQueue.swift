import AWS

/// Data points that wait for CloudWatch, oldest first, in bounded memory: when it is full the
/// oldest go.
struct MetricQueue {
    /// A data point, ready to be sent.
    struct Entry {
        let json: String
        /// Milliseconds since the epoch.
        let time: Int64
    }

    /// Bytes that wait at most: some hours of a host with a dozen stages.
    static let maximumBytes = 4 << 20

    private var entries: [Entry] = []
    private var bytes = 0
    /// How many went because there was no room, or because they became too old.
    private(set) var dropped = 0

    var count: Int { entries.count }

    mutating func append(_ new: [Entry]) {
        entries += new
        bytes += new.reduce(0) { $0 + $1.json.utf8.count }
        var surplus = 0
        while bytes > Self.maximumBytes, surplus < entries.count {
            bytes -= entries[surplus].json.utf8.count
            surplus += 1
        }
        entries.removeFirst(surplus)
        dropped += surplus
    }

    /// The oldest, as many as a call takes; those whose time is not taken any more go.
    ///
    /// - Parameter now: milliseconds since the epoch.
    mutating func next(limit: Int, now: Int64) -> [Entry] {
        let refused = entries.count { MetricRules.refusal(time: $0.time, now: now) != nil }
        if refused > 0 {
            entries.removeAll { MetricRules.refusal(time: $0.time, now: now) != nil }
            bytes = entries.reduce(0) { $0 + $1.json.utf8.count }
            dropped += refused
        }
        // The namespace and what is around the list, at most.
        var room = MetricRules.maximumBody - 1024
        var batch: [Entry] = []
        for entry in entries.prefix(min(limit, MetricRules.maximumData)) {
            room -= entry.json.utf8.count + 1
            guard room >= 0 else { break }
            batch.append(entry)
        }
        return batch
    }

    /// Takes the oldest off, after they were sent or refused. Some may have gone meanwhile.
    mutating func remove(_ batch: [Entry], droppedBefore: Int) {
        let gone = min(batch.count, dropped - droppedBefore)
        let left = min(batch.count - gone, entries.count)
        bytes -= entries.prefix(left).reduce(0) { $0 + $1.json.utf8.count }
        entries.removeFirst(left)
    }
}
