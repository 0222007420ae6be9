/// Times as protocols write them, in whole seconds since the epoch.
extension Timestamp {
    /// `20150830T123600Z` (ISO 8601, basic form).
    public static func basic(seconds: Int64) -> String {
        let days = floor(seconds, by: 86_400)
        let date = CivilDate(daysSinceEpoch: days)
        let clock = Int(remainder(seconds, by: 86_400))
        return padded(date.year, 4) + padded(date.month, 2) + padded(date.day, 2) + "T"
            + padded(clock / 3600, 2) + padded(clock / 60 % 60, 2) + padded(clock % 60, 2) + "Z"
    }

    /// Reads `2026-11-24T12:00:00Z` (RFC 3339), also with a fraction of a second, which is dropped,
    /// and with a zone such as `+01:00` instead of `Z`; nil for anything else.
    public static func seconds(rfc3339 text: String) -> Int64? {
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

    /// Reads the `Date` header, `Tue, 24 Nov 2026 12:00:00 GMT` (RFC 9110, section 5.6.7).
    public static func seconds(http text: String) -> Int64? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT",
            let month = months.firstIndex(of: String(words[2]))
        else { return nil }
        let clock = words[4].split(separator: ":").map { Int($0) }
        guard clock.count == 3 else { return nil }
        return seconds(
            year: Int(words[3]), month: month + 1, day: Int(words[1]), hour: clock[0],
            minute: clock[1], second: clock[2])
    }

    /// `Tue, 24 Nov 2026 12:00:00 GMT` (RFC 9110, section 5.6.7).
    public static func http(seconds: Int64) -> String {
        let days = floor(seconds, by: 86_400)
        let date = CivilDate(daysSinceEpoch: days)
        let clock = Int(remainder(seconds, by: 86_400))
        // 1 January 1970 was a Thursday.
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][Int(remainder(days, by: 7))]
        return "\(weekday), \(padded(date.day, 2)) \(months[date.month - 1]) "
            + "\(padded(date.year, 4)) \(padded(clock / 3600, 2)):"
            + "\(padded(clock / 60 % 60, 2)):\(padded(clock % 60, 2)) GMT"
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

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
        let ahead = Int64(hour * 3600 + minute * 60)
        return sign == UInt8(ascii: "-") ? -ahead : ahead
    }

    /// A number of decimal digits only.
    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        let isNumber = digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return isNumber ? Int(String(decoding: digits, as: UTF8.self)) : nil
    }

    private static func seconds(
        year: Int?, month: Int?, day: Int?, hour: Int?, minute: Int?, second: Int?
    ) -> Int64? {
        // 60 is a leap second; it counts as the next one.
        guard let year, let month, let day, let hour, let minute, let second,
            (1970...9999).contains(year), (0...23).contains(hour), (0...59).contains(minute),
            (0...60).contains(second),
            let days = CivilDate.days(year: year, month: month, day: day)
        else { return nil }
        return days * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    }
}
