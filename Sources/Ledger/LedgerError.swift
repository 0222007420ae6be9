import Journal
public import Posix

/// Why a ledger could not be read or written.
public enum LedgerError: Error, Equatable, CustomStringConvertible, ExitStatusProviding {
    /// The system refused.
    case system(SystemError)
    /// Another process has it open for writing.
    case locked(String)
    /// Someone removed, replaced or cut the file while it was open.
    case lost(String)
    /// It is something else.
    case notALedger(String)
    /// What it says is whole and makes no sense to this program.
    case notUnderstood(path: String, offset: Int64, reason: String)

    /// Another process may end and give the ledger free; a damaged one stays damaged.
    public var exitStatus: ExitStatus {
        switch self {
        case .system(let error): error.exitStatus
        case .locked: .gaveUp
        case .lost, .notALedger, .notUnderstood: .inputOutput
        }
    }

    /// True when the device is full, or the quota.
    public var isNoRoom: Bool {
        if case .system(let error) = self { return error.isNoRoom }
        return false
    }

    /// What helps where a ledger is gone.
    private static let remedy =
        "restore it, or move it away; `ledgerctl rebuild URL --state-dir DIR` rebuilds that of s3-put from the manifests. "
        + "Without a ledger, records that come again are delivered again"

    /// What, where and why.
    public var description: String {
        switch self {
        case .system(let error): "\(error)"
        case .locked(let path):
            "the ledger \(path) is in use by \(LockHolder.words(of: path + ".lock")); end it, or give this run "
                + "another state directory"
        case .lost(let path):
            "the ledger \(path) was removed, replaced or cut while it was in use, so that it "
                + "does not say what was delivered: \(Self.remedy)"
        case .notALedger(let path):
            "\(path) is not a ledger. If it should be one, its first bytes are damaged: \(Self.remedy)"
        case .notUnderstood(let path, let offset, let reason):
            "the ledger \(path) has at byte \(offset) \(reason). A newer program may have written it: "
                + "use that one. To begin without it move the file away; what was delivered is "
                + "delivered again then, if it comes again"
        }
    }
}
