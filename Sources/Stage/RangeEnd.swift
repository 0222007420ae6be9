import Encoding
import Posix

/// One end of a range that a person asks for: `--from` or `--to`, the same words in every program.
public enum RangeEnd: Equatable, Sendable {
    /// µs since the epoch, UTC.
    case time(Int64)
    /// A trade, aggregate or update id.
    case id(Int64)

    /// Takes what the command line says: digits are an id; anything else is a date or time in UTC,
    /// such as `2024-01-31`, `2024-01-31T23:59:59Z`, `yesterday` or `-2h`.
    ///
    /// - Parameters:
    ///   - option: what the message names, such as `--from`.
    ///   - numbersAreTimes: true for klines, which have no ids: digits are the venue's time in ms or µs.
    /// - Throws: `.usage`.
    public init(
        _ text: String, option: String, numbersAreTimes: Bool = false
    ) throws(StageFailure) {
        func refuse(_ reason: String) -> StageFailure {
            StageFailure(.usage, "\(option): \(reason)")
        }
        if text.hasPrefix("-"), text.dropFirst().allSatisfy(Self.isDigit) {
            throw refuse("\"\(text)\" is negative: ids begin at 0, times at 1970-01-01")
        } else if !text.isEmpty, text.allSatisfy(Self.isDigit) {
            guard let number = Int64(text), number < .max else {
                throw refuse("\"\(text)\" is larger than any id can be")
            }
            guard numbersAreTimes else {
                self = .id(number)
                return
            }
            guard let time = Self.time(ofKlines: number) else {
                let hint = EpochNumber(number).map { "; \($0.hint)" } ?? ""
                throw refuse("\(number) is not a time in milliseconds or microseconds\(hint)")
            }
            self = .time(time)
        } else if let time = Timestamp.typed(text, now: Self.now) {
            self = .time(time)
        } else {
            let other = numbersAreTimes ? "not a UTC time" : "neither an id nor a UTC time"
            throw refuse("\"\(text)\" is \(other) such as \(Self.examples)")
        }
    }

    /// Times that every program takes, for messages.
    public static let examples = "2024-01-31, 2024-01-31T23:59:59Z, yesterday or -2h"

    /// A day in UTC: `2024-01-31`, `today` or `yesterday`.
    ///
    /// - Parameter option: what the message names, such as `--day`.
    /// - Returns: its times, µs since the epoch.
    /// - Throws: `.usage`.
    public static func day(
        _ text: String, option: String = "--day"
    ) throws(StageFailure) -> Range<Int64> {
        let isName = ["today", "yesterday"].contains(text.lowercased())
        guard isName || text.utf8.count == "2024-01-31".utf8.count,
            let start = Timestamp.typed(text, now: now), start % Timestamp.day == 0
        else {
            throw StageFailure(
                .usage, "\(option): \"\(text)\" is not a day such as 2024-01-31 or yesterday")
        }
        return start..<(start + Timestamp.day)
    }

    private static var now: Int64 { Clock.realtimeNanoseconds() / 1000 }

    private static func isDigit(_ character: Character) -> Bool {
        character.isASCII && character.isNumber
    }

    /// A number is the venue's time, and 0 the beginning of its history.
    private static func time(ofKlines number: Int64) -> Int64? {
        if number == 0 { return 0 }
        guard let epoch = EpochNumber(number),
            epoch.unit == .milliseconds || epoch.unit == .microseconds
        else { return nil }
        return epoch.microseconds
    }

    /// True when nothing can be between this one as the first and another as the last. An id is the
    /// last one itself, a time is behind the last; an id and a time are not compared.
    public func isAfter(_ end: RangeEnd) -> Bool {
        switch (self, end) {
        case (.id(let first), .id(let last)): first > last
        case (.time(let first), .time(let end)): first >= end
        default: false
        }
    }
}
