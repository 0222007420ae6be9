import ArgumentParser
import Encoding
import Identity
import Records

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
            "Days (UTC), such as 2024-01-31 or 2024-01-01..2024-01-31.",
            valueName: "day"))
    var day: String?
    @Option(
        help: ArgumentHelp(
            "From this time (UTC) on, such as 2024-01-31T12:00, or from this id.",
            valueName: "time|id"))
    var from: String?
    @Option(
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
        if let day { try selected.setDays(day) }
        if let from { try selected.setStart(from) }
        if let to { try selected.setEnd(to) }
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
        let days = parts.map { part -> Int64? in
            part.utf8.count == 10 ? Timestamp.parse(part) : nil
        }
        guard let first = days.first ?? nil, let last = days.last ?? nil, first <= last else {
            throw ValidationError("\"\(text)\" is not a day such as 2024-01-31")
        }
        times = first..<(last + Timestamp.day)
    }

    mutating func setStart(_ text: String) throws {
        if let id = Int64(text) {
            firstID = id
        } else {
            times = try max(times.lowerBound, Self.time(text))..<max(times.upperBound, .min + 1)
        }
    }

    mutating func setEnd(_ text: String) throws {
        if let id = Int64(text) {
            lastID = id
        } else {
            let end = try Self.time(text)
            guard end > times.lowerBound else {
                throw ValidationError("the range is empty: --to is not behind --from")
            }
            times = times.lowerBound..<min(times.upperBound, end)
        }
    }

    private static func time(_ text: String) throws -> Int64 {
        guard let time = Timestamp.parse(text) else {
            throw ValidationError(
                "\"\(text)\" is neither an id nor a time (UTC) such as 2024-01-31T12:00")
        }
        return time
    }

    /// True for a record that is wanted. Gap records are those of the kinds that are wanted.
    func contains(_ frame: borrowing FrameView) -> Bool {
        guard times.contains(frame.eventTime), frame.firstID <= lastID, frame.lastID >= firstID
        else { return false }
        if !symbols.isEmpty, !symbols.contains(frame.symbol) { return false }
        if !kinds.isEmpty {
            guard let kind = frame.kind, kinds.contains(kind) else { return false }
        }
        if let interval, frame.kind == .kline { return frame.series == interval.code }
        return true
    }
}
