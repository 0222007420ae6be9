import Encoding
import Identity
import Ledger
import Posix
import Stage

/// Ids as text: numbers, or times for klines.
struct IDText {
    let isTime: Bool

    /// The form of a sequence's ids.
    init(_ sequence: SequenceID) { isTime = sequence.kind == .kline }

    func text(_ range: ClosedRange<Int64>) -> String {
        isTime ? Self.times(range) : "\(range.lowerBound) to \(range.upperBound)"
    }

    func count(_ set: IDSet) -> String {
        isTime
            ? Self.count(set.intervalCount, "stretch", "stretches")
            : Spoken.count(set.total, "id")
    }

    /// What an option says; ids of damaged messages can be any number.
    func parse(_ text: String, option: String) throws(StageFailure) -> Int64 {
        if !isTime {
            guard let id = Int64(text) else {
                throw StageFailure(
                    .usage, "\(option): \"\(text)\" is not an id; times are for klines")
            }
            return id
        }
        switch try RangeEnd(text, option: option, numbersAreTimes: true) {
        case .id(let number), .time(let number): return number
        }
    }

    /// The range of two options.
    ///
    /// - Parameter known: what stands for an option that is not given.
    func range(
        from: String?, to: String?, known: ClosedRange<Int64>?, title: String
    ) throws -> ClosedRange<Int64> {
        let first = try from.map { try parse($0, option: "--from") } ?? known?.lowerBound
        let last =
            try to.map { text in
                let last = try parse(text, option: "--to")
                return isTime ? last - 1 : last
            } ?? known?.upperBound
        guard let first, let last, first <= last else {
            throw StageFailure(.usage, "\(title): the range is empty")
        }
        return first...last
    }

    /// Event times, µs since the epoch.
    static func times(_ range: ClosedRange<Int64>) -> String {
        Timestamp.text(microseconds: range.lowerBound) + " to "
            + Timestamp.text(microseconds: range.upperBound)
    }

    static func count(_ count: Int, _ one: String, _ many: String) -> String {
        count == 1 ? "1 \(one)" : "\(count) \(many)"
    }
}

extension Coverage {
    /// The first of the holes between what is held, those that were declared left out.
    func holes(_ most: Int) -> [ClosedRange<Int64>] {
        var holes: [ClosedRange<Int64>] = []
        guard most > 0 else { return holes }
        forEachHole { hole in
            holes.append(hole)
            return holes.count < most
        }
        return holes
    }
}
