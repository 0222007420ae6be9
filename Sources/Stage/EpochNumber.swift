import Encoding

/// A number that may have been meant as a time: seconds since the epoch where an id is expected is
/// the most frequent mistake of all.
public struct EpochNumber {
    /// What the number counts.
    public enum Unit: String, CaseIterable {
        case seconds, milliseconds, microseconds, nanoseconds
    }

    /// The number as it was typed.
    public let number: Int64
    /// What it counts since 1970-01-01, UTC.
    public let unit: Unit
    /// The time, µs.
    public let microseconds: Int64

    /// From 2009 to the end of 2099 in one of the units; nil for other numbers.
    public init?(_ number: Int64) {
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
    public var time: String {
        let text = Timestamp.text(microseconds: microseconds)
        return text.hasSuffix(".000000Z") ? text.dropLast(8) + "Z" : text
    }

    /// The way to say what was probably meant.
    public var hint: String {
        "\(number) looks like \(unit.rawValue) since the epoch: write \(time)"
    }
}
