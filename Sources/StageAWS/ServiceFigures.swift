public import AWS
import Posix
public import Stats
public import Transport

/// The figures of the way to one service, kept by the threads that call it.
public struct ServiceFigures: Sendable {
    private let circuit: Gauge
    private let retryTokens: Gauge
    private let retries: Counter
    private let credentialsLeft: Gauge

    /// Declares them.
    public init(_ stats: StatsWriter) {
        circuit = stats.gauge(
            FigureName.breakerState, help: "0 closed, 1 half-open, 2 open.")
        retryTokens = stats.gauge(
            "retry_tokens", help: "Retries that may still be spent, in tokens of 500.")
        retries = stats.counter(FigureName.retries, help: "Requests that were sent again.")
        credentialsLeft = stats.gauge(
            "credentials_seconds_left",
            help: "Seconds until the credentials in use end; 0 for those that do not.")
    }

    /// Notes that a request will be sent again.
    public func note(_ retry: RetryPolicy.Retry) {
        retries.addShared()
        circuit.set(Self.code(retry.circuit))
    }

    /// Notes how the client is.
    public func note(circuit state: CircuitBreaker.State, retryTokens tokens: Int) {
        circuit.set(Self.code(state))
        retryTokens.set(Int64(tokens))
    }

    /// Notes how long the credentials are good; to be called now and then.
    public func note(_ credentials: CredentialsProvider) {
        let now = Clock.realtimeNanoseconds() / 1_000_000_000
        credentialsLeft.set(credentials.secondsLeft(at: now) ?? 0)
    }

    private static func code(_ state: CircuitBreaker.State) -> Int64 {
        switch state {
        case .closed: 0
        case .halfOpen: 1
        case .open: 2
        }
    }
}
