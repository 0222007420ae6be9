import Glibc

/// Seconds since the epoch, as AWS writes them.
enum Timestamps {
    /// `20150830T123600Z`.
    static func basic(_ seconds: Int64) -> String {
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        return digits(Int(parts.tm_year) + 1900, 4) + digits(Int(parts.tm_mon) + 1, 2)
            + digits(Int(parts.tm_mday), 2) + "T" + digits(Int(parts.tm_hour), 2)
            + digits(Int(parts.tm_min), 2) + digits(Int(parts.tm_sec), 2) + "Z"
    }

    /// Reads `2026-11-24T12:00:00Z`, also with a fraction of a second; nil for anything else.
    static func parseISO(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z"), bytes[4] == UInt8(ascii: "-"),
            bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":")
        else { return nil }
        func number(_ start: Int, _ length: Int) -> Int32? {
            Int32(String(decoding: bytes[start..<start + length], as: UTF8.self))
        }
        return seconds(
            year: number(0, 4), month: number(5, 2), day: number(8, 2), hour: number(11, 2),
            minute: number(14, 2), second: number(17, 2))
    }

    /// Reads the `Date` header, `Tue, 24 Nov 2026 12:00:00 GMT` (RFC 9110, section 5.6.7).
    static func parseHTTP(_ text: String) -> Int64? {
        let words = text.split(separator: " ")
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        guard words.count == 6, words[5] == "GMT",
            let month = months.firstIndex(of: String(words[2]))
        else { return nil }
        let clock = words[4].split(separator: ":").map { Int32($0) }
        guard clock.count == 3 else { return nil }
        return seconds(
            year: Int32(words[3]), month: Int32(month + 1), day: Int32(words[1]), hour: clock[0],
            minute: clock[1], second: clock[2])
    }

    private static func seconds(
        year: Int32?, month: Int32?, day: Int32?, hour: Int32?, minute: Int32?, second: Int32?
    ) -> Int64? {
        guard let year, let month, let day, let hour, let minute, let second,
            (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(day),
            (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second)
        else { return nil }
        var parts = tm()
        parts.tm_year = year - 1900
        parts.tm_mon = month - 1
        parts.tm_mday = day
        parts.tm_hour = hour
        parts.tm_min = minute
        parts.tm_sec = second
        return Int64(timegm(&parts))
    }

    private static func digits(_ value: Int, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
}
