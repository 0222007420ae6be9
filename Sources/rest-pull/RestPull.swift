import ArgumentParser
import Binance
import Configuration
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

            Exit status: 0 the whole range came, 64 wrong usage, 69 a part is missing (standard
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
    @Flag(help: "List symbols with status, tick and lot size, and end.") var list = false
    // Unconditional, so that a negative number is told that it is one.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "First id, or a UTC date or time; also yesterday, -2h. (default: the newest 1000)",
            valueName: "id|time"))
    var from: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Last id, or the UTC date or time before which to end. (default: now)",
            valueName: "id|time"))
    var to: String?
    @Option(SettingCatalog.symbols) var symbols: [String]?
    @Option(SettingCatalog.shard) var shard: SymbolShard?
    @Option(SettingCatalog.intervals) var interval: [KlineInterval]?
    @Option(SettingCatalog.restEncoding) var encoding: RESTEncoding?
    @Option(help: ArgumentHelp("At most this many ids of each symbol.", valueName: "count"))
    var limit: Int?
    @Option(help: ArgumentHelp("Levels of a depth snapshot, 1 to 5000.", valueName: "count"))
    var levels: Int = 1000
    @Option(
        help: ArgumentHelp(
            "Leave out what this ledger or file of records already holds.", valueName: "path"),
        completion: .file())
    var resume: String?
    @Flag(help: "Keep asking for what is new.")
    var follow = false
    @Flag(help: "With klines: write the one that is not over yet, too.")
    var open = false
    @Option(
        help: ArgumentHelp(
            "Fetch the ids that this ledger misses, or the manifests of a bucket, and no others; with "
                + "--follow, go on with each new hole. A sink may be writing it meanwhile.",
            valueName: "ledger|url"),
        completion: .file())
    var repair: String?
    @Option(SettingCatalog.settle) var settle: Double?
    @Option(SettingCatalog.look) var lookInterval: Double?
    @Flag(
        help: ArgumentHelp(
            "Mark the records as repairs, so that they pass dedup; with --resume, ask again for ids "
                + "that an earlier run declared missing. --repair without a ledger means this."))
    var markRepair = false
    @Option(help: "Where from: rest, or archive, the venue's public files of whole days.")
    var source: PullSource = .rest
    @Flag(help: "With --source archive: the files of whole months.") var monthly = false
    @Flag(help: "With --source archive: leave the files in --archive-dir after they were read.")
    var keepFiles = false
    @Flag(
        help: ArgumentHelp(
            "Write nothing, but compare the archive with the REST API, and with --resume also with "
                + "what is held, by id and by value; 1 when they differ."))
    var audit = false
    @Flag(help: "With --repair: do not look in the archive for what the venue serves no more.")
    var noArchive = false
    @Option(SettingCatalog.archiveURL) var archiveURL: String?
    @Option(SettingCatalog.archiveDirectory) var archiveDir: String?
    @OptionGroup var bucket: BucketReadingOptions
    @Option(SettingCatalog.pollInterval) var pollInterval: Double?
    @Option(SettingCatalog.parallel) var parallel: Int?
    @Option(SettingCatalog.restBaseURL) var baseURL: String?
    @Option(SettingCatalog.authorities) var ca: String?
    @Option(SettingCatalog.restSchema) var sbeSchema: String?
    @Option(SettingCatalog.weightLimit) var weightLimit: Int?
    @Option(SettingCatalog.requestTimeout) var timeout: Double?
    @Option(SettingCatalog.maxAttempts) var maxAttempts: Int?
    @Option(SettingCatalog.initialBackoff) var initialBackoff: Double?
    @Option(SettingCatalog.maxBackoff) var maxBackoff: Double?
    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        guard dataset != nil || list || repair != nil else {
            throw ValidationError("name what to pull: aggTrades, trades, klines or depth")
        }
        if repair != nil && (from != nil || to != nil || resume != nil || limit != nil || list) {
            throw ValidationError(
                "--repair takes its range from the ledger: --from, --to, --limit, --resume and --list "
                    + "are not for it")
        }
        if repair != nil && (dataset == .depth || source == .archive) {
            throw ValidationError(
                dataset == .depth
                    ? "a book of the past cannot be fetched again: --repair is for trades, "
                        + "aggTrades and klines"
                    : "--repair asks the REST API first and the archive for the rest by itself")
        }
        try validateSource()
        if list && (dataset != nil || from != nil || to != nil || resume != nil || follow) {
            throw ValidationError("--list takes symbols and nothing else")
        }
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
        guard (1...5000).contains(levels) else {
            throw ValidationError("--levels must be between 1 and 5000")
        }
        if limit != nil && follow {
            throw ValidationError("--limit ends a pull and --follow does not: give one of them")
        }
        if open && dataset != .klines { throw ValidationError("--open is for klines") }
        if interval != nil && dataset != .klines {
            throw ValidationError("--interval is for klines")
        }
        if dataset == .depth && (from != nil || to != nil || resume != nil) {
            throw ValidationError("depth has no history: --from, --to and --resume are not for it")
        }
    }

    private func validateSource() throws {
        guard source == .archive || audit else {
            guard !monthly, !keepFiles else {
                throw ValidationError("--monthly and --keep-files are for --source archive")
            }
            return
        }
        guard dataset != .depth, !follow, !open else {
            throw ValidationError(
                "the archive has whole days of trades, aggTrades and closed klines: depth, --follow "
                    + "and --open are not for it")
        }
        guard from != nil else {
            throw ValidationError(
                "--source archive and --audit need --from and --to: UTC dates or times")
        }
    }

    func plan(_ settings: inout Settings) throws -> PullTask {
        var venue = try venueOptions(&settings)
        if let repair {
            // Snapshots of live stages and backfills have the rest.
            venue.weightShare = 75
            return .repair(try repairOptions(repair, venue, &settings))
        }
        guard let dataset else {
            let selection = try selection(&settings)
            return .list(symbols == nil ? [] : selection.named, selection.shard, venue)
        }
        let selection = try selection(&settings)
        // A request for no symbols asks for all of them.
        if selection.symbols.isEmpty { return .nothing(selection.emptiness) }
        if audit {
            return .audit(
                try archiveOptions(dataset, &settings),
                try pullOptions(dataset, venue, &settings))
        }
        if source == .archive { return .archive(try archiveOptions(dataset, &settings)) }
        return .pull(try pullOptions(dataset, venue, &settings))
    }

    private func venueOptions(_ settings: inout Settings) throws -> VenueClient.Options {
        var options = VenueClient.Options()
        options.baseURL = try settings.value(SettingCatalog.restBaseURL, baseURL)
        let form = try settings.value(SettingCatalog.restEncoding, encoding)
        options.encoding =
            switch form {
            case .auto: .auto
            case .sbe: .sbe
            case .json: .json
            }
        options.schema = try settings.value(SettingCatalog.restSchema, sbeSchema)
        options.apiKey = try settings.optional(SettingCatalog.binanceAPIKey)
        options.weightLimit = try settings.optional(SettingCatalog.weightLimit, weightLimit)
        options.authorities = try settings.optional(SettingCatalog.authorities, ca)
        let shared = try settings.runtimeDirectory(common)
        options.share(in: shared.path, isNamed: shared.isNamed)
        options.timeout = try settings.value(SettingCatalog.requestTimeout, timeout)
        options.maximumAttempts = try settings.value(SettingCatalog.maxAttempts, maxAttempts)
        options.backoff = (
            try settings.value(SettingCatalog.initialBackoff, initialBackoff),
            try settings.value(SettingCatalog.maxBackoff, maxBackoff)
        )
        // Who follows has nothing better to do than to wait, and its end would end the live stages
        // of its pipeline.
        if follow { options.longestPause = .infinity }
        return options
    }

    func selection(_ settings: inout Settings) throws -> SymbolSelection {
        try SymbolSelection(&settings, symbols, shard: shard)
    }

    private func pullOptions(
        _ dataset: Dataset, _ venue: VenueClient.Options, _ settings: inout Settings
    ) throws -> PullOptions {
        let symbols = try selection(&settings).symbols
        let isKlines = dataset == .klines
        let intervals = isKlines ? try settings.value(SettingCatalog.intervals, interval) : []
        if isKlines && intervals.isEmpty {
            throw StageFailure(.usage, "--interval names no interval")
        }
        let rules = Puller.Rules(
            parallel: try settings.value(SettingCatalog.parallel, parallel),
            rows: dataset == .depth ? levels : 1000, lagPause: 0.25, follows: follow,
            pollInterval: try settings.value(SettingCatalog.pollInterval, pollInterval),
            includesOpen: open, badReplies: venue.maximumAttempts,
            source: markRepair ? .repair : .rest, baseURL: venue.baseURL)
        let first = try from.map {
            try RangeEnd($0, option: "--from", numbersAreTimes: isKlines)
        }
        let last = try to.map { try RangeEnd($0, option: "--to", numbersAreTimes: isKlines) }
        if let first, let last, first.isAfter(last) {
            throw StageFailure(.usage, "--from \(from ?? "") is not before --to \(to ?? "")")
        }
        return PullOptions(
            dataset: dataset, symbols: symbols, intervals: intervals, from: first, to: last,
            limit: limit, levels: levels, resume: resume, venue: venue, rules: rules)
    }

    func run(_ task: PullTask, in stage: borrowing Stage) throws {
        switch task {
        case .pull(let options): try pull(options, in: stage)
        case .list(let symbols, let shard, let venue): try list(symbols, shard, venue, in: stage)
        case .nothing(let reason): stage.log.warning(reason)
        case .archive(let options):
            let held = try options.resume.map { try HeldRanges(path: $0, log: stage.log) }
            var pull = try ArchivePull(
                options, held: held, writer: stage.standardOutput(), in: stage)
            try pull.run(in: stage)
        case .audit(let options, let pull):
            let held = try options.resume.map { try HeldRanges(path: $0, log: stage.log) }
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
        let held = try options.resume.map { try HeldRanges(path: $0, log: stage.log) }
        stage.enter(.connecting)
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
