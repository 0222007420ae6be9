import Binance
import Stage

extension StageFailure {
    /// The end that a request which failed for good means for the program.
    init(_ failure: VenueFailure) {
        let code: ExitCode =
            switch failure.cause {
            case .unavailable: .unavailable
            case .gaveUp: .gaveUp
            case .notPermitted: .notPermitted
            case .refused: .usage
            case .configuration: .configuration
            case .protocolBroken: .protocolBroken
            case .bug: .bug
            }
        self.init(code, failure.description)
    }
}
