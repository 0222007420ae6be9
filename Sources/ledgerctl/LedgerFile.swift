import Glibc
import Journal
import Ledger
import Posix
import Stage

/// Opens a ledger, whatever name its owner gave.
enum LedgerFile {
    /// For a look; a sink may be at work.
    static func open(_ path: String, log: Log) throws -> Ledger {
        let file = try file(path)
        do throws(LedgerError) {
            var ledger = try Ledger(reading: file)
            if ledger.tornBytes > 0 {
                log.warning(
                    "\(file) ends in \(ledger.tornBytes) bytes of an unfinished entry, which do "
                        + "not count")
            }
            for damage in ledger.takeDamages() {
                log.warning(
                    "\(file) is damaged: \(damage.length) bytes at byte \(damage.offset) do not "
                        + "count. What they said is missing here; the sink keeps a copy of them in "
                        + "\"damaged\" when it starts, and goes on with the rest")
            }
            return ledger
        } catch { throw failure(error) }
    }

    /// To change it; no sink may be at work.
    static func openForWriting(_ path: String) throws -> Ledger {
        guard !path.contains("://") else {
            throw StageFailure(
                .usage,
                "\(path) is a URL: name the ledger of the sink, or the state directory that it is in"
            )
        }
        let file = try file(path)
        // What is not there is not made.
        _ = try Descriptor.open(file, O_RDONLY)
        do throws(LedgerError) { return try Ledger(writing: file) } catch { throw failure(error) }
    }

    /// The end of the program that a ledger which cannot be used means.
    static func failure(_ error: LedgerError) -> any Error {
        switch error {
        case .system(let error): error
        case .locked: StageFailure(.gaveUp, "\(error): stop the sink first")
        case .lost, .notALedger, .notUnderstood: StageFailure(.badInput, "\(error)")
        }
    }

    private static func file(_ path: String) throws(SystemError) -> String {
        let status = try Files.status(path)
        return (status?.st_mode ?? 0) & S_IFMT == S_IFDIR ? path + "/ledger" : path
    }
}
