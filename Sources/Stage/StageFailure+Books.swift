public import Ledger
public import Spool

extension StageFailure {
    /// The end that a ledger which cannot be used means for the program.
    public init(_ error: LedgerError) {
        switch error {
        case .system(let error): self.init(ExitCode(for: error), "\(error)")
        case .locked: self.init(.gaveUp, "\(error)")
        case .notALedger, .notUnderstood: self.init(.inputOutput, "\(error)")
        }
    }

    /// The end that a spool which cannot be used means for the program.
    public init(_ error: SpoolError) {
        switch error {
        case .system(let error): self.init(ExitCode(for: error), "\(error)")
        case .locked, .full: self.init(.gaveUp, "\(error)")
        }
    }
}
