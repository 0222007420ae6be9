import ArgumentParser
import Bronze
import Identity
import Ledger
import Posix
import Stage

/// Which sequences are meant.
struct Selection: ParsableArguments {
    @Argument(
        help: "The ledger, the state directory that it is in, or the URL of what a sink stored.",
        completion: .file())
    var ledger: String
    @Option(
        name: [.customLong("symbols"), .customLong("symbol")],
        help: ArgumentHelp("Only these symbols, in either case.", valueName: "a,b"))
    var symbol: [String] = []
    @Option(
        name: [.customLong("kind"), .customLong("kinds")],
        help: ArgumentHelp(
            "Only these kinds: trade, aggTrade, kline, ...", valueName: "kinds"),
        completion: .list(RecordKind.allCases.map(\.name)))
    var kind: [String] = []
    @Option(
        help: "Only klines of this interval.",
        completion: .list(KlineInterval.allCases.map(\.rawValue)))
    var interval: String?
    @Option(help: "Only this epoch: 1, and one more each time that ids began again.")
    var epoch: UInt16?

    mutating func validate() throws {
        for kind in Self.words(kind) where RecordKind(typed: kind) == nil {
            let names = RecordKind.allCases.map(\.name).joined(separator: ", ")
            throw ValidationError("\"\(kind)\" is not a kind; kinds are \(names)")
        }
        if let interval, KlineInterval(rawValue: interval) == nil {
            throw ValidationError("\"\(interval)\" is not an interval")
        }
    }

    /// What was given, once or more often, with commas or without.
    private static func words(_ texts: [String]) -> [String] {
        texts.flatMap { $0.split(separator: ",").map(String.init) }
    }

    private var symbols: [SymbolName] {
        Self.words(symbol).compactMap { SymbolName(asTyped: $0) }
    }

    /// The kinds that were named; empty for all.
    var kinds: [RecordKind] { Self.words(kind).compactMap { RecordKind(typed: $0) } }

    /// True when ids are times.
    var isOfKlines: Bool { kinds == [.kline] }

    /// True when objects are meant and not a ledger: a URL, or a directory with manifests.
    var isBucket: Bool {
        ledger.contains("://") || Files.exists("\(ledger)/\(ManifestKey.start)")
    }

    /// The sequence that is named by symbol, kind and, for klines, interval; nil when more than one
    /// may be meant.
    var named: SequenceID? {
        guard symbols.count == 1, kinds.count == 1, let symbol = symbols.first,
            let kind = kinds.first
        else { return nil }
        let series = interval.flatMap { KlineInterval(rawValue: $0)?.code }
        guard kind != .kline || series != nil else { return nil }
        return SequenceID(
            template: kind.rawValue, series: series ?? 0, epoch: epoch ?? 1, symbol: symbol)
    }

    /// How the keys of the objects begin that may have to do with it.
    var prefixes: [String] {
        guard let named else { return [Partition.keyStart] }
        let gap = SequenceID(template: RecordKind.gap.rawValue, symbol: named.symbol)
        return [Partition.prefix(of: named), Partition.prefix(of: gap)]
    }

    /// How the keys of the objects begin that trades and what was made of them are in.
    func prefixes(against other: RecordKind) -> [String] {
        var prefixes: Set<String> = []
        for kind in [.trade, other, .gap] {
            let series = interval.flatMap { KlineInterval(rawValue: $0)?.code }
            if symbols.isEmpty || kind == .kline && series == nil {
                prefixes.insert(Partition.prefix(of: kind))
                continue
            }
            for symbol in symbols {
                prefixes.insert(
                    Partition.prefix(
                        of: SequenceID(
                            template: kind.rawValue, series: kind == .kline ? series ?? 0 : 0,
                            symbol: symbol)))
            }
        }
        return prefixes.sorted()
    }

    /// The chosen ones of some sequences.
    func chosen(of all: [SequenceID]) -> [SequenceID] {
        let (symbols, templates) = (Set(symbols), Set(kinds.map(\.rawValue)))
        return all.filter { sequence in
            (symbol.isEmpty || symbols.contains(sequence.symbol))
                && (templates.isEmpty || templates.contains(sequence.template))
                && (interval == nil || KlineInterval(code: sequence.series)?.rawValue == interval)
                && (epoch == nil || sequence.epoch == epoch)
        }
    }

    /// The trades of the chosen symbols.
    func trades(of all: [SequenceID]) -> [SequenceID] {
        let symbols = Set(symbols)
        return all.filter { sequence in
            sequence.kind == .trade && (symbol.isEmpty || symbols.contains(sequence.symbol))
                && (epoch == nil || sequence.epoch == epoch)
        }
    }

    /// The chosen sequences of a ledger.
    func sequences(of ledger: borrowing Ledger) -> [SequenceID] { chosen(of: ledger.sequences) }
}
