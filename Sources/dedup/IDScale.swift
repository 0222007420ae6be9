import Encoding
import Identity

/// Numbers ids by a unit of which all of a sequence are multiples.
///
/// A kline takes up every microsecond of its interval. By minutes or days it is one id or a few, so
/// that klines with holes between them are as close to each other as trades are.
struct IDScale {
    /// From here on, and from minus this on down, ids are what they are: no market is so far from the
    /// epoch, and `KlineInterval.bucket(of:)` leaves such times alone too.
    private static let far: Int64 = 1 << 60

    private let unit: Int64

    /// For the ids that records of a sequence take up.
    init(_ sequence: SequenceID) {
        guard sequence.kind == .kline, let interval = KlineInterval(code: sequence.series) else {
            unit = 1
            return
        }
        // Weeks and months begin with a day.
        unit = min(interval.length, Timestamp.day)
    }

    /// The numbers that ids fall into.
    func numbers(_ ids: ClosedRange<Int64>) -> ClosedRange<Int64> {
        unit == 1 ? ids : number(ids.lowerBound)...number(ids.upperBound)
    }

    /// The ids of numbers.
    func ids(_ numbers: ClosedRange<Int64>) -> ClosedRange<Int64> {
        if unit == 1 { return numbers }
        let first = firstID(numbers.lowerBound)
        guard numbers.upperBound < .max else { return first...(.max) }
        return first...max(first, firstID(numbers.upperBound + 1) - 1)
    }

    private func number(_ id: Int64) -> Int64 {
        Self.isFar(id) ? id : Timestamp.floor(id, by: unit)
    }

    private func firstID(_ number: Int64) -> Int64 {
        if Self.isFar(number) { return number }
        let (id, overflow) = number.multipliedReportingOverflow(by: unit)
        guard overflow || Self.isFar(id) else { return id }
        return number < 0 ? 1 - Self.far : Self.far
    }

    private static func isFar(_ id: Int64) -> Bool { id <= -far || id >= far }
}
