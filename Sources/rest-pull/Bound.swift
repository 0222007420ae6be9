import Binance
import Posix
import Records

/// One end of the asked range: `--from` or `--to`.
enum Bound: Equatable {
    /// µs since the epoch, UTC.
    case time(Int64)
    /// A trade or aggregate id.
    case id(Int64)

    /// Takes what the command line says: digits are an id, or for klines an epoch time; anything
    /// else is a date or time in UTC.
    init(_ text: String, forKlines: Bool) throws(BoundError) {
        if text == "now" {
            self = .time(Clock.realtimeNanoseconds() / 1000)
        } else if !text.isEmpty, text.allSatisfy({ $0.isASCII && $0.isNumber }) {
            guard let number = Int64(text) else { throw BoundError(text: text) }
            self = forKlines ? .time(VenueTime.microseconds(number)) : .id(number)
        } else if let time = Timestamp.parse(text) {
            self = .time(time)
        } else {
            throw BoundError(text: text)
        }
    }
}

/// A text that is no bound.
struct BoundError: Error, CustomStringConvertible {
    let text: String

    var description: String {
        "\"\(text)\" is neither an id nor a UTC time such as 2024-01-31 or 2024-01-31T23:59:59Z"
    }
}
