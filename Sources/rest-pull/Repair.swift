import Binance
import Encoding
import Identity
import Ledger
import Posix
import Records
import Stage
import Stats

/// A repair as asked for on the command line, resolved; values only.
struct RepairOptions {
    /// Whose holes are to be filled.
    let place: HeldPlace
    /// Whose; none of them for all.
    let symbols: [SymbolName]
    /// The part of them that this host repairs; nil for all.
    let shard: SymbolShard?
    /// Of what; nil for everything that can be fetched again.
    let kind: RecordKind?
    /// Seconds for which a hole may be filled by itself.
    let settle: Double
    /// Seconds between two looks at the ledger.
    let look: Double
    let venue: VenueClient.Options
    /// Where ids are looked for that the venue serves no more; nil for nowhere.
    let archive: ArchiveClient.Options?
    let rules: Puller.Rules
}

/// Fills the holes of a ledger: fetches exactly the ids that are missing, marks them as repairs, and
/// declares absent, with evidence, what neither the venue nor its archive has any more.
struct Repair: ~Copyable {
    /// How often a venue that refuses to serve trades by id is asked whether it does by now, ns.
    private static let patience: Int64 = 600_000_000_000

    private let options: RepairOptions
    private var puller: Puller
    private var book: HoleBook
    private var figures: RepairFigures
    private var ledger: WatchedLedger
    private let archive: ArchiveRepair?
    private var pulls: [SequenceID: SequencePull] = [:]
    /// Sequences that the venue does not serve by id, why, and until when that is believed.
    private var refused: [SequenceID: (reason: String, until: Int64)] = [:]

    init(
        _ options: RepairOptions, _ client: consuming VenueClient, _ writer: consuming FrameWriter,
        in stage: borrowing Stage
    ) throws {
        self.options = options
        book = HoleBook(settle: Int64(options.settle * 1e9))
        figures = RepairFigures(stage)
        ledger = WatchedLedger(options.place)
        archive = try options.archive.map { try ArchiveRepair($0, log: stage.log) }
        puller = Puller(
            rules: options.rules, client: client, writer: writer, pulls: [],
            counters: PullCounters(stage))
    }

    /// Runs until every hole is closed as far as can be, or with `--follow` until a signal comes.
    mutating func run(in stage: borrowing Stage) throws {
        stage.enter(.running)
        var nextLook: Int64 = 0
        while !stage.isStopping {
            let now = Clock.monotonicNanoseconds()
            if now >= nextLook {
                nextLook = now + Int64(ledger.pause(options.look) * 1e9)
                try look(at: now, in: stage)
            }
            let isBusy = try puller.turn(in: stage)
            let hasArchive = try searchArchive(in: stage)
            if isBusy || hasArchive { continue }
            let waits = book.hasYoung || archive?.isWaiting == true
            if !options.rules.follows && !waits && ledger.wasRead { break }
            _ = stage.waitForStop(seconds: min(options.look, 1))
        }
        try puller.end(in: stage)
        try finish(in: stage)
    }

    // MARK: - Looking

    private mutating func look(at now: Int64, in stage: borrowing Stage) throws {
        guard try ledger.read(follows: options.rules.follows, log: stage.log) else { return }
        // What is in a bucket at the beginning of a run that looks once was there before it.
        let isSettled =
            ledger.age >= options.settle || (ledger.isBucket && !options.rules.follows)
        for (sequence, coverage) in ledger.coverages.sorted(by: { $0.key < $1.key })
        where isWanted(sequence) {
            var holes: [ClosedRange<Int64>] = []
            coverage.forEachHole {
                holes.append($0)
                return true
            }
            let ripe = book.look(at: holes, of: sequence, now: now, isSettled: isSettled)
            guard !ripe.isEmpty else { continue }
            let interval = KlineInterval(code: sequence.series)
            let ids = ripe.reduce(UInt64(0)) { $0 + RangeFinder.count(of: $1, interval) }
            stage.log.info(
                "\(sequence.title): fetching \(Spoken.count(ids, "id")) of "
                    + Spoken.count(ripe.count, "hole"),
                ["first": "\(ripe[0].lowerBound)", "last": "\(ripe[ripe.count - 1].upperBound)"])
            try ask(for: ripe, of: sequence, at: now, in: stage)
        }
        figures.show(book)
    }

    /// True for what can be fetched again: a book of the past can not.
    private func isWanted(_ sequence: SequenceID) -> Bool {
        guard let kind = RecordKind(rawValue: sequence.template) else { return false }
        guard [.trade, .aggTrade, .kline].contains(kind), (options.kind ?? kind) == kind else {
            return false
        }
        if let shard = options.shard, !shard.contains(sequence.symbol) { return false }
        return options.symbols.isEmpty || options.symbols.contains(sequence.symbol)
    }

