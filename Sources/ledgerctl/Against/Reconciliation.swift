import Encoding

/// What trades and what was made of them say about each other, as lines for people.
struct Reconciliation {
    /// Lines of one kind that are printed.
    private static let most = 100

    /// Rows that are equal to what their trades come to.
    private(set) var equal = 0
    /// Rows that differ from their trades.
    private(set) var differences = 0
    /// Rows, or trades in a row, that have nothing to be compared with.
    private(set) var unknown = 0
    /// Rows, or trades in a row, that are left out: at the edge of what is asked about or held the rest
    /// is beyond it.
    private(set) var edges = 0
    /// Rows whose trades are all outside of what is asked about or held.
    private(set) var outside = 0
    /// Rows that the venue voided: they name no trades.
    private(set) var voided = 0
    /// True when nothing differs and nothing is unknown.
    var isSound: Bool { differences == 0 && unknown == 0 }

    private var trades: Int64 = 0
    private var volume = ExactSum()
    private var ids: ClosedRange<Int64>?
    private var lines: [(word: String, text: String)] = []

    /// Notes a row that is equal.
    ///
    /// - Parameters:
    ///   - ids: of its trades; nil when it has none.
    ///   - volume: of its trades.
    mutating func noteEqual(_ ids: ClosedRange<Int64>?, trades: Int64, volume: ExactSum) {
        equal += 1
        self.trades += trades
        self.volume.add(volume.value)
        guard let ids else { return }
        self.ids =
            self.ids.map {
                min($0.lowerBound, ids.lowerBound)...max($0.upperBound, ids.upperBound)
            } ?? ids
    }

    /// Notes a row that differs, with its ids and times in the words.
    mutating func noteDifference(_ words: String) {
        differences += 1
        note("differs", differences, words)
    }

    /// Notes what goes beyond what is asked about or held, and is not compared.
    mutating func noteEdge(_ words: String) {
        edges += 1
        note("left out", edges, words)
    }

    /// Notes what cannot be compared.
    mutating func noteUnknown(_ words: String) {
        unknown += 1
        note("unknown", unknown, words)
    }

    /// Notes a row that has trades that will not come.
    mutating func noteDeclared(_ words: String, _ scope: TradeScope) {
        if scope.allowsDeclared { noteEdge(words) } else { noteUnknown(words) }
    }

    /// Notes a row that the venue voided.
    mutating func noteVoided() { voided += 1 }

    /// Notes rows of other trades.
    mutating func noteOutside(_ count: Int) { outside += count }

    private mutating func note(_ word: String, _ count: Int, _ text: String) {
        if count <= Self.most { lines.append((word, text)) }
    }

    /// The answer about a sequence.
    ///
    /// - Parameters:
    ///   - title: of the trades.
    ///   - others: what they were compared with.
    func text(_ title: String, _ others: String) -> String {
        var text = "\(title)  against \(others)  \(Spoken.count(equal, "row")) equal"
        if let ids {
            text += " to \(Spoken.count(trades, "trade")) \(Self.ids(ids))"
            if let volume = volume.value { text += ", volume \(volume.plainText)" }
        }
        if differences > 0 { text += ", \(Spoken.count(differences, "difference"))" }
        if unknown > 0 { text += ", \(unknown) unknown" }
        if edges > 0 { text += ", \(edges) not compared" }
        if voided > 0 { text += ", \(voided) voided" }
        if outside > 0 { text += ", \(Spoken.count(outside, "row")) of other trades" }
        if equal + differences + unknown + edges == 0 { text += ": nothing to compare with" }
        text += "\n"
        for line in lines {
            text += "  \(line.word)" + String(repeating: " ", count: 10 - line.word.count)
            text += line.text + "\n"
        }
        let more = differences + unknown + edges - lines.count
        if more > 0 { text += "  … and \(more) more\n" }
        return text
    }

    /// Ids as text.
    static func ids(_ ids: ClosedRange<Int64>) -> String {
        ids.lowerBound == ids.upperBound
            ? "\(ids.lowerBound)" : "\(ids.lowerBound) to \(ids.upperBound)"
    }
}
