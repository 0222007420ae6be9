import Bronze
import Encoding
import Identity
import Ledger

/// What a bucket holds of a sequence, day by day.
struct CoverageCalendar {
    /// What can be said of a day.
    enum State: String, CaseIterable {
        case whole
        case repaired
        case declared
        case missing
        case unknown
        case observed
        case parts

        /// For people.
        var words: String {
            switch self {
            case .whole: "whole: every id is held"
            case .repaired: "whole, holes were filled later"
            case .declared: "what is missing is declared, with evidence"
            case .missing: "ids are missing"
            case .unknown: "not known: no manifest covers it"
            case .observed: "observed without interruption (ids only grow)"
            case .parts: "observed in parts"
            }
        }

        /// One character of a line of text.
        var mark: Character {
            switch self {
            case .whole: "#"
            case .repaired: "+"
            case .declared: "d"
            case .missing: "!"
            case .unknown: "."
            case .observed: "o"
            case .parts: "-"
            }
        }
    }

    /// One day.
    struct Day {
        /// Days since the epoch.
        let number: Int64
        let state: State
        /// How many ids or records, and the first thing that is wrong.
        let words: String
        var date: Timestamp.CivilDate { Timestamp.CivilDate(daysSinceEpoch: number) }
    }

    /// Days that are shown of a sequence at the most: thirty years.
    private static let most: Int64 = 11_000
    /// The last day that is shown, whatever a manifest says: 2200-01-01.
    private static let latest: Int64 = 84_006

    let sequence: SequenceID
    let days: [Day]

    /// Nil for a sequence about which nothing is claimed by id.
    init?(_ proof: SequenceProof) {
        guard let times = proof.spokenTimes,
            proof.sequence.numbering == .contiguous || proof.sequence.numbering == .increasing
        else { return nil }
        sequence = proof.sequence
        let first = min(
            max(0, Timestamp.floor(times.lowerBound, by: Timestamp.day)), Self.latest)
        let last = min(Timestamp.floor(times.upperBound, by: Timestamp.day), first + Self.most)
        days = (first...max(first, last)).map { Self.day($0, proof) }
    }

    private static func day(_ number: Int64, _ proof: SequenceProof) -> Day {
        let start = number * Timestamp.day
        let verdict = proof.verdict(.times(start..<(start + Timestamp.day)))
        let isKline = proof.sequence.kind == .kline
        let missing = verdict.holes.filter { !$0.isDeclared }
        let hasNothing = verdict.held == 0 && verdict.runs.isEmpty && verdict.holes.isEmpty
        let state: State
        if proof.sequence.numbering == .increasing {
            state = verdict.runs.isEmpty ? .unknown : verdict.holes.isEmpty ? .observed : .parts
        } else if hasNothing, !verdict.unknown.isEmpty {
            state = .unknown
        } else if !missing.isEmpty {
            state = .missing
        } else if !verdict.unknown.isEmpty {
            state = .unknown
        } else if !verdict.holes.isEmpty {
            state = isKline ? .whole : .declared
        } else {
            state = verdict.repaired > 0 ? .repaired : .whole
        }
        var words: [String] = []
        if verdict.held > 0, !isKline { words.append("\(verdict.held) ids held") }
        if verdict.repaired > 0, !isKline { words.append("\(verdict.repaired) repaired") }
        if !missing.isEmpty {
            words.append(IDText.count(missing.count, "hole", "holes"))
        }
        let first = (missing.first ?? verdict.unknown.first ?? verdict.holes.first)
        if let first {
            let ids = first.ids.map { IDText(proof.sequence).text($0) + ": " } ?? ""
            words.append(ids + first.reason)
        }
        return Day(number: number, state: state, words: words.joined(separator: ", "))
    }

    /// Days by month, as `2024-01`.
    var months: [(name: String, days: [Day])] {
        var months: [(name: String, days: [Day])] = []
        for day in days {
            let text = Timestamp.date(microseconds: day.number * Timestamp.day)
            let name = String(text.prefix(7))
            if months.last?.name != name { months.append((name, [])) }
            months[months.count - 1].days.append(day)
        }
        return months
    }
}
