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

    /// The event times of a day, such as `2024-01-31`, µs since the epoch.
    static func times(ofDay day: String) throws -> Range<Int64> {
        guard !day.contains("T"), let start = Timestamp.parse(day) else {
            throw StageFailure(.usage, "\"\(day)\" is not a day, such as 2024-01-31")
        }
        return start..<(start + Timestamp.day)
    }

    /// - Parameters:
    ///   - day: `2024-01-31`.
    ///   - from: an id or a time.
    ///   - to: the last id, or the time before which the range ends.
    init(day: String?, from: String?, to: String?, isTime: Bool) throws {
        if let day {
            guard from == nil, to == nil else {
                throw StageFailure(.usage, "--day is a range already: leave out --from and --to")
            }
            range = .times(try Self.times(ofDay: day))
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
        if !isTime, let first = Int64(from), let last = Int64(to) {
            guard first <= last else { throw StageFailure(.usage, "the range is empty") }
            range = .ids(first...last)
            // The answer has them.
            words = nil
            return
        }
        words = "\(from) to \(to)"
        guard let start = Timestamp.parse(from), let end = Timestamp.parse(to) else {
            throw StageFailure(
                .usage,
                "\(from) to \(to): both are ids, or both are UTC times such as 2024-01-31T12:00")
        }
        guard start < end else { throw StageFailure(.usage, "the range is empty") }
        range = .times(start..<end)
    }
}
