public import Configuration
public import Identity
import Posix

/// The symbols that were asked for, and which of them this host collects.
public struct SymbolSelection: Sendable {
    /// All that were named.
    public let named: [SymbolName]
    /// The part of them that this host collects; nil for all.
    public let shard: SymbolShard?

    /// What this host collects, in the order in which it was named; may be empty with a shard.
    public var symbols: [SymbolName] {
        guard let shard else { return named }
        return named.filter(shard.contains)
    }

    /// Why there is nothing to do, when none of the symbols is in this host's part.
    public var emptiness: String {
        let names = named.count == 1 ? "the one symbol is not" : "none of \(named.count) symbols is"
        return
            "\(names) in part \(shard?.description ?? "1/1"): configure more symbols, or use "
            + "fewer parts"
    }

    /// - Parameter needsOne: true when there is nothing that a stage without a symbol could do.
    /// - Throws: ``StageFailure`` of usage for what is not a symbol, none at all, or one twice.
    public init(
        _ settings: inout Settings, _ symbols: [String]?, shard: SymbolShard?,
        needsOne: Bool = false
    ) throws {
        let names = try settings.value(SettingCatalog.symbols, symbols)
        named = try names.map { name in
            guard let symbol = SymbolName(forVenue: name) else {
                throw StageFailure(.usage, SymbolName.refusal(of: name))
            }
            return symbol
        }
        guard !named.isEmpty, Set(named).count == named.count else {
            throw StageFailure(.usage, "--symbols must name at least one symbol, each once")
        }
        self.shard = try settings.optional(SettingCatalog.shard, shard)
        if needsOne, self.symbols.isEmpty { throw StageFailure(.usage, emptiness) }
    }
}
