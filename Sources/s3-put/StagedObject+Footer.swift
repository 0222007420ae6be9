import Ledger
import Encoding
import Identity

extension StagedObject {
    /// Intervals of ids that a footer names at the most.
    private static let mostIntervals = 1000

    /// What a Parquet file says of itself, for whoever has only the file.
    var footer: [(key: String, value: String)] {
        var pairs = [
            (key: "sequence", value: booking.sequence.title),
            (key: "records", value: "\(booking.records)"),
        ]
        if booking.sequence.epoch > 1 { pairs.append(("epoch", "\(booking.sequence.epoch)")) }
        if !booking.held.isEmpty {
            let ids = booking.held.prefix(Self.mostIntervals).map {
                "\($0.lowerBound)-\($0.upperBound)"
            }
            let rest = booking.held.count > Self.mostIntervals ? ",…" : ""
            pairs.append(("ids", ids.joined(separator: ",") + rest))
        } else if let run = booking.run {
            pairs.append(("run", "\(run.first)-\(run.last)"))
        }
        return pairs
    }
}
