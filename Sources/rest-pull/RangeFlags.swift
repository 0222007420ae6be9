import ArgumentParser
import Binance
import Configuration
import Encoding
import Identity
import Posix
import Stage

/// Which records a run is about: symbols, intervals, and from where to where.
struct RangeFlags: ParsableArguments {
    // Unconditional, so that a negative number is told that it is one.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "First id, or a UTC date or time; also yesterday, -2h. (default: the newest 1000 ids)",
            valueName: "id|time"))
    var from: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Last id, or a UTC date or time, exclusive; held: the last id that --resume holds, which "
                + "is waited for. (default: now)",
            valueName: "id|time"))
    var to: String?
    @Option(SettingCatalog.symbols) var symbols: [String]?
    @Option(SettingCatalog.shard) var shard: SymbolShard?
    @Option(SettingCatalog.intervals) var interval: [KlineInterval]?
    @Option(help: ArgumentHelp("At most this many ids per symbol.", valueName: "count"))
    var limit: Int?

    mutating func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
    }

    /// True when the range ends with the last id that `--resume` holds.
    var endsAtHeld: Bool { to == "held" }

    /// The symbols of this host.
    func selection(_ settings: inout Settings) throws -> SymbolSelection {
        try SymbolSelection(&settings, symbols, shard: shard)
    }

    /// The symbols that were named on the command line; none of them for all.
    func named(_ settings: inout Settings) throws -> [SymbolName] {
        symbols == nil ? [] : try selection(&settings).named
    }

    /// The intervals of a dataset: some for klines, none for the others.
    func intervals(
        of dataset: Dataset, _ settings: inout Settings
    ) throws -> [KlineInterval] {
        guard dataset == .klines else { return [] }
        let intervals = try settings.value(SettingCatalog.intervals, interval)
        guard !intervals.isEmpty else {
            throw StageFailure(
                .usage, "--interval is empty: give one or more intervals, such as 1m,1h")
        }
        return intervals
    }

    /// `--from` and `--to`, as ids or times.
    func ends(of dataset: Dataset) throws(StageFailure) -> (from: RangeEnd?, to: RangeEnd?) {
        let start = try Self.end(from, "--from", of: dataset)
        let end = endsAtHeld ? nil : try Self.end(to, "--to", of: dataset)
        if let start, let end, start.isAfter(end) { throw StageFailure(.usage, disorder) }
        return (start, end)
    }

    private static func end(
        _ text: String?, _ option: String, of dataset: Dataset
    ) throws(StageFailure) -> RangeEnd? {
        guard let text else { return nil }
        return try RangeEnd(text, option: option, numbersAreTimes: dataset == .klines)
    }

    /// `--from` and `--to` as times, µs since the epoch, and what of them has not happened yet: an id
    /// does not say in which file of the archive it is.
    func times() throws(StageFailure) -> (times: Range<Int64>, notYet: String?) {
        let now = Clock.realtimeNanoseconds() / 1000
        let start = try Self.time(from ?? "", "--from")
        var end = now
        if let to { end = try Self.time(to, "--to") }
        guard start <= now + RangeSearch.clockTolerance else {
            throw StageFailure(
                .usage, "--from \(Timestamp.text(microseconds: start)) is in the future")
        }
        guard start < end else { throw StageFailure(.usage, disorder) }
        // Days that have not begun have no files: none is asked for.
        guard end > now + RangeSearch.clockTolerance else { return (start..<end, nil) }
        let rest = "\(Timestamp.text(microseconds: now)) to \(Timestamp.text(microseconds: end))"
        return (start..<max(now, start + 1), "\(rest) (has not happened yet)")
    }

    private static func time(_ text: String, _ option: String) throws(StageFailure) -> Int64 {
        guard case .time(let time) = try RangeEnd(text, option: option) else {
            throw StageFailure(
                .usage,
                "\(option): \"\(text)\" is an id: the archive has files of days, so give UTC dates "
                    + "or times, or leave --source archive out")
        }
        return time
    }

    private var disorder: String { "--from \(from ?? "") is not before --to \(to ?? "now")" }
}
