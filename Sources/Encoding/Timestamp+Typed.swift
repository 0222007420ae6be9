extension Timestamp {
    /// A time as people type it, in UTC: what ``parse(_:)`` takes, with a space for the `T` and an
    /// offset such as `+02:00` where one is wanted; `now`, `today`, `yesterday` (where a day
    /// begins); and a time ago, such as `-90m` or `-1d`.
    ///
    /// - Parameter now: µs since the epoch.
    /// - Returns: µs since the epoch; nil when it is none of these.
    public static func typed(_ text: String, now: Int64) -> Int64? {
        let today = now - remainder(now, by: day)
        switch text.lowercased() {
        case "now": return now
        case "today": return today
        case "yesterday": return today - day
        default: break
        }
        if text.hasPrefix("-") { return ago(text.dropFirst()).flatMap { now - $0 } }
        var rest = Substring(text)
        var offset: Int64 = 0
        // Behind the time only: a date has dashes, too.
        if rest.contains(":"), let sign = rest.lastIndex(where: { $0 == "+" || $0 == "-" }),
            let colon = rest.firstIndex(of: ":"), sign > colon
        {
            guard let found = self.offset(rest[sign...]) else { return nil }
            offset = found
            rest = rest[..<sign]
            if rest.hasSuffix("Z") { return nil }
        }
        let parts = rest.split(separator: " ", omittingEmptySubsequences: true)
        guard (1...2).contains(parts.count) else { return nil }
        return parse(parts.joined(separator: "T")).map { $0 - offset }
    }

    /// `90m`, `1d`, `2w` in µs; nil for anything else, and for more than a thousand years.
    private static func ago(_ text: Substring) -> Int64? {
        let units: [Character: Int64] = [
            "s": second, "m": 60 * second, "h": 3600 * second, "d": day, "w": 7 * day,
        ]
        guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()),
            count >= 0
        else { return nil }
        let (span, overflow) = count.multipliedReportingOverflow(by: unit)
        return overflow || span > 366_000 * day ? nil : span
    }

    /// `+02:00`, `-0330` in µs.
    private static func offset(_ text: Substring) -> Int64? {
        let digits = text.dropFirst().filter { $0 != ":" }
        guard digits.count == 4, digits.allSatisfy({ $0.isASCII && $0.isNumber }),
            let hours = Int64(digits.prefix(2)), let minutes = Int64(digits.suffix(2)),
            hours <= 18, minutes < 60
        else { return nil }
        let span = (hours * 60 + minutes) * 60 * second
        return text.hasPrefix("-") ? -span : span
    }
}
