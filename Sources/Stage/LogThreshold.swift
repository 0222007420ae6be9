import Configuration
import Synchronization

/// The least level that a log writes, which a new configuration may change while others log.
final class LogThreshold: Sendable {
    private let place: Atomic<Int>

    init(_ level: LogLevel) { place = Atomic(Self.place(of: level)) }

    var level: LogLevel {
        get { LogLevel.allCases[place.load(ordering: .relaxed)] }
        set { place.store(Self.place(of: newValue), ordering: .relaxed) }
    }

    private static func place(of level: LogLevel) -> Int {
        LogLevel.allCases.firstIndex(of: level) ?? 0
    }
}
