import Posix

/// Bounds the log lines that one cause can make, since a peer may drive it: that many in a period, and
/// then a count.
final class LogLimiter: Sendable {
    /// Lines of a cause in a period.
    static let lines = 5
    /// The period, ns.
    static let period: Int64 = 60_000_000_000
    /// Causes told apart; what comes beyond is one together.
    static let maximumCauses = 256

    private struct Cause {
        var begin: Int64
        var written = 0
        var leftOut = 0
    }

    private let causes = Locked<[String: Cause]>([:])

    /// Asks for a line.
    ///
    /// - Parameter now: monotonic ns.
    /// - Returns: how many lines were left out before it; nil when this one is, too.
    func admit(_ name: String, now: Int64 = Clock.monotonicNanoseconds()) -> Int? {
        causes.withLock { causes in
            let isKnown = causes[name] != nil || causes.count < Self.maximumCauses
            let name = isKnown ? name : "other"
            var cause = causes[name] ?? Cause(begin: now)
            if now - cause.begin >= Self.period {
                cause.begin = now
                cause.written = 0
            }
            defer { causes[name] = cause }
            guard cause.written < Self.lines else {
                cause.leftOut += 1
                return nil
            }
            cause.written += 1
            defer { cause.leftOut = 0 }
            return cause.leftOut
        }
    }

    /// What was left out and not told of yet, by name of the cause; forgotten with that.
    func leftOut() -> [(cause: String, lines: Int)] {
        causes.withLock { causes in
            let rest = causes.filter { $0.value.leftOut > 0 }.map { ($0.key, $0.value.leftOut) }
            for (name, _) in rest { causes[name]?.leftOut = 0 }
            return rest.sorted { $0.0 < $1.0 }.map { (cause: $0.0, lines: $0.1) }
        }
    }
}
