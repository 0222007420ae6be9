/// How many requests are under way at once: a few, and more where the venue is far away, until they use
/// the weight that it allows. A pure value: times come from the caller.
struct Parallelism {
    /// What a pull begins with, and the most that it grows to.
    static let growing = 4...32
    /// How long all have to be under way without waiting for anything else before there are more, ns.
    private static let patience: Int64 = 1_000_000_000

    private(set) var count: Int
    private let most: Int
    /// Since when nothing but replies was waited for; nil while something else is.
    private var fullSince: Int64?

    /// - Parameter fixed: as many and no more; nil lets it grow.
    init(fixed: Int?) {
        count = fixed ?? Self.growing.lowerBound
        most = fixed ?? Self.growing.upperBound
    }

    /// Looks at what is under way, once a turn.
    ///
    /// - Parameters:
    ///   - isFull: there was more to ask for than is under way.
    ///   - isHeld: something else than replies is waited for, such as weight.
    ///   - now: ns of a monotonic clock.
    mutating func note(isFull: Bool, isHeld: Bool, at now: Int64) {
        guard isFull, !isHeld, count < most else {
            fullSince = nil
            return
        }
        guard let since = fullSince else {
            fullSince = now
            return
        }
        guard now - since >= Self.patience else { return }
        count = min(count * 2, most)
        fullSince = now
    }
}
