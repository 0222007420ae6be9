/// Times as text and back, UTC, without Foundation.
public enum Timestamp {
    /// Microseconds in a second.
    public static let second: Int64 = 1_000_000
    /// Microseconds in a day.
    public static let day: Int64 = 86_400 * second

    /// A day in the proleptic Gregorian calendar.
    public struct CivilDate: Equatable, Sendable {
        /// For example 2024.
        public let year: Int
        /// 1 to 12.
        public let month: Int
        /// 1 to 31.
        public let day: Int

        /// The date of a day.
        ///
        /// - Parameter days: since 1970-01-01; may be negative.
        public init(daysSinceEpoch days: Int64) {
            // Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2013: eras of
            // 400 years that begin in March, so that the leap day is the last of its year.
            let shifted = days + 719_468
            let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
            let dayOfEra = shifted - era * 146_097
            let yearOfEra =
                (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
            let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
            let shiftedMonth = (5 * dayOfYear + 2) / 153
            day = Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
            month = Int(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9)
            year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
        }

        /// Days since 1970-01-01 of a date; nil when there is no such date.
        public static func days(year: Int, month: Int, day: Int) -> Int64? {
            guard (1...12).contains(month), (1...31).contains(day), (1...9999).contains(year) else {
                return nil
            }
            let shiftedYear = Int64(month <= 2 ? year - 1 : year)
            let era = shiftedYear / 400
            let yearOfEra = shiftedYear - era * 400
            let dayOfYear = Int64((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1)
            let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
            let days = era * 146_097 + dayOfEra - 719_468
            let back = CivilDate(daysSinceEpoch: days)
            return back.month == month && back.day == day ? days : nil
        }
    }

    /// Floor division: the quotient is rounded down, also for times before the epoch.
    @inlinable
    public static func floor(_ value: Int64, by divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }

    /// What ``floor(_:by:)`` leaves: 0 to divisor − 1. Unlike a difference it cannot overflow.
    @inlinable
    public static func remainder(_ value: Int64, by divisor: Int64) -> Int64 {
        let rest = value % divisor
        return rest < 0 ? rest + divisor : rest
    }

    /// `2024-01-31`.
    public static func date(microseconds: Int64) -> String {
        let date = CivilDate(daysSinceEpoch: floor(microseconds, by: day))
        return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
    }

    /// 0 to 23.
    public static func hour(microseconds: Int64) -> Int {
        Int(remainder(microseconds, by: day) / (3600 * second))
    }

    /// `2024-01-31T23:59:59.123456Z`.
    public static func text(microseconds: Int64) -> String {
        let clock = Int(remainder(microseconds, by: day) / second)
        return date(microseconds: microseconds)
            + "T\(padded(clock / 3600, 2)):\(padded(clock / 60 % 60, 2)):\(padded(clock % 60, 2))"
            + ".\(padded(Int(remainder(microseconds, by: second)), 6))Z"
    }

    /// As ``text(microseconds:)``, from nanoseconds.
    public static func text(nanoseconds: Int64) -> String {
        text(microseconds: floor(nanoseconds, by: 1000))
    }

    /// `2024-01-31T23:59:59.123Z`, as answers of HTTP services have it.
    public static func milliseconds(nanoseconds: Int64) -> String {
        text(nanoseconds: nanoseconds).dropLast(4) + "Z"
    }

    /// A date (`2024-01-31`) or time (`2024-01-31T23:59`, with seconds, up to six decimals and an
    /// optional `Z`), in UTC.
    ///
    /// - Returns: µs since the epoch; nil when the text is neither.
    public static func parse(_ text: String) -> Int64? {
        var rest = Substring(text)
        if rest.hasSuffix("Z") && rest.contains("T") { rest = rest.dropLast() }
        let halves = rest.split(separator: "T", maxSplits: 1, omittingEmptySubsequences: false)
        let date = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        guard date.count == 3, date[0].count == 4, date[1].count == 2, date[2].count == 2,
            let year = digits(date[0]), let month = digits(date[1]), let monthDay = digits(date[2]),
            let days = CivilDate.days(year: year, month: month, day: monthDay)
        else { return nil }
        guard halves.count == 2 else { return days * day }
        let clock = halves[1].split(separator: ":", omittingEmptySubsequences: false)
        guard (2...3).contains(clock.count),
            clock.dropLast(clock.count - 2).allSatisfy({ $0.count == 2 }),
            let hours = digits(clock[0]), hours < 24, let minutes = digits(clock[1]), minutes < 60
        else { return nil }
        var microseconds = Int64(hours * 3600 + minutes * 60) * second
        if clock.count == 3 {
            let parts = clock[2].split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count <= 2, parts[0].count == 2, let seconds = digits(parts[0]),
                seconds < 60
            else { return nil }
            microseconds += Int64(seconds) * second
            if parts.count == 2 {
                guard (1...6).contains(parts[1].count), var fraction = digits(parts[1]) else {
                    return nil
                }
                for _ in parts[1].count..<6 { fraction *= 10 }
                microseconds += Int64(fraction)
            }
        }
        return days * day + microseconds
    }

    private static func digits(_ text: Substring) -> Int? {
        text.allSatisfy { $0.isASCII && $0.isNumber } ? Int(text) : nil
    }

    static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
