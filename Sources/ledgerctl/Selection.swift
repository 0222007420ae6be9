import ArgumentParser
import Identity
import Ledger
import Stage

/// Which sequences are meant.
struct Selection: ParsableArguments {
    @Argument(help: "The ledger, or the state directory that it is in.", completion: .file())
    var ledger: String
    @Option(help: "Only this symbol.") var symbol: String?
    @Option(help: "Only this kind: trade, aggTrade, kline, ...") var kind: String?
    @Option(help: "Only klines of this interval.") var interval: String?
    @Option(help: "Only this epoch: 1, and one more each time that ids began again.")
    var epoch: UInt16?

    mutating func validate() throws {
        if let kind, RecordKind(name: kind) == nil {
            let names = RecordKind.allCases.map(\.name).joined(separator: ", ")
            throw ValidationError("\"\(kind)\" is not a kind; kinds are \(names)")
        }
        if let interval, KlineInterval(rawValue: interval) == nil {
            throw ValidationError("\"\(interval)\" is not an interval")
        }
    }

    /// The chosen sequences of a ledger.
    func sequences(of ledger: borrowing Ledger) -> [SequenceID] {
        ledger.sequences.filter { sequence in
            (symbol == nil || "\(sequence.symbol)" == symbol)
                && (kind == nil || RecordKind.name(template: sequence.template) == kind)
                && (interval == nil || KlineInterval(code: sequence.series)?.rawValue == interval)
                && (epoch == nil || sequence.epoch == epoch)
        }
    }
}
