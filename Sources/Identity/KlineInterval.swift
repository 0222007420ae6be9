import Encoding

/// The intervals of klines; a record's `series` is the code, which is never reused.
public enum KlineInterval: String, CaseIterable, Sendable {
    case second1 = "1s"
    case minute1 = "1m"
    case minute3 = "3m"
    case minute5 = "5m"
    case minute15 = "15m"
    case minute30 = "30m"
    case hour1 = "1h"
    case hour2 = "2h"
    case hour4 = "4h"
    case hour6 = "6h"
    case hour8 = "8h"
    case hour12 = "12h"
    case day1 = "1d"
    case day3 = "3d"
    case week1 = "1w"
    case month1 = "1M"

    /// The venue's name without a `String`.
    public var word: StaticString {
        switch self {
        case .second1: "1s"
        case .minute1: "1m"
        case .minute3: "3m"
        case .minute5: "5m"
        case .minute15: "15m"
        case .minute30: "30m"
        case .hour1: "1h"
        case .hour2: "2h"
        case .hour4: "4h"
        case .hour6: "6h"
        case .hour8: "8h"
        case .hour12: "12h"
        case .day1: "1d"
        case .day3: "3d"
        case .week1: "1w"
        case .month1: "1M"
        }
    }

    /// 1 for `1s` to 16 for `1M`, in the order of length.
    public var code: UInt16 {
        UInt16(Self.allCases.firstIndex(of: self) ?? 0) + 1
    }

    /// The interval of a code; nil for one not known here.
    public init?(code: UInt16) {
        guard code >= 1, code <= Self.allCases.count else { return nil }
        self = Self.allCases[Int(code) - 1]
    }

    /// The interval that holds an open time: its first and last µs.
    ///
    /// Weeks begin on Monday, months on the first, three days are counted from the epoch, all UTC
    /// (docs/venue.md). Open times that were not aligned, which early history has, fall into the
    /// interval around them.
    public func bucket(of time: Int64) -> ClosedRange<Int64> {
        // Far from any market: keeps the arithmetic below from overflowing.
        guard time > -(1 << 60), time < 1 << 60 else { return time...time }
        if self == .month1 {
            let days = Timestamp.floor(time, by: Timestamp.day)
            let date = Timestamp.CivilDate(daysSinceEpoch: days)
            let first = days - Int64(date.day - 1)
            let next = Timestamp.CivilDate(daysSinceEpoch: first + 31)
            let following = first + 31 - Int64(next.day - 1)
            return (first * Timestamp.day)...(following * Timestamp.day - 1)
        }
        // 1970-01-01 was a Thursday: weeks begin four days later.
        let shift = self == .week1 ? 4 * Timestamp.day : 0
        let start = Timestamp.floor(time - shift, by: length) * length + shift
        return start...(start + length - 1)
    }

    /// µs of an interval; for a month, of its longest.
    public var length: Int64 {
        let minute = 60 * Timestamp.second
        return switch self {
        case .second1: Timestamp.second
        case .minute1: minute
        case .minute3: 3 * minute
        case .minute5: 5 * minute
        case .minute15: 15 * minute
        case .minute30: 30 * minute
        case .hour1: 60 * minute
        case .hour2: 120 * minute
        case .hour4: 240 * minute
        case .hour6: 360 * minute
        case .hour8: 480 * minute
        case .hour12: 720 * minute
        case .day1: Timestamp.day
        case .day3: 3 * Timestamp.day
        case .week1: 7 * Timestamp.day
        case .month1: 31 * Timestamp.day
        }
    }
}
