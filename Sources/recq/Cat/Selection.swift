import ArgumentParser
import Encoding
import Identity
import Records
import Stage

/// Which records a person wants.
struct Selection: ParsableArguments {
    @Option(
        name: [.customLong("symbol"), .customLong("symbols")],
        help: ArgumentHelp("Symbols, with commas between.", valueName: "symbols"))
    var symbol: [String] = []
    @Option(
        name: [.customLong("kind"), .customLong("kinds")],
        help: ArgumentHelp("Kinds of record, with commas between.", valueName: "kinds"),
        completion: .list(RecordKind.allCases.map(\.name)))
    var kind: [String] = []
    @Option(help: ArgumentHelp("Interval of klines, such as 1m.", valueName: "interval"))
    var interval: String?
    @Option(
        help: ArgumentHelp(
            "Days (UTC), such as 2024-01-31, yesterday or 2024-01-01..2024-01-31.",
            valueName: "day"))
    var day: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "From this time (UTC) on, such as 2024-01-31T12:00 or -2h, or from this id.",
            valueName: "time|id"))
    var from: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Up to before this time, or up to this id.", valueName: "time|id"))
    var to: String?

    mutating func validate() throws { _ = try parsed() }

    /// What was typed, as values.
    func parsed() throws -> SelectedRecords {
        var selected = SelectedRecords()
        for word in Self.words(symbol) {
            guard let name = SymbolName(asTyped: word) else {
                throw ValidationError("\"\(word)\" is not a valid symbol: \(SymbolName.rule)")
            }
            selected.symbols.append(name)
        }
        for word in Self.words(kind) {
            guard let kind = RecordKind(typed: word) else {
                let names = RecordKind.allCases.map(\.name).joined(separator: ", ")
                throw ValidationError("\"\(word)\" is not a kind; kinds are \(names)")
            }
            selected.kinds.append(kind)
        }
        if let interval {
            guard let known = KlineInterval(rawValue: interval) else {
                let names = KlineInterval.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("\"\(interval)\" is not an interval; there are \(names)")
            }
            selected.interval = known
        }
        do {
            if let day { try selected.setDays(day) }
            if let from { try selected.setStart(from) }
            if let to { try selected.setEnd(to) }
        } catch let failure as StageFailure {
            // The parser knows its own type alone as a wrong call.
            throw ValidationError("\(failure)")
        }
        guard selected.times.lowerBound < selected.times.upperBound,
            selected.firstID <= selected.lastID
        else { throw ValidationError("the range is empty: --to is not behind --from") }
        return selected
    }

    /// What was given, once or more often, with commas or without.
    private static func words(_ texts: [String]) -> [String] {
        texts.flatMap { $0.split(separator: ",").map(String.init) }
    }
}

/// A selection as values.
struct SelectedRecords {
    /// Empty for all.
    var symbols: [SymbolName] = []
    /// Empty for all.
    var kinds: [RecordKind] = []
    var interval: KlineInterval?
    /// Event times, µs; the upper bound is outside.
    private(set) var times = Int64.min..<Int64.max
    private(set) var firstID = Int64.min
    private(set) var lastID = Int64.max

    /// True when ids bound it.
    var hasIDs: Bool { firstID > .min || lastID < .max }

    mutating func setDays(_ text: String) throws {
        var parts = [text]
        if let mark = text.firstIndex(of: "."), text[mark...].hasPrefix("..") {
            parts = [String(text[..<mark]), String(text[mark...].dropFirst(2))]
        }
        let days = try parts.map { try RangeEnd.day($0) }
        guard let first = days.first, let last = days.last, first.lowerBound <= last.lowerBound
        else { throw ValidationError("--day \(text): the first day is behind the last") }
        times = first.lowerBound..<last.upperBound
    }

    mutating func setStart(_ text: String) throws {
        switch try RangeEnd(text, option: "--from") {
        case .id(let id): firstID = id
        case .time(let time):
            times = max(times.lowerBound, time)..<max(times.upperBound, .min + 1)
        }
    }

    mutating func setEnd(_ text: String) throws {
        switch try RangeEnd(text, option: "--to") {
        case .id(let id): lastID = id
        case .time(let end):
            guard end > times.lowerBound else {
                throw ValidationError("the range is empty: --to is not behind --from")
            }
            times = times.lowerBound..<min(times.upperBound, end)
        }
    }

    /// True for a record that is wanted. Gap records are those of the kinds that are wanted.
    func contains(_ frame: borrowing FrameView) -> Bool {
        guard
            times.contains(frame.eventTime) || frame.eventTime == .max && times.upperBound == .max,
            frame.firstID <= lastID, frame.lastID >= firstID
        else { return false }
        if !symbols.isEmpty, !symbols.contains(frame.symbol) { return false }
        if !kinds.isEmpty {
            guard let kind = frame.kind, kinds.contains(kind) else { return false }
        }
        if let interval, frame.kind == .kline { return frame.series == interval.code }
        return true
    }
}