    private mutating func ask(
        for ranges: [ClosedRange<Int64>], of sequence: SequenceID, at now: Int64,
        in stage: borrowing Stage
    ) throws {
        if let known = refused[sequence], known.until > now {
            return archiveOnly(ranges, of: sequence, because: known.reason)
        }
        let isNew = pulls[sequence] == nil
        guard let pull = pull(of: sequence) else { return }
        if isNew || refused[sequence] != nil {
            let probe = pull.probe(base: options.rules.baseURL)
            if let reason = try puller.refusal(of: probe, in: stage) {
                stage.log.warning("\(sequence.title): \(reason); looking in the archive instead")
                refused[sequence] = (reason, now + Self.patience)
                return archiveOnly(ranges, of: sequence, because: reason)
            }
            refused[sequence] = nil
        }
        pull.want(ranges)
    }

    /// The pull of a sequence; nil for a kind that cannot be fetched.
    private mutating func pull(of sequence: SequenceID) -> SequencePull? {
        if let known = pulls[sequence] { return known }
        guard let pull = SequencePull(filling: sequence) else { return nil }
        puller.add(pull)
        pulls[sequence] = pull
        return pull
    }

    private mutating func archiveOnly(
        _ ranges: [ClosedRange<Int64>], of sequence: SequenceID, because reason: String
    ) {
        let pull = pull(of: sequence)
        for ids in ranges { pull?.unserved.append(Unserved(ids: ids, evidence: reason)) }
    }

    // MARK: - What the venue serves no more

    /// - Returns: true when something was done.
    private mutating func searchArchive(in stage: borrowing Stage) throws -> Bool {
        var hasWork = false
        try puller.closeGaps()
        for (sequence, pull) in pulls.sorted(by: { $0.key < $1.key }) where !pull.unserved.isEmpty {
            let unserved = pull.takeUnserved()
            let interval = KlineInterval(code: sequence.series)
            hasWork = true
            guard let archive, interval == nil else {
                for part in unserved { try declare(part, of: pull) }
                continue
            }
            archive.add(unserved, of: sequence, ledger.coverages[sequence])
        }
        guard let archive else {
            if hasWork { try puller.output.flush() }
            return hasWork
        }
        let verdicts = try archive.search(to: &puller.output, in: stage)
        for verdict in verdicts {
            guard let pull = pulls[verdict.sequence] else { continue }
            for part in verdict.absent { try declare(part, of: pull) }
        }
        hasWork = hasWork || !verdicts.isEmpty
        if hasWork { try puller.output.flush() }
        return hasWork
    }

    private mutating func declare(_ part: Unserved, of pull: SequencePull) throws {
        book.declare(part.ids, of: pull.sequence)
        try puller.output.declare(part, of: pull)
    }

    // MARK: - The end

    private func finish(in stage: borrowing Stage) throws {
        figures.show(book)
        let declared = puller.output.declaredIDs
        stage.log.info(
            "repair ended",
            ["records": "\(puller.output.recordsWritten)", "ids_declared_absent": "\(declared)"])
        guard !options.rules.follows else { return }
        if stage.isStopping {
            throw StageFailure(.gaveUp, "stopped before every hole was fetched")
        }
        let later = archive?.postponed ?? []
        guard later.isEmpty else {
            throw StageFailure(
                .gaveUp,
                "the archive does not have these days yet, try again tomorrow: "
                    + later.prefix(20).joined(separator: ", "))
        }
        guard declared == 0 else {
            throw StageFailure(
                .unavailable,
                "\(Spoken.count(declared, "id")) can no longer be fetched: gap records declare them "
                    + "absent, with evidence")
        }
    }
}

/// The figures of a repair.
struct RepairFigures {
    private let open: Gauge
    private let underWay: Gauge
    private let closed: [HoleBook.Closing: Counter]

    init(_ stage: borrowing Stage) {
        let stats = stage.stats
        open = stats.gauge("repair_ids_open", help: "Ids missing in the ledger.")
        underWay = stats.gauge(
            "repair_ids_under_way",
            help: "Of these, ids that were requested and are not in the ledger yet.")
        closed = Dictionary(
            uniqueKeysWithValues: HoleBook.Closing.allCases.map { closing in
                (
                    closing,
                    stats.counter(
                        "repair_ids_closed", labels: Labels.pair("how", closing.rawValue),
                        help: "Ids that are no longer missing, by how they were closed.")
                )
            })
    }

    func show(_ book: HoleBook) {
        open.set(Int64(clamping: book.open))
        underWay.set(Int64(clamping: book.underWay))
        for (closing, count) in book.closed { closed[closing]?.advance(to: Int64(clamping: count)) }
    }
}
