import ArgumentParser
import Binance
import BronzeAccess
import Configuration
import Glibc
import Identity
import Ledger
import Posix
import Records
import Stage
import StageAWS
import Stats
import Transport

@main
struct RestPull: StageCommand {
    static let configuration = CommandConfiguration(
        commandName: "rest-pull",
        abstract: "Write the venue's history as records to standard output.",
        discussion: """
            EXAMPLES:
              rest-pull aggTrades --symbol BTCUSDT --from 2024-01-01 --to 2024-01-02 > day.bin
              rest-pull klines --interval 1m,1h --from 2024-01-01 | dedup | s3-put --to file://./data
              rest-pull trades --from 1000000 --to 1999999 --resume part.bin >> part.bin
              rest-pull trades --source archive --from 2024-01-01 --to 2024-02-01 | recq count
              dedup <(sbe-tap) <(rest-pull --repair data/.s3-put/ledger --follow) | s3-put --to file://data

            Exit status: 0 the range is complete, 64 wrong usage, 69 a part is missing (standard
            error says which), 75 gave up for now, 76 the venue broke its own protocol, 77 a key is
            missing or the venue does not serve this location, 78 wrong configuration.
            """,
        version: Version.text)
    static let essentials = [
        "from", "to", "symbols", "symbol", "interval", "limit", "resume", "repair", "follow",
        "encoding", "shard",
    ]
    static let schemas = ["REST SBE \(VenueClient.Options().schema)"]

    @Argument(help: "aggTrades, trades, klines or depth.")
    var dataset: Dataset?
    @Flag(help: "List symbols with status, tick and lot size, then exit.") var list = false
    @OptionGroup var range: RangeFlags
    @Option(help: ArgumentHelp("Levels of a depth snapshot, 1 to 5000.", valueName: "count"))
    var levels: Int = 1000
    @Option(
        help: ArgumentHelp(
            "Skip what this ledger, file of records or bucket (by its manifests) already holds.",
            valueName: "path|url"),
        completion: .file())
    var resume: String?
    @Flag(help: "Keep fetching new records.")
    var follow = false
    @Flag(help: "With klines: also write the current one, which is still open.")
    var open = false
    @Option(
        help: ArgumentHelp(
            "Fetch only ids missing in this ledger or bucket (by its manifests); "
                + "with --follow, also each new hole. A sink may be writing the ledger meanwhile.",
            valueName: "ledger|url"),
        completion: .file())
    var repair: String?
    @Option(SettingCatalog.settle) var settle: Double?
    @Option(SettingCatalog.look) var lookInterval: Double?
    @Flag(
        help: ArgumentHelp(
            "Mark the records as repairs, so that they pass dedup; with --resume, also fetch ids "
                + "that an earlier run declared missing. --repair without a ledger means this."))
    var markRepair = false
    @OptionGroup var archive: ArchiveFlags
    @OptionGroup var bucket: BucketReadingOptions
    @OptionGroup var venue: VenueFlags
    @OptionGroup var common: CommonOptions

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

    // MARK: - What was asked

    mutating func validate() throws {
        guard dataset != nil || list || repair != nil else {
            throw ValidationError("name what to pull: aggTrades, trades, klines or depth")
        }
        let hasEnds = range.from != nil || range.to != nil
        if repair != nil && (hasEnds || resume != nil || range.limit != nil || list) {
            throw ValidationError(
                "--repair takes its range from the ledger: it cannot be combined with --from, "
                    + "--to, "
                    + "--limit, --resume or --list")
        }
        if repair != nil && (dataset == .depth || archive.source == .archive) {
            throw ValidationError(
                dataset == .depth
                    ? "past books cannot be fetched: --repair is for trades, aggTrades "
                        + "and klines"
                    : "--repair uses the REST API first, and the archive where needed: leave "
                        + "--source out"
            )
        }
        if archive.isRead { try validateArchive() }
        if list && (dataset != nil || hasEnds || resume != nil || follow) {
            throw ValidationError("--list can only be combined with symbols")
        }
        guard (1...5000).contains(levels) else {
            throw ValidationError("--levels must be between 1 and 5000")
        }
        if range.limit != nil && follow {
            throw ValidationError(
                "--limit and --follow cannot be combined: one ends the run, the other does not")
        }
        if open && dataset != .klines { throw ValidationError("--open is only for klines") }
        if range.interval != nil && dataset != .klines {
            throw ValidationError("--interval is only for klines")
        }
        if range.endsAtHeld && (resume == nil || follow || archive.isRead) {
            throw ValidationError(
                "--to held needs --resume LEDGER|URL, and cannot be combined with --follow, "
                    + "--source archive or --audit")
        }
        if dataset == .depth && (hasEnds || resume != nil) {
            throw ValidationError(
                "depth has no history: it cannot be combined with --from, --to or --resume")
        }
    }

