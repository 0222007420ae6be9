public import BronzeAccess
public import Stage

extension StageFailure {
    /// The end that objects which cannot be reached mean for the program.
    public init(_ error: AccessError) {
        let code: ExitCode =
            switch error.reason {
            case .badURL: .usage
            case .notFound: .unavailable
            case .notPermitted: .notPermitted
            case .unavailable, .changed: .gaveUp
            case .protocolBroken: .protocolBroken
            case .configuration: .configuration
            case .inputOutput: .inputOutput
            }
        self.init(code, error.description)
    }
}
