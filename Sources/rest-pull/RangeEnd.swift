import Binance
import Encoding
import Posix
import Records

/// One end of the asked range: `--from` or `--to`.
enum RangeEnd: Equatable {
    /// µs since the epoch, UTC.
    case time(Int64)
    /// A trade or aggregate id.
    case id(Int64)

    /// Takes what the command line says: digits are an id, or for klines an epoch time in ms or µs;
    /// anything else is a date or time in UTC.
    init(_ text: String, forKlines: Bool) throws(RangeEndError) {
        if text.hasPrefix("-"), text.dropFirst().allSatisfy(Self.isDigit) {
            throw RangeEndError("\"\(text)\" is negative: ids begin at 0, times at 1970-01-01")
        } else if !text.isEmpty, text.allSatisfy(Self.isDigit) {
            guard let number = Int64(text), number < .max else {
                throw RangeEndError("\"\(text)\" is larger than any id can be")
            }
            self = forKlines ? .time(try Self.epochTime(number)) : .id(number)
        } else if let time = Timestamp.typed(text, now: Clock.realtimeNanoseconds() / 1000) {
            self = .time(time)
        } else {
            throw RangeEndError(
                "\"\(text)\" is neither an id nor a UTC time such as 2024-01-31, "
                    + "2024-01-31T23:59:59Z, yesterday or -2h")
        }
    }

    private static func isDigit(_ character: Character) -> Bool {
        character.isASCII && character.isNumber
    }

    /// Klines have no ids: a number is the venue's time, and 0 the beginning of its history.
    private static func epochTime(_ number: Int64) throws(RangeEndError) -> Int64 {
        if number == 0 { return 0 }
        switch EpochNumber(number) {
        case .some(let epoch) where epoch.unit == .milliseconds || epoch.unit == .microseconds:
            return epoch.microseconds
        case let epoch:
            throw RangeEndError(
                "\(number) is not a time of klines in milliseconds or microseconds"
                    + (epoch.map { "; \($0.hint)" } ?? ""))
        }
    }

    /// True when nothing can be between this one as the first and another as the last. An id is the
    /// last one itself, a time is behind the last; an id and a time are not compared.
    func isAfter(_ end: RangeEnd) -> Bool {
        switch (self, end) {
        case (.id(let first), .id(let last)): first > last
        case (.time(let first), .time(let end)): first >= end
        default: false
        }
    }
}

/// A number that may have been meant as a time: seconds since the epoch where an id is expected is
/// the most frequent mistake of all.
struct EpochNumber {
    enum Unit: String, CaseIterable {
        case seconds, milliseconds, microseconds, nanoseconds
    }

    let number: Int64
    let unit: Unit
    /// The time, µs.
    let microseconds: Int64

    /// From 2009 to the end of 2099 in one of the units; nil for other numbers.
    init?(_ number: Int64) {
        self.number = number
        var scale: Int64 = 1
        for unit in Unit.allCases {
            let seconds = number / scale
            if (1_230_768_000..<4_102_444_800).contains(seconds) {
                self.unit = unit
                microseconds =
                    scale > Timestamp.second
                    ? number / (scale / Timestamp.second) : number * (Timestamp.second / scale)
                return
            }
            scale *= 1000
        }
        return nil
    }

    /// What it would be as a time.
    var time: String {
        let text = Timestamp.text(microseconds: microseconds)
        return text.hasSuffix(".000000Z") ? text.dropLast(8) + "Z" : text
    }

    /// The way to say what was probably meant.
    var hint: String {
        "\(number) looks like \(unit.rawValue) since the epoch: write \(time)"
    }
}

/// A text that does not name an end of a range.
struct RangeEndError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