    private func validateArchive() throws {
        guard dataset != .depth, !follow, !open else {
            throw ValidationError(
                "the archive has whole days of trades, aggTrades and closed klines: it cannot be "
                    + "combined with depth, --follow or --open")
        }
        guard range.from != nil else {
            throw ValidationError(
                "--source archive and --audit need --from and --to as UTC dates or times")
        }
    }

    func plan(_ settings: inout Settings) throws -> PullTask {
        var client = try venue.client(follows: follow, common, &settings)
        if let repair {
            // Snapshots of live stages and backfills have the rest.
            client.weightShare = 75
            return .repair(try repairOptions(repair, client, &settings))
        }
        guard let dataset else {
            return .list(try range.named(&settings), try range.selection(&settings).shard, client)
        }
        let selection = try range.selection(&settings)
        // A request for no symbols asks for all of them.
        if selection.symbols.isEmpty { return .nothing(selection.emptiness) }
        if archive.audit {
            return .audit(
                try archiveOptions(dataset, &settings),
                try pullOptions(dataset, client, &settings))
        }
        if archive.source == .archive { return .archive(try archiveOptions(dataset, &settings)) }
        return .pull(try pullOptions(dataset, client, &settings))
    }

    private func pullOptions(
        _ dataset: Dataset, _ client: VenueClient.Options, _ settings: inout Settings
    ) throws -> PullOptions {
        let intervals = try range.intervals(of: dataset, &settings)
        let rules = try venue.rules(
            rows: dataset == .depth ? levels : 1000, follows: follow, includesOpen: open,
            source: markRepair ? .repair : .rest, &settings)
        let ends = try range.ends(of: dataset)
        return PullOptions(
            dataset: dataset, symbols: try range.selection(&settings).symbols,
            intervals: intervals, from: ends.from, to: ends.to, limit: range.limit,
            levels: levels, resume: try held(resume, &settings), endsAtHeld: range.endsAtHeld,
            venue: client, rules: rules)
    }

    /// A ledger, a file of records, or a place with manifests.
    private func held(_ text: String?, _ settings: inout Settings) throws -> HeldPlace? {
        try text.map { try held($0, &settings) }
    }

    private func held(_ text: String, _ settings: inout Settings) throws -> HeldPlace {
        // A directory is what ledgerctl takes it for: a destination with manifests, or a sink's state.
        if try ObjectURL.isURL(text) || Files.status(text + "/_manifests") != nil {
            return .bucket(text, try bucket.reading(&settings))
        }
        let isDirectory = try Files.status(text).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
        return .ledger(isDirectory ? text + "/ledger" : text)
    }

    private func archiveOptions(
        _ dataset: Dataset, _ settings: inout Settings
    ) throws -> ArchiveOptions {
        let (times, notYet) = try range.times()
        return ArchiveOptions(
            files: try archive.files(of: dataset, range, times: times, &settings), times: times,
            notYet: notYet, client: try archive.client(venue, &settings),
            keepsFiles: archive.keepFiles,
            limit: range.limit, resume: try held(resume, &settings),
            source: markRepair ? .repair : .archive)
    }

