import Journal
public import Posix

/// Why a ledger could not be read or written.
public enum LedgerError: Error, Equatable, CustomStringConvertible, ExitStatusProviding {
    /// The system refused.
    case system(SystemError)
    /// Another process has it open for writing.
    case locked(String)
    /// It is something else.
    case notALedger(String)
    /// What it says is whole and makes no sense to this program.
    case notUnderstood(path: String, offset: Int64, reason: String)

    /// Another process may end and give the ledger free; a damaged one stays damaged.
    public var exitStatus: ExitStatus {
        switch self {
        case .system(let error): error.exitStatus
        case .locked: .gaveUp
        case .notALedger, .notUnderstood: .inputOutput
        }
    }

    /// True when the device is full, or the quota.
    public var isNoRoom: Bool {
        if case .system(let error) = self { return error.isNoRoom }
        return false
    }

    /// What, where and why.
    public var description: String {
        switch self {
        case .system(let error): "\(error)"
        case .locked(let path):
            "the ledger \(path) is in use by \(LockHolder.words(of: path + ".lock")); end it, or give this run "
                + "another state directory"
        case .notALedger(let path):
            "\(path) is not a ledger. If it should be one, its first bytes are damaged: restore it, "
                + "or move it away to begin without it"
        case .notUnderstood(let path, let offset, let reason):
            "the ledger \(path) has at byte \(offset) \(reason). A newer program may have written it: "
                + "use that one. To begin without it move the file away; what was delivered is "
                + "delivered again then, if it comes again"
        }
    }
}
