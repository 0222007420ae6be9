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

    /// Reads `2026-11-24T12:00:00Z`, also with a fraction of a second, and with a zone such as
    /// `+01:00` instead of `Z`; nil for anything else.
    static func parseISO(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"),
            bytes[16] == UInt8(ascii: ":")
        else { return nil }
        var end = 19
        if bytes[end] == UInt8(ascii: ".") {
            end = bytes[20...].firstIndex { number([$0]) == nil } ?? bytes.count
            if end == 20 { return nil }
        }
        guard let zone = zone(bytes[end...]) else { return nil }
        let local = seconds(
            year: number(bytes[0..<4]), month: number(bytes[5..<7]), day: number(bytes[8..<10]),
            hour: number(bytes[11..<13]), minute: number(bytes[14..<16]),
            second: number(bytes[17..<19]))
        return local.map { $0 - zone }
    }

    /// The seconds by which a zone is ahead: `Z`, `+hh:mm`, `+hhmm` or `+hh`, or with a minus.
    private static func zone(_ text: ArraySlice<UInt8>) -> Int64? {
        if text.elementsEqual([UInt8(ascii: "Z")]) { return 0 }
        guard let sign = text.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else {
            return nil
        }
        let rest = text.dropFirst()
        var minutes = rest.dropFirst(2)
        if minutes.count == 3, minutes.first == UInt8(ascii: ":") { minutes.removeFirst() }
        guard rest.count >= 2, minutes.isEmpty || minutes.count == 2,
            let hour = number(rest.prefix(2)), hour <= 23,
            let minute = minutes.isEmpty ? 0 : number(minutes), minute <= 59
        else { return nil }
        let ahead = Int64(hour) * 3600 + Int64(minute) * 60
        return sign == UInt8(ascii: "-") ? -ahead : ahead
    }

    /// A number of decimal digits only.
    private static func number(_ digits: ArraySlice<UInt8>) -> Int32? {
        let isNumber = digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return isNumber ? Int32(String(decoding: digits, as: UTF8.self)) : nil
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
