import Identity
import Sink

/// The last part of an object's key.
///
/// It tells apart whatever the ledger tells apart: the ids by first and last where they are one
/// whole interval, else with their number and a fingerprint; the interval of klines and the levels
/// of a book; the epoch from the second on. Where ids say nothing, the content follows.
struct ObjectName: Equatable {
    /// Epoch and series, such as `1m-`; empty for the usual ones.
    let series: String
    let ids: ClosedRange<Int64>
    /// What follows the ids, without the suffix of the format.
    let rest: String

    /// True for a name that was read and has a checksum: its records are told apart by that.
    var isNamedByContent: Bool { !rest.isEmpty && !rest.hasPrefix("-n") }

    /// Names an object before its content is known.
    init(_ confirmed: ConfirmedIDs, firstID: Int64) {
        let sequence = confirmed.sequence
        var series = sequence.epoch > 1 ? "e\(sequence.epoch)-" : ""
        var first = confirmed.held.first ?? confirmed.exact.first ?? firstID
        var last = confirmed.held.last ?? confirmed.exact.last ?? firstID
        if sequence.numbering == .none || sequence.numbering == .arrival,
            let bounds = confirmed.bounds
        {
            (first, last) = (bounds.lowerBound, bounds.upperBound)
        }
        if sequence.kind == .kline, let interval = KlineInterval(code: sequence.series) {
            series += interval.rawValue + "-"
            // The name has the open times; the ledger has the whole intervals.
            if let end = confirmed.held.last { last = interval.bucket(of: end).lowerBound }
            if let own = confirmed.exact.last { last = max(last, own) }
            if confirmed.held.isEmpty { first = firstID }
            last = max(first, last)
        } else if sequence.series != 0 {
            series += "s\(sequence.series)-"
        }
        var rest = ""
        if !confirmed.isWholeInterval, confirmed.withoutID == 0 {
            let digits = String(UInt32(truncatingIfNeeded: confirmed.fingerprint), radix: 16)
            rest =
                "-n\(confirmed.records)-" + String(repeating: "0", count: 8 - digits.count) + digits
        }
        self.series = series
        ids = first...last
        self.rest = rest
    }

    /// Reads a name that this program may have given.
    init?(parsing name: String) {
        let stem = name.prefix { $0 != "." }
        var words = stem.split(separator: "-", omittingEmptySubsequences: false)[...]
        var series = ""
        while let word = words.first, words.count > 2, !Self.isPadded(word) {
            guard !word.isEmpty, word.count <= 6 else { return nil }
            series += word + "-"
            words.removeFirst()
        }
        guard words.count >= 2, let first = Self.id(words[words.startIndex]),
            let last = Self.id(words[words.startIndex + 1]), first <= last
        else { return nil }
        self.series = series
        ids = first...last
        rest = words.dropFirst(2).map { "-" + $0 }.joined()
    }

    private static func isPadded(_ word: Substring) -> Bool {
        word.count >= 12 && word.allSatisfy { $0.isASCII && $0.isNumber }
    }

    private static func id(_ word: Substring) -> Int64? { isPadded(word) ? Int64(word) : nil }

    /// Without the suffix of the format.
    var text: String {
        "\(series)\(Self.padded(ids.lowerBound))-\(Self.padded(ids.upperBound))\(rest)"
    }

    /// Twelve digits at least, so that names of one kind sort by id.
    private static func padded(_ id: Int64) -> String {
        let digits = String(id)
        return String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    }
}
