import ArgumentParser
import Binance
import Configuration
import Posix
import Stage

/// Where a pull gets its rows from.
enum PullSource: String, CaseIterable, ExpressibleByArgument {
    case rest
    case archive
}

/// How the venue's archive is read.
struct ArchiveFlags: ParsableArguments {
    @Option(help: "Where to fetch from: rest, or archive (the venue's public daily files).")
    var source: PullSource = .rest
    @Flag(help: "With --source archive: monthly files.") var monthly = false
    @Flag(help: "With --source archive: keep the files in --archive-dir after reading them.")
    var keepFiles = false
    @Flag(
        help: ArgumentHelp(
            "Write no records, but compare the archive with the REST API, and with --resume also with "
                + "what is held, by id and by value; exit with 1 when they differ."))
    var audit = false
    @Flag(help: "With --repair: do not search the archive for ids that the venue no longer serves.")
    var noArchive = false
    @Option(SettingCatalog.archiveURL) var archiveURL: String?
    @Option(SettingCatalog.archiveDirectory) var archiveDir: String?

    /// True when the run reads files of the archive.
    var isRead: Bool { source == .archive || audit }

    mutating func validate() throws {
        guard isRead || (!monthly && !keepFiles) else {
            throw ValidationError("--monthly and --keep-files are for --source archive")
        }
    }

    /// How to fetch files.
    func client(
        _ venue: VenueFlags, _ settings: inout Settings
    ) throws -> ArchiveClient.Options {
        var options = ArchiveClient.Options()
        options.baseURL = try settings.value(SettingCatalog.archiveURL, archiveURL)
        let requests = try venue.requests(&settings)
        options.authorities = requests.authorities
        options.parallel = max(options.parallel, requests.parallel)
        options.timeout = requests.timeout
        options.maximumAttempts = requests.maximumAttempts
        options.backoff = requests.backoff
        options.directory =
            try settings.optional(SettingCatalog.archiveDirectory, archiveDir) ?? Self.cache
        return options
    }

    /// The files of a range.
    func files(
        of dataset: Dataset, _ range: RangeFlags, times: Range<Int64>, _ settings: inout Settings
    ) throws -> [ArchiveFile] {
        let contents: [ArchiveFile.Content] =
            switch dataset {
            case .trades: [.trades]
            case .aggTrades: [.aggTrades]
            default: try range.intervals(of: dataset, &settings).map { .klines($0) }
            }
        return try range.selection(&settings).symbols.flatMap { symbol in
            contents.flatMap { content in
                ArchiveFile.files(
                    symbol: symbol, content: content, times: times, isMonthly: monthly)
            }
        }
    }

    /// Where files are when no directory is configured.
    private static var cache: String {
        let environment = Environment.all
        if let directory = DirectoryVariable.first("CACHE_DIRECTORY", in: environment) {
            return directory
        }
        let parent =
            DirectoryVariable.path("XDG_CACHE_HOME", in: environment)
            ?? DirectoryVariable.path("HOME", in: environment).map { "\($0)/.cache" }
        return parent.map { "\($0)/bitcoin-ingestor/archive" } ?? "/tmp/bitcoin-ingestor-archive"
    }
}
