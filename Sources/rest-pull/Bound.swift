import Binance
import Encoding
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

    /// True when nothing can lie between this one as the first and another as the last. An id is the
    /// last one itself, a time is behind the last; an id and a time are not compared.
    func isAfter(_ end: Bound) -> Bool {
        switch (self, end) {
        case (.id(let first), .id(let last)): first > last
        case (.time(let first), .time(let end)): first >= end
        default: false
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
