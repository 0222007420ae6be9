import Binance
import Configuration
import Identity
import Records
import Stage

/// What a run keeps to; times in seconds.
struct TapOptions: Sendable {
    let streams: StreamPlan
    /// Symbols whose facts are to be listed, none of them for all; nil when data is wanted.
    let listed: [SymbolName]?
    /// The part of them that this host collects; nil for all.
    let shard: SymbolShard?
    let baseURL: String
    let apiKey: String?
    /// Why the JSON streams are used though they were not asked for; nil when they were, or when
    /// they are not.
    let jsonReason: String?
    let authorities: String?
    let connections: Int
    let stallTimeout: Double
    let firstDataTimeout: Double
    let rotation: ConnectionRotation.Rules
    let merge: StreamMerge.Rules
    let capturesRaw: Bool
    let output: OutputRules
    let replay: String?
    /// Times as fast as the capture was taken; nil for as fast as it goes.
    let speed: Double?
    let duration: Double?
    let limit: Int?
    let drainTimeout: Double
    let rest: VenueClient.Options

    /// What happens to records and to unreadable messages.
    struct OutputRules: Sendable {
        let overflow: OverflowPolicy
        let bufferBytes: Int
        let spillMax: Int
        let quarantine: String
        let quarantineBytes: Int
    }

    /// Where unknown messages go by default.
    static var standardQuarantine: String {
        let environment = Environment.all
        let state =
            StatePlace.ofUnit(tool: "sbe-tap", environment: environment)
            ?? StatePlace.ofUser(tool: "sbe-tap", environment: environment)
        return "\(state)/quarantine.ndjson"
    }
}
