import Glibc
import Posix
import Stats

/// The stats files of a directory, read again and again: which stages are followed, and what a
/// limit leaves out.
///
/// A stage that runs goes before one that is over, one that failed before one that ended in order.
/// Foreign files are ignored. The file of a visitor that is over is removed.
struct WatchedFiles {
    /// Stages with a name of their own that are followed at most.
    static let maximumMembers = 512
    /// Visitors that are followed at most.
    static let maximumVisitors = 64

    /// A file that is not followed, and not opened again while it stays as it is.
    private struct Passed {
        let inode: UInt64
        /// When it was changed last, of a foreign file.
        var changed: timespec?
        /// Since when a stage is known to be over that did not fit, ns of the monotonic clock.
        var overSince: Int64?
        /// True for one that died or failed.
        var hasFailed = false
        /// True for one that is to be seen no more, though its file could not be removed.
        var isHidden = false
    }

    private let directory: String
    private var passed: [String: Passed] = [:]
    /// Stages that are followed, by the names of their files.
    private(set) var watches: [String: StageWatch] = [:]
    /// Running stages for which there was no room at the last look.
    private(set) var unseenMembers = 0
    /// Running visitors for which there was none.
    private(set) var unseenVisitors = 0

    init(directory: String) { self.directory = directory }

    /// Stages that died or failed and are not followed.
    var unseenFailed: Int {
        passed.values.count { $0.overSince != nil && $0.hasFailed && !$0.isHidden }
    }

    /// Stages that ended in order and are not followed.
    var unseenEnded: Int {
        passed.values.count { $0.overSince != nil && !$0.hasFailed && !$0.isHidden }
    }

    /// Reads every file.
    ///
    /// - Parameters:
    ///   - now: ns of the monotonic clock.
    ///   - keep: seconds for which a stage that is over is shown.
    ///   - retire: takes the last figures of a stage that is no longer followed.
    mutating func read(now: Int64, keep: Double, retire: (StatsSnapshot) -> Void) {
        let names = ((try? Files.list(directory)) ?? []).filter { $0.hasSuffix(".stats") }
        forgetAllBut(Set(names), retire)
        unseenMembers = 0
        unseenVisitors = 0
        var fresh: [(name: String, watch: StageWatch)] = []
        for name in names {
            if let watch = look(at: name, now, retire) { fresh.append((name, watch)) }
        }
        // Whoever runs is let in first.
        fresh.sort { (Self.rank($0.watch), $0.name) < (Self.rank($1.watch), $1.name) }
        for (name, watch) in fresh { admit(name, watch, now, retire) }
        removeOld(now, keep, retire)
    }

    private mutating func forgetAllBut(_ names: Set<String>, _ retire: (StatsSnapshot) -> Void) {
        for (name, watch) in watches where !names.contains(name) {
            retire(watch.snapshot)
            watches[name] = nil
        }
        for name in passed.keys where !names.contains(name) { passed[name] = nil }
    }

    /// - Returns: a stage that is not followed yet.
    private mutating func look(
        at name: String, _ now: Int64, _ retire: (StatsSnapshot) -> Void
    ) -> StageWatch? {
        let path = "\(directory)/\(name)"
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        let inode = UInt64(status.st_ino)
        if let watch = watches[name] {
            if watch.file.inode == inode, (try? watch.read(now: now)) != nil {
                if watch.isVisitor && watch.isOver { leave(name, watch) }
                return nil
            }
            retire(watch.snapshot)
            watches[name] = nil
        }
        if let known = passed[name], known.inode == inode {
            guard let changed = known.changed else { return nil }
            let isSame =
                changed.tv_sec == status.st_mtim.tv_sec && changed.tv_nsec == status.st_mtim.tv_nsec
            if isSame { return nil }
        }
        passed[name] = nil
        do throws(StatsError) {
            return try StageWatch(path: path, now: now)
        } catch {
            if case .system(let error) = error, [EMFILE, ENFILE, ENOMEM].contains(error.code) {
                unseenMembers += 1
            } else {
                passed[name] = Passed(inode: inode, changed: status.st_mtim)
            }
            return nil
        }
    }

    // MARK: - Limits

    private static func rank(_ watch: StageWatch) -> Int {
        !watch.isOver ? 0 : watch.hasFailed ? 1 : 2
    }

    private mutating func admit(
        _ name: String, _ watch: StageWatch, _ now: Int64, _ retire: (StatsSnapshot) -> Void
    ) {
        if watch.isVisitor {
            if watch.isOver {
                leave(name, watch)
            } else if watches.values.count(where: \.isVisitor) < Self.maximumVisitors {
                watches[name] = watch
            } else {
                unseenVisitors += 1
            }
            return
        }
        if watches.values.count(where: { !$0.isVisitor }) < Self.maximumMembers {
            watches[name] = watch
            return
        }
        let least = watches.filter { Self.rank($0.value) > Self.rank(watch) && !$0.value.isVisitor }
            .max {
                (Self.rank($0.value), $1.value.endedAt ?? 0) < (
                    Self.rank($1.value), $0.value.endedAt ?? 0
                )
            }
        if let least {
            retire(least.value.snapshot)
            passOver(least.key, least.value, now)
            watches[least.key] = nil
            watches[name] = watch
        } else if watch.isOver {
            passOver(name, watch, now)
        } else {
            unseenMembers += 1
        }
    }

    private mutating func passOver(_ name: String, _ watch: StageWatch, _ now: Int64) {
        passed[name] = Passed(
            inode: watch.file.inode, overSince: watch.endedAt ?? now, hasFailed: watch.hasFailed)
    }

    /// A visitor's file has nothing more to say.
    private mutating func leave(_ name: String, _ watch: StageWatch) {
        watches[name] = nil
        remove(name, watch.file.inode)
    }

    // MARK: - The past

    /// Forgets stages that are over for long.
    private mutating func removeOld(
        _ now: Int64, _ keep: Double, _ retire: (StatsSnapshot) -> Void
    ) {
        for (name, watch) in watches {
            guard let ended = watch.endedAt, now.seconds(since: ended) > keep else { continue }
            retire(watch.snapshot)
            watches[name] = nil
            remove(name, watch.file.inode)
        }
        for (name, known) in passed where !known.isHidden {
            guard let since = known.overSince, now.seconds(since: since) > keep else { continue }
            remove(name, known.inode)
        }
    }

    private mutating func remove(_ name: String, _ inode: UInt64) {
        passed[name] =
            StatsDirectory.remove("\(directory)/\(name)", inode: inode)
            ? nil : Passed(inode: inode, isHidden: true)
    }
}
