/// Numbers as a sentence says them: rounded durations, counts with their noun.
public enum Spoken {
    /// A duration with the precision that a reader needs: `80 ms`, `0.8 s`, `14 s`, `3 min 20 s`,
    /// `2 h 5 min`, `3 d 4 h`.
    ///
    /// - Parameter seconds: any; what is negative or not a number is `0 s`.
    public static func seconds(_ seconds: Double) -> String {
        guard seconds > 0 else { return "0 s" }
        let seconds = min(seconds, 1e12)
        if seconds < 0.1 { return "\(max(1, Int((seconds * 1000).rounded()))) ms" }
        let tenths = Int((seconds * 10).rounded())
        if tenths < 100 {
            return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
        }
        let whole = Int(seconds.rounded())
        let units = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")]
        // The largest unit and the one below it; more would be noise.
        guard let first = units.firstIndex(where: { whole >= $0.0 }) else { return "\(whole) s" }
        let (size, name) = units[first]
        let count = whole / size
        guard first + 1 < units.count else { return "\(count) \(name)" }
        let (nextSize, nextName) = units[first + 1]
        let rest = whole % size / nextSize
        return rest == 0 ? "\(count) \(name)" : "\(count) \(name) \(rest) \(nextName)"
    }

    /// How many of a million, with the precision that a reader needs: `0`, `<0.01`, `0.25`, `12.5`, `1200`.
    ///
    /// - Parameters:
    ///   - count: those that are counted.
    ///   - all: of how many; 0 where it is not known, which gives `0`.
    public static func perMillion(_ count: UInt64, of all: UInt64) -> String {
        guard count > 0, all > 0 else { return "0" }
        let rate = Double(count) / Double(all) * 1e6
        if rate < 0.01 { return "<0.01" }
        guard rate < 100 else { return "\(Int64(min(rate, 1e12).rounded()))" }
        let (whole, rest) = Int64((rate * 100).rounded()).quotientAndRemainder(dividingBy: 100)
        if rest == 0 { return "\(whole)" }
        return rest % 10 == 0 ? "\(whole).\(rest / 10)" : "\(whole).\(rest < 10 ? "0" : "")\(rest)"
    }

    /// A length with the precision that a reader needs: `812 bytes`, `3.1 MiB`, `120 GiB`.
    public static func bytes(_ bytes: Int64) -> String {
        guard bytes >= 1024 else { return count(bytes, "byte") }
        var value = Double(bytes)
        var unit = "bytes"
        for next in ["KiB", "MiB", "GiB", "TiB"] where value >= 1024 {
            value /= 1024
            unit = next
        }
        let tenths = Int((value * 10).rounded())
        return tenths < 100 ? "\(tenths / 10).\(tenths % 10) \(unit)" : "\(tenths / 10) \(unit)"
    }

    /// A count and its noun: `1 record`, `2 records`, `0 entries`.
    ///
    /// - Parameters:
    ///   - noun: in the singular.
    ///   - plural: where it is not the noun with an `s`.
    public static func count(
        _ count: some BinaryInteger, _ noun: String, plural: String? = nil
    ) -> String {
        "\(count) \(count == 1 ? noun : plural ?? noun + "s")"
    }
}
