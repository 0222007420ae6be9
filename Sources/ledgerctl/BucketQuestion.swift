import Bronze
import Encoding
import Identity
import Posix
import Stage

/// Which range of which sequences of a bucket is asked about.
struct BucketQuestion {
    /// What the ids or times of the options are.
    let range: ProofRange
    /// The range for people; nil where the answer has it anyway.
    let words: String?

    /// - Parameters:
    ///   - day: `2024-01-31`.
    ///   - from: an id or a time.
    ///   - to: the last id, or the time before which the range ends.
    init(day: String?, from: String?, to: String?, isTime: Bool) throws {
        if let day {
            guard from == nil, to == nil else {
                throw StageFailure(.usage, "--day is a range already: leave out --from and --to")
            }
            range = .times(try RangeEnd.day(day))
            words = day
            return
        }
        guard from != nil || to != nil else {
            range = .all
            words = nil
            return
        }
        guard let from, let to else {
            throw StageFailure(.usage, "--from and --to go together (or --day)")
        }
        let first = try RangeEnd(from, option: "--from", numbersAreTimes: isTime)
        let last = try RangeEnd(to, option: "--to", numbersAreTimes: isTime)
        guard !first.isAfter(last) else {
            throw StageFailure(.usage, "--from \(from) is not before --to \(to)")
        }
        switch (first, last) {
        case (.id(let first), .id(let last)):
            range = .ids(first...last)
            // The answer has them.
            words = nil
        case (.time(let start), .time(let end)):
            range = .times(start..<end)
            words = "\(from) to \(to)"
        default:
            throw StageFailure(
                .usage,
                "--from \(from), --to \(to): both are ids, or both are UTC times such as "
                    + RangeEnd.examples)
        }
    }
}
