import Binance
import Identity
import Stage

/// What the venue says of its symbols: the answer to `--list`.
struct SymbolList {
    private let options: VenueClient.Options
    private let symbols: [SymbolName]
    private let shard: SymbolShard?

    /// - Parameters:
    ///   - symbols: which; none of them lists all.
    ///   - shard: the part of them that is listed; nil for all.
    init(_ options: VenueClient.Options, _ symbols: [SymbolName], shard: SymbolShard?) {
        self.options = options
        self.shard = shard
        self.symbols = symbols
    }

    func print(in stage: borrowing Stage) throws {
        var options = options
        // Nothing is missed meanwhile, as it is while a stream runs.
        options.maximumAttempts = 4
        var client = try VenueClient(options)
        client.report = { [log = stage.log] in if $0.isWarning { log.warning($0.text) } }
        guard let info = try client.exchangeInfo(of: symbols, unless: stage.stopDescriptor)
        else { return }
        try stage.print(SymbolTable.text(info.symbols, in: shard))
    }
}