    private func repairOptions(
        _ ledger: String, _ client: VenueClient.Options, _ settings: inout Settings
    ) throws -> RepairOptions {
        var rules = try venue.rules(
            rows: 1000, follows: follow, includesOpen: false, source: .repair, &settings)
        rules.defersUnserved = true
        return RepairOptions(
            place: try held(ledger, &settings), symbols: try range.named(&settings),
            shard: try range.selection(&settings).shard, kind: dataset?.kind,
            settle: try settings.value(SettingCatalog.settle, settle),
            look: try settings.value(SettingCatalog.look, lookInterval), venue: client,
            archive: archive.noArchive ? nil : try archive.client(venue, &settings), rules: rules)
    }

    // MARK: - The run

    func run(_ task: PullTask, in stage: borrowing Stage) throws {
        switch task {
        case .pull(let options): try pull(options, in: stage)
        case .list(let symbols, let shard, let venue): try list(symbols, shard, venue, in: stage)
        case .nothing(let reason): stage.log.warning(reason)
        case .archive(let options):
            let held = try options.resume.map { try HeldRanges($0, log: stage.log) }
            var pull = try ArchivePull(
                options, held: held, writer: stage.standardOutput(), in: stage)
            try pull.run(in: stage)
        case .audit(let options, let pull):
            let held = try options.resume.map { try HeldRanges($0, log: stage.log) }
            stage.enter(.connecting)
            var client = try Self.client(pull.venue, in: stage)
            guard try Greeting(symbols: pull.symbols).exchange(&client, in: stage) != nil else {
                return
            }
            var audit = try Audit(options, pull, held: held, client, in: stage)
            try audit.run(in: stage)
        case .repair(let options): try repair(options, in: stage)
        }
    }

    /// Greets the venue, finds the ids, fetches them, and says what is missing.
    private func pull(_ options: PullOptions, in stage: borrowing Stage) throws {
        let writer = try stage.standardOutput()
        stage.enter(.connecting)
        let held = try options.heldRanges(in: stage)
        var client = try Self.client(options.venue, in: stage)
        guard try Greeting(symbols: options.symbols).exchange(&client, in: stage) != nil else {
            return
        }
        if options.dataset == .depth {
            return try SnapshotPull(options: options).run(&client, writer, in: stage)
        }
        let finder = RangeFinder(options: options, held: held)
        guard let pulls = try finder.pulls(&client, in: stage) else { return }
        stage.enter(.running)
        var puller = Puller(
            rules: options.rules, client: client, writer: writer, pulls: pulls,
            counters: PullCounters(stage))
        try puller.run(in: stage)
        let report = PullReport(
            pulls: pulls, follows: options.rules.follows,
            repairs: options.rules.source == .repair)
        try report.finish(in: stage)
    }

    /// Learns the venue's limits and clock, and fills the holes of a ledger.
    private func repair(_ options: RepairOptions, in stage: borrowing Stage) throws {
        try WatchedLedger(options.place).check(follows: options.rules.follows)
        let writer = try stage.standardOutput()
        stage.enter(.connecting)
        var client = try Self.client(options.venue, in: stage)
        guard
            try Greeting(symbols: options.symbols).exchange(&client, in: stage) != nil
        else { return }
        var repair = try Repair(options, client, writer, in: stage)
        try repair.run(in: stage)
    }

    /// Shows what the venue says of symbols.
    private func list(
        _ symbols: [SymbolName], _ shard: SymbolShard?, _ venue: VenueClient.Options,
        in stage: borrowing Stage
    ) throws {
        var client = try Self.client(venue, in: stage)
        guard let info = try Greeting(symbols: symbols).exchange(&client, in: stage) else { return }
        try stage.print(SymbolTable.text(info.symbols, in: shard))
    }

    /// A client whose notices go to the log.
    static func client(
        _ options: VenueClient.Options, in stage: borrowing Stage
    ) throws -> VenueClient {
        var client = try VenueClient(options)
        client.heartbeat = stage.stats.heartbeat
        client.report = { [log = stage.log] notice in
            // A venue that spoils each second reply would fill a disk otherwise.
            let cause = notice.cause == .once ? nil : "venue_\(notice.cause)"
            if notice.isWarning {
                log.warning(notice.text, cause: cause)
            } else {
                log.info(notice.text, cause: cause)
            }
        }
        return client
    }
}
