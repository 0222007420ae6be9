import ArgumentParser
import Binance
import Configuration
import Encoding
import Identity
import Posix
import Records
import Stage
import StageAWS

/// Where a pull gets its rows from.
enum PullSource: String, CaseIterable, ExpressibleByArgument {
    case rest
    case archive
}

/// What a pull from the archive and a repair need to know.
extension RestPull {
    /// `--repair` was a flag once, for what `--mark-repair` says now: without a path behind it, it still
    /// means that.
    static func spelledOut(_ arguments: [String]) -> [String] {
        var words = arguments
        for index in words.indices where words[index] == "--repair" {
            let next = index + 1 < words.count ? words[index + 1] : "-"
            if next.hasPrefix("-") || Dataset(rawValue: next) != nil {
                words[index] = "--mark-repair"
            }
        }
        return words
    }

    func archiveClient(_ settings: inout Settings) throws -> ArchiveClient.Options {
        var options = ArchiveClient.Options()
        options.baseURL = try settings.value(SettingCatalog.archiveURL, archiveURL)
        options.authorities = try settings.optional(SettingCatalog.authorities, ca)
        options.parallel = max(
            options.parallel, try settings.value(SettingCatalog.parallel, parallel))
        options.timeout = try settings.value(SettingCatalog.requestTimeout, timeout)
        options.maximumAttempts = try settings.value(SettingCatalog.maxAttempts, maxAttempts)
        options.backoff = (
            try settings.value(SettingCatalog.initialBackoff, initialBackoff),
            try settings.value(SettingCatalog.maxBackoff, maxBackoff)
        )
        let environment = Environment.all
        let cache =
            environment["CACHE_DIRECTORY"] ?? environment["XDG_CACHE_HOME"].map {
                "\($0)/bitcoin-ingestor/archive"
            } ?? environment["HOME"].map { "\($0)/.cache/bitcoin-ingestor/archive" }
            ?? "/tmp/bitcoin-ingestor-archive"
        options.directory =
            try settings.optional(SettingCatalog.archiveDirectory, archiveDir) ?? cache
        return options
    }

    func archiveOptions(
        _ dataset: Dataset, _ settings: inout Settings
    ) throws -> ArchiveOptions {
        let symbols = try selection(&settings).symbols
        let intervals =
            dataset == .klines ? try settings.value(SettingCatalog.intervals, interval) : []
        let (times, notYet) = try archiveTimes()
        let contents: [ArchiveFile.Content] =
            switch dataset {
            case .trades: [.trades]
            case .aggTrades: [.aggTrades]
            default: intervals.map { .klines($0) }
            }
        let files = symbols.flatMap { symbol in
            contents.flatMap { content in
                ArchiveFile.files(
                    symbol: symbol, content: content, times: times, isMonthly: monthly)
            }
        }
        return ArchiveOptions(
            files: files, times: times, notYet: notYet, client: try archiveClient(&settings),
            keepsFiles: keepFiles, limit: limit, resume: resume,
            source: markRepair ? .repair : .archive)
    }

    /// The asked time, and what of it has not happened yet. An id does not say in which file it is.
    private func archiveTimes() throws -> (times: Range<Int64>, notYet: String?) {
        func time(_ text: String) throws -> Int64 {
            do throws(RangeEndError) {
                guard case .time(let time) = try RangeEnd(text, forKlines: false) else {
                    throw RangeEndError(
                        "\"\(text)\" is an id: the archive has files of days, so give UTC dates or "
                            + "times, or leave --source archive out")
                }
                return time
            } catch { throw StageFailure(.usage, "\(error)") }
        }
        let now = Clock.realtimeNanoseconds() / 1000
        let start = try time(from ?? "")
        let end = try to.map(time) ?? now
        guard start <= now + RangeSearch.clockTolerance else {
            throw StageFailure(
                .usage, "--from \(Timestamp.text(microseconds: start)) is in the future")
        }
        guard start < end else {
            throw StageFailure(.usage, "--from \(from ?? "") is not before --to \(to ?? "now")")
        }
        // Days that have not begun have no files: none is asked for.
        guard end > now + RangeSearch.clockTolerance else { return (start..<end, nil) }
        let rest = "\(Timestamp.text(microseconds: now)) to \(Timestamp.text(microseconds: end))"
        return (start..<max(now, start + 1), "\(rest) (has not happened yet)")
    }

    func repairOptions(
        _ ledger: String, _ venue: VenueClient.Options, _ settings: inout Settings
    ) throws -> RepairOptions {
        var rules = Puller.Rules(
            parallel: try settings.value(SettingCatalog.parallel, parallel), rows: 1000,
            lagPause: 0.25, follows: follow,
            pollInterval: try settings.value(SettingCatalog.pollInterval, pollInterval),
            includesOpen: false, badReplies: venue.maximumAttempts, source: .repair,
            baseURL: venue.baseURL)
        rules.defersUnserved = true
        let place: HeldPlace =
            ledger.contains("://")
            ? .bucket(ledger, try bucket.reading(&settings)) : .ledger(ledger)
        let selection = try selection(&settings)
        return RepairOptions(
            place: place, symbols: symbols == nil ? [] : selection.named, shard: selection.shard,
            kind: dataset?.kind, settle: try settings.value(SettingCatalog.settle, settle),
            look: try settings.value(SettingCatalog.look, lookInterval), venue: venue,
            archive: noArchive ? nil : try archiveClient(&settings), rules: rules)
    }
}
