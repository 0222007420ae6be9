/// Keeps a cause that others can drive, such as the venue's own errors, to a few log lines a minute.
public struct LogLimit: Sendable {
    /// Lines of one cause in a minute.
    private static let lines = 5
    private static let minute: Int64 = 60_000_000_000

    private var since: Int64 = .min
    private var count = 0

    /// Lines that were left out since the last one that was written.
    public private(set) var leftOut = 0

    /// Nothing was written yet.
    public init() {}

    /// True when a line may be written now; ``leftOut`` is what it has to tell of, and forgotten
    /// with ``told()``.
    ///
    /// - Parameter now: monotonic ns.
    public mutating func allows(at now: Int64) -> Bool {
        if since == .min || now - since >= Self.minute {
            since = now
            count = 0
        }
        count += 1
        if count <= Self.lines { return true }
        leftOut += 1
        return false
    }

    /// What was left out, for the line that is written now.
    public mutating func told() -> Int {
        defer { leftOut = 0 }
        return leftOut
    }
}
