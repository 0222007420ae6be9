/// The buckets of every histogram, for values in ns: eight to each power of two from 2^10 (1 µs)
/// to 2^44 (4.9 h), one below and one above.
///
/// A bucket is at most an eighth of its lower end wide, so its middle is off by 6.25 % at most.
/// The same buckets everywhere make histograms of several processes add up.
public enum HistogramBuckets {
    /// The power of two where the buckets begin.
    public static let firstPower = 10
    /// The power of two where they end.
    public static let lastPower = 44
    /// Buckets to each power of two.
    static let parts = 8
    /// How many there are.
    public static let count = parts * (lastPower - firstPower) + 2

    /// The bucket of a value.
    public static func index(of value: UInt64) -> Int {
        guard value >= 1 << firstPower else { return 0 }
        let power = 63 - value.leadingZeroBitCount
        guard power < lastPower else { return count - 1 }
        let part = Int(truncatingIfNeeded: value >> UInt64(power - 3)) & (parts - 1)
        return 1 + parts * (power - firstPower) + part
    }

    /// The first value above a bucket; nil for the last bucket, which has no end.
    public static func end(of index: Int) -> UInt64? {
        guard index < count - 1 else { return nil }
        guard index > 0 else { return 1 << UInt64(firstPower) }
        let power = firstPower + (index - 1) / parts
        let part = (index - 1) % parts
        return UInt64(parts + part + 1) << UInt64(power - 3)
    }

    /// The value below which a share of what was counted is, as the middle of its bucket.
    ///
    /// - Parameters:
    ///   - share: 0 to 1.
    ///   - counts: one for each bucket.
    /// - Returns: nil when nothing was counted.
    public static func quantile(_ share: Double, of counts: some Collection<UInt64>) -> UInt64? {
        let total = counts.reduce(0, &+)
        guard total > 0 else { return nil }
        let wanted = UInt64(max(1, (share * Double(total)).rounded(.up)))
        var seen: UInt64 = 0
        for (index, count) in counts.enumerated() {
            seen &+= count
            guard seen >= wanted else { continue }
            let low = index == 0 ? 0 : end(of: index - 1) ?? 0
            return end(of: index).map { low + ($0 - low) / 2 } ?? low
        }
        return nil
    }
}
