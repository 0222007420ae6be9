/// Times as answers have them: RFC 3339, UTC, with milliseconds.
public enum TimeText {
    /// Of ns since the epoch.
    public static func of(nanoseconds: Int64) -> String {
        let milliseconds = nanoseconds >= 0 ? nanoseconds / 1_000_000 : 0
        let seconds = milliseconds / 1000
        // Howard Hinnant's algorithm for the civil date of a day.
        let days = seconds / 86_400 + 719_468
        let era = days / 146_097
        let ofEra = days - era * 146_097
        let year = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * year + year / 4 - year / 100)
        let shifted = (5 * ofYear + 2) / 153
        let day = ofYear - (153 * shifted + 2) / 5 + 1
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let date = "\(year + era * 400 + (month <= 2 ? 1 : 0))-\(two(month))-\(two(day))"
        let time =
            "\(two(seconds / 3600 % 24)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
        let fraction = String(milliseconds % 1000 + 1000).dropFirst()
        return "\(date)T\(time).\(fraction)Z"
    }

    private static func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
