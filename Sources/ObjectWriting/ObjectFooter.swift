package import Identity
package import Ledger

/// What a Parquet file says of itself, for whoever has only the file.
package enum ObjectFooter {
    /// Intervals of ids that a footer names at the most.
    private static let mostIntervals = 1000

    /// Keys and values.
    package static func pairs(
        _ sequence: SequenceID, records: Int64, held: [ClosedRange<Int64>], run: Run?
    ) -> [(key: String, value: String)] {
        var pairs = [
            (key: "sequence", value: sequence.title), (key: "records", value: "\(records)"),
        ]
        if sequence.epoch > 1 { pairs.append(("epoch", "\(sequence.epoch)")) }
        if !held.isEmpty {
            let ids = held.prefix(mostIntervals).map { "\($0.lowerBound)-\($0.upperBound)" }
            let rest = held.count > mostIntervals ? ",…" : ""
            pairs.append(("ids", ids.joined(separator: ",") + rest))
        } else if let run {
            pairs.append(("run", "\(run.first)-\(run.last)"))
        }
        return pairs
    }
}
