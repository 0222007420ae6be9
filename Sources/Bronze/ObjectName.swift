/// The last part of an object's key.
///
/// It tells apart whatever the ledger tells apart: the ids by first and last where they are one
/// whole interval, else with their number and a fingerprint; the levels of a book; the epoch from
/// the second on. Where ids say nothing, the content follows.
public struct ObjectName: Equatable, Sendable {
    /// Epoch and series, such as `e2-s20-`; empty for the usual ones.
    public let series: String
    /// First and last id.
    public let ids: ClosedRange<Int64>
    /// What follows the ids, without the suffix of the format.
    public let rest: String

    /// True for a name that was read and has a checksum: its records are told apart by that.
    public var isNamedByContent: Bool {
        !rest.isEmpty && !rest.hasPrefix("-n") && !isMerged
    }

    /// What begins the last part of the name of an object that others were merged into: a letter
    /// that is not a hexadecimal digit, so that no checksum is taken for it.
    private static let mergedMark = "-m"

    /// True for an object that others were merged into.
    public var isMerged: Bool { rest.split(separator: "-").last?.first == "m" }

    /// The name of an object with the same ids that others were merged into: its content tells it
    /// from them.
    public func merged(checksum: UInt32) -> String {
        let digits = String(checksum, radix: 16)
        return text + Self.mergedMark + String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// Puts a name together.
    ///
    /// - Parameters:
    ///   - epoch: 1 is not shown.
    ///   - series: what the path does not tell; 0 is not shown.
    ///   - count: records and a fingerprint of their ids, where first and last id do not tell them
    ///     from others.
    public init(
        epoch: UInt16, series: UInt16, ids: ClosedRange<Int64>,
        count: (records: Int64, fingerprint: UInt32)?
    ) {
        self.series = (epoch > 1 ? "e\(epoch)-" : "") + (series == 0 ? "" : "s\(series)-")
        self.ids = ids
        rest =
            count.map { count in
                let digits = String(count.fingerprint, radix: 16)
                return "-n\(count.records)-" + String(repeating: "0", count: 8 - digits.count)
                    + digits
            } ?? ""
    }

    /// Reads a name that this program may have given.
    public init?(parsing name: String) {
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
    public var text: String {
        "\(series)\(Self.padded(ids.lowerBound))-\(Self.padded(ids.upperBound))\(rest)"
    }

    /// Twelve digits at least, so that names of one kind sort by id.
    private static func padded(_ id: Int64) -> String {
        let digits = String(id)
        return String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    }
}
