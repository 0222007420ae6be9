import Bronze
import Encoding
import Identity

/// What the key of a stored object says of its records: `instrument=BTCUSDT/date=2024-01-31/…`, in
/// the layout of any version. Nothing that a key does not say leaves an object out.
struct StoredKey {
    /// What tells sequences apart: objects with the same one hold parts of the same sequence.
    let group: String
    let kind: String?
    let symbol: String?
    let interval: String?
    /// Event times of its records, µs; nil when the key says nothing.
    let times: Range<Int64>?
    /// First and last id, from the name.
    let ids: ClosedRange<Int64>?

    init(_ key: String) {
        let parts = key.split(separator: "/").map(String.init)
        var values: [String: String] = [:]
        var group: [String] = []
        for part in parts.dropLast() {
            guard let mark = part.firstIndex(of: "=") else {
                group.append(part)
                continue
            }
            let name = String(part[..<mark])
            values[name] = String(part[part.index(after: mark)...]).percentDecoded
            if !["date", "hour", "month"].contains(name) { group.append(part) }
        }
        let name = ObjectName(parsing: parts.last ?? "")
        kind = values["kind"]
        symbol = values["instrument"] ?? values["symbol"]
        interval = values["interval"]
        if let kind, let symbol, let name {
            // Said in the same words whichever layout and place the object has.
            let exchange = values["exchange"] ?? values["venue"] ?? ""
            self.group = [exchange, kind, symbol, interval ?? "", name.series].joined(
                separator: "/")
        } else {
            self.group = (group + [name?.series ?? parts.last ?? ""]).joined(separator: "/")
        }
        ids = name?.ids
        times = Self.times(values)
    }

    private static func times(_ values: [String: String]) -> Range<Int64>? {
        if let date = values["date"], date.utf8.count == 10, let start = Timestamp.parse(date) {
            guard let hour = values["hour"].flatMap(Int64.init), (0..<24).contains(hour) else {
                return start..<(start + Timestamp.day)
            }
            let begin = start + hour * 3600 * Timestamp.second
            return begin..<(begin + 3600 * Timestamp.second)
        }
        guard let month = values["month"], let start = Timestamp.parse("\(month)-01") else {
            return nil
        }
        let bucket = KlineInterval.month1.bucket(of: start)
        return bucket.lowerBound..<(bucket.upperBound + 1)
    }

    /// True when the object may have records of a selection.
    func mayHold(_ selected: SelectedRecords) -> Bool {
        if let symbol, !selected.symbols.isEmpty,
            !selected.symbols.contains(where: { $0.description == symbol })
        {
            return false
        }
        if let kind, !selected.kinds.isEmpty,
            !selected.kinds.contains(where: { $0.name == kind })
        {
            return false
        }
        if let interval, let wanted = selected.interval, interval != wanted.rawValue {
            return false
        }
        if let times, !times.overlaps(selected.times) { return false }
        // The ids of gap records are in their names too; those of klines are open times.
        if let ids, selected.hasIDs {
            return ids.lowerBound <= selected.lastID && ids.upperBound >= selected.firstID
        }
        return true
    }
}
