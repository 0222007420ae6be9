import Configuration
import Glibc
import Posix
import Stats

/// The settings that a running stage goes by, in a file beside its stats file: for
/// `--explain-config --pid`, and for healthd. It has no secret in it.
public struct SettingsFile: Sendable {
    private let path: String

    /// That of a stats file; nil for a stage without one.
    init?(statsPath: String?) {
        guard let path = statsPath.flatMap(StatsDirectory.settings(beside:)) else { return nil }
        self.path = path
    }

    /// Writes the settings: a line of JSON, and below it the table for people. Where that fails, only
    /// those who ask for them miss them.
    func write(_ explanation: SettingsExplanation, _ log: Log) {
        let text =
            "{\"pid\":\(getpid()),\"settings\":\(explanation.json)}\n\(explanation.text)"
        do throws(SystemError) {
            // Others may write here too: nothing that they left is followed, and no half is read.
            let beginning = "\(path).\(getpid()).new"
            try? Files.remove(beginning)
            let file = try Descriptor.open(
                beginning, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
            try file.writeAll(Array(text.utf8).span.bytes)
            try Files.rename(beginning, to: path)
        } catch {
            log.debug("the settings in use cannot be written to \(path): \(error)")
        }
    }

    /// Removes it: the stage ends.
    func remove() { try? Files.remove(path) }

    // MARK: - Reading

    /// The settings of a running stage.
    ///
    /// - Parameter name: `stage.instance`, as healthd calls it.
    /// - Returns: JSON: an object with `pid` and `settings`; nil where there is none.
    public static func json(of name: String, in directory: String) -> String? {
        guard !name.contains("/"), !name.hasPrefix("."),
            let text = read("\(directory)/\(name)\(StatsDirectory.settingsSuffix)"),
            let pid = pid(in: text),
            isRunning(pid)
        else { return nil }
        return String(text.prefix { $0 != "\n" })
    }

    /// The table of the stage that is a process.
    ///
    /// - Throws: `StageFailure` when no stage of this directory is that process.
    static func text(of pid: Int32, in directory: String) throws -> String {
        for name in try Files.list(directory) where name.hasSuffix(StatsDirectory.settingsSuffix) {
            guard let text = read("\(directory)/\(name)"), Self.pid(in: text) == pid, isRunning(pid)
            else { continue }
            return String(text.drop { $0 != "\n" }.dropFirst())
        }
        throw StageFailure(
            .no, "process \(pid) is not a running stage that has its stats file in \(directory)")
    }

    private static func read(_ path: String) -> String? {
        guard let bytes = try? Files.read(path, limit: 1 << 20) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func pid(in text: String) -> Int32? {
        guard text.hasPrefix("{\"pid\":") else { return nil }
        return Int32(text.dropFirst(7).prefix { $0.isNumber })
    }

    private static func isRunning(_ pid: Int32) -> Bool { kill(pid, 0) == 0 || errno == EPERM }
}
