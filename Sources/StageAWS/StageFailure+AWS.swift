public import AWS
public import Stage

extension StageFailure {
    /// The end that a failed AWS call means for the program.
    public init(_ error: AWSError) {
        let code: ExitCode =
            switch error.category {
            case .notPermitted: .notPermitted
            case .unavailable, .stopped: .gaveUp
            case .configuration: .configuration
            case .protocolBroken: .protocolBroken
            case .inputOutput: .inputOutput
            }
        self.init(code, error.description)
    }
}
