import Configuration
import Glibc
import Posix

/// Reads the configuration of a running stage again whenever SIGHUP comes, on a thread of its own:
/// each tool's loop waits for other things, and a configuration on a slow disk must not stall it.
///
/// What a tool can take over while it runs it gets by way of ``Reloads``. What needs a new start is
/// named in the log, and stays as it was. Whatever is wrong with the new configuration, the stage
/// goes on.
final class ConfigurationReload: Sendable {
    /// A configuration, resolved: what it comes to for the tool, and each value as text.
    struct Resolved: @unchecked Sendable {
        let plan: Any
        let settings: Settings
    }

    private let log: Log
    private let reloads: Reloads
    private let takesOver: Set<String>
    private let resolve: @Sendable () throws -> Resolved
    private let onChange: @Sendable (Settings) -> Void
    private let current: Locked<[Settings.Row]>
    private let notices: ServiceNotices?

    /// - Parameters:
    ///   - settings: those in use.
    ///   - takesOver: keys that the tool takes over while it runs.
    ///   - notices: tell the service manager; nil without one.
    ///   - resolve: reads the configuration.
    ///   - onChange: gets what is in use from then on.
    init(
        _ settings: Settings, takesOver: Set<String>, _ reloads: Reloads, _ log: Log,
        _ notices: ServiceNotices?, resolve: @escaping @Sendable () throws -> Resolved,
        onChange: @escaping @Sendable (Settings) -> Void
    ) {
        self.log = log
        self.notices = notices
        self.reloads = reloads
        self.takesOver = takesOver.union([SettingCatalog.logLevel.key])
        self.resolve = resolve
        self.onChange = onChange
        current = Locked(settings.rows)
    }

    /// Starts to wait for SIGHUP.
    func start(_ hangup: WakeupFlag, mayStop: Bool) throws(SystemError) {
        let terminal = ControllingTerminal()
        try BackgroundThread.start("reload") { [self] in
            while true {
                Descriptor.waitUntilReadable(hangup.descriptor, seconds: 3600)
                guard hangup.lower() else { continue }
                if mayStop, terminal.isGone {
                    Signals.stop()
                } else if let notices {
                    notices.around(reload)
                } else {
                    reload()
                }
            }
        }
    }

    private func reload() {
        let resolved: Resolved
        do { resolved = try resolve() } catch {
            log.error("the configuration is unchanged: \(error)")
            return
        }
        let changes = current.withLock { Self.changes(from: $0, to: resolved.settings.rows) }
        let taken = changes.filter { takesOver.contains($0.key) }
        let refused = changes.filter { !takesOver.contains($0.key) }
        // Also where nothing changed: credentials of the same name may be new ones. Before it is told of,
        // so that what is sent after that goes by it.
        reloads.post(resolved.plan)
        for change in refused {
            log.warning(
                "\(change.key) needs a restart: it stays \(change.old), and is now \(change.new) "
                    + "in the configuration")
        }
        if changes.isEmpty {
            log.info("the configuration was read again and has not changed")
        } else {
            let words = taken.map { "\($0.key): \($0.old) is now \($0.new)" }
            log.info(
                "the configuration was read again",
                [
                    "changed": "\(words.joined(separator: "; "))",
                    "needs_new_start": "\(refused.map(\.key).joined(separator: ","))",
                ])
        }
        if let level = resolved.settings.value(of: SettingCatalog.logLevel) { log.level = level }
        let old = current.withLock { $0 }
        let keeps = Set(refused.map(\.key))
        let inUse = resolved.settings.keeping(old, of: keeps)
        current.withLock { $0 = inUse.rows }
        onChange(inUse)
    }

    struct Change {
        let key: String
        let old: String
        let new: String
    }

    static func changes(from old: [Settings.Row], to new: [Settings.Row]) -> [Change] {
        let before = Dictionary(old.map { ($0.key, $0) }, uniquingKeysWith: { $1 })
        return new.compactMap { row in
            let was = before[row.key]
            guard was?.isSame(as: row) != true else { return nil }
            func words(_ value: String?) -> String {
                value.map { $0.isEmpty ? "not set" : $0 } ?? "not set"
            }
            return Change(key: row.key, old: words(was?.value), new: words(row.value))
        }
    }
}

/// The terminal from which a program was started. One that goes sends SIGHUP as well, and then
/// its user is gone: the program ends in order.
struct ControllingTerminal {
    private let wasThere: Bool

    init() { wasThere = Self.isThere }

    /// True when there was one, and is no more.
    var isGone: Bool { wasThere && !Self.isThere }

    private static var isThere: Bool {
        let descriptor = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        close(descriptor)
        return true
    }
}
