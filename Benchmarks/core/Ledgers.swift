import Identity
import Ledger

/// A ledger as one that has grown over years, for ledgerctl to read.
enum Ledgers {
    /// Writes a ledger of one sequence.
    ///
    /// - Parameters:
    ///   - intervals: single ids with a hole behind each, in one batch.
    ///   - batches: more batches of one id each.
    static func write(_ path: String, intervals: Int, batches: Int) throws -> String {
        guard let symbol = SymbolName("BTCUSDT") else { throw BenchError.badSymbol }
        let sequence = SequenceID(template: RecordKind.trade.rawValue, symbol: symbol)
        var ledger = try Ledger(writing: path)
        ledger.add(
            sequence, held: (0..<Int64(intervals)).map { 2 * $0...2 * $0 }, newestEventTime: 1)
        try ledger.write()
        for number in 0..<Int64(batches) {
            let id = 2 * (Int64(intervals) + number)
            ledger.add(sequence, held: [id...id], newestEventTime: 1)
            try ledger.write()
        }
        try ledger.sync()
        return "\(intervals) intervals, \(batches) batches"
    }
}
