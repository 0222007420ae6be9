import Posix

/// A configuration that was read again while the stage runs, on its way from the thread that read
/// it to the stage's loop.
public final class Reloads: Sendable {
    private struct Box: @unchecked Sendable {
        let plan: Any
    }

    private let latest = Locked<Box?>(nil)
    private let changed: WakeupFlag

    init() throws(SystemError) { changed = try WakeupFlag() }

    /// Readable while a new configuration waits; for poll loops.
    public var descriptor: Int32 { changed.descriptor }

    /// Leaves a new configuration; one before it that was not taken is out of date.
    func post(_ plan: Any) {
        let box = Box(plan: plan)
        latest.withLock { $0 = box }
        changed.raise()
    }

    /// The configuration that waits; nil where none does. For the loop, once a turn.
    public func take<Plan>(_ type: Plan.Type = Plan.self) -> Plan? {
        guard changed.isRaised else { return nil }
        _ = changed.lower()
        return latest.withLock { box in
            defer { box = nil }
            return box?.plan as? Plan
        }
    }
}
