import Stats
import Ledger
import Binance
import Encoding
import Identity
import Posix
import Records
import Stage

/// Compares the archive with the REST API, and both with what is held, row by row: by id, and by
/// value where both have it.
struct Audit: ~Copyable {
    /// Differences that are named one by one, of each file.
    private static let maximumNames = 50

    private let options: ArchiveOptions
    private let held: HeldRanges?
    private let venue: PullOptions
    private var archive: ArchiveClient
    private var rest: VenueClient
    private var differences = 0
    private var rows = 0

    /// - Parameter venue: the same pull as one of the REST API would be.
    init(
        _ options: ArchiveOptions, _ venue: PullOptions, held: HeldRanges?,
        _ rest: consuming VenueClient, in stage: borrowing Stage
    ) throws {
        self.options = options
        self.venue = venue
        self.held = held
        self.rest = rest
        archive = try ArchiveClient(options.client)
        archive.report = { [log = stage.log] isWarning, text in
            if isWarning { log.warning("\(text)", cause: "archive") } else { log.debug("\(text)") }
        }
    }

    mutating func run(in stage: borrowing Stage) throws {
        stage.enter(.running)
        for file in options.files {
            archive.submit(file)
            var outcome: ArchiveClient.Outcome?
            while outcome == nil, !stage.isStopping {
                stage.stats.heartbeat.beat()
                outcome = try archive.wait(timeout: 1, unless: stage.stopDescriptor)
            }
            guard let outcome else { break }
            try compare(outcome, in: stage)
        }
        guard !stage.isStopping else { throw StageFailure(.gaveUp, "stopped before the last file") }
        try stage.print(
            "\(Spoken.count(rows, "row")) compared, \(Spoken.count(differences, "difference"))\n")
        if differences > 0 { throw StageFailure(.no, "") }
    }

    // MARK: - One file

    private mutating func compare(
        _ outcome: ArchiveClient.Outcome, in stage: borrowing Stage
    ) throws {
        let file = outcome.file
        var report = AuditReport(file: file.name, limit: Self.maximumNames)
        defer {
            differences += report.differences
            rows += report.rows
        }
        var archived = ArchivedRows()
        switch outcome.result {
        case .success(let path):
            archived = try ArchivedRows(
                path: path, outcome, sequence: file.sequence, within: options.times)
            if !options.keepsFiles { try? Files.remove(path) }
        case .failure(let error) where [.absent, .mismatched, .damaged].contains(error.reason):
            report.add("\(error)")
        case .failure(let error): throw error
        }
        if let fault = archived.fault { report.add(fault) }
        try compareWithREST(file, archived, &report, in: stage)
        if let held { report.compare(archived.ids, with: held.coverage(of: file.sequence).held) }
        try stage.print(report.text)
    }

    private mutating func compareWithREST(
        _ file: ArchiveFile, _ archived: ArchivedRows, _ report: inout AuditReport,
        in stage: borrowing Stage
    ) throws {
        let times =
            max(
                file.times.lowerBound, options.times.lowerBound)..<min(
                file.times.upperBound, options.times.upperBound)
        let asked = venue.narrowed(to: file, times)
        let finder = RangeFinder(options: asked, held: nil)
        guard let pull = try finder.pulls(&rest, in: stage)?.first else { return }
        var seen = IDSet()
        for range in pull.wanted {
            var next = range.lowerBound
            while next <= range.upperBound, !stage.isStopping {
                stage.stats.heartbeat.beat()
                guard
                    let box = try page(of: pull, next...range.upperBound, in: stage),
                    let last = box.page.lastServed
                else { break }
                for (index, id) in box.page.ids.enumerated() where range.contains(id) {
                    seen.insert(id)
                    report.rows += 1
                    report.compare(id, archived.frame(of: id), box.frame(index), file)
                }
                guard last >= next else { break }
                next = last + 1
            }
        }
        report.compare(archived.ids, withREST: seen)
    }

    private mutating func page(
        of pull: SequencePull, _ ids: ClosedRange<Int64>, in stage: borrowing Stage
    ) throws -> PageBox? {
        let query: KeyValuePairs<String, String> =
            pull.interval == nil
            ? ["symbol": "\(pull.symbol)", "fromId": "\(ids.lowerBound)", "limit": "1000"]
            : [
                "symbol": "\(pull.symbol)", "interval": pull.interval?.rawValue ?? "",
                "startTime": "\(ids.lowerBound)", "endTime": "\(ids.upperBound)", "limit": "1000",
            ]
        let request = VenueClient.Request(
            pull.endpoint, rows: 1000, base: venue.venue.baseURL, query)
        return try rest.fetch(request, unless: stage.stopDescriptor) { reply throws(PageError) in
            PageBox(
                try Page.read(
                    reply.body.span.bytes, isSBE: reply.isSBE, of: pull.endpoint,
                    about: PageSubject(
                        symbol: pull.symbol, interval: pull.interval, ingestTime: reply.arrival)))
        }
    }
}

extension PullOptions {
    /// The same for the rows of one file of the archive.
    fileprivate func narrowed(to file: ArchiveFile, _ times: Range<Int64>) -> PullOptions {
        let intervals: [KlineInterval] =
            if case .klines(let interval) = file.content { [interval] } else { [] }
        return PullOptions(
            dataset: dataset, symbols: [file.symbol], intervals: intervals,
            from: .time(times.lowerBound), to: .time(times.upperBound), limit: nil,
            levels: levels, resume: nil, endsAtHeld: false, venue: venue, rules: rules)
    }
}

extension PageBox {
    /// The frame of a row.
    fileprivate func frame(_ row: Int) -> [UInt8] {
        page.frame(row)
    }
}

extension Page {
    /// The frame of a row.
    fileprivate func frame(_ row: Int) -> [UInt8] {
        frames(of: row..<(row + 1)).withUnsafeBytes { Array($0) }
    }
}

/// The rows of a file of the archive by id, as frames.
private struct ArchivedRows {
    private(set) var ids = IDSet()
    /// What is wrong with the file itself.
    private(set) var fault: String?
    private var frames: [Int64: [UInt8]] = [:]

    init() {}

    init(
        path: String, _ outcome: ArchiveClient.Outcome, sequence: SequenceID,
        within times: Range<Int64>
    ) throws {
        do throws(ArchiveError) {
            var reader = try ArchiveReader(
                path: path, of: outcome.file, ingestTime: outcome.arrival)
            while let page = try reader.next() {
                for (index, id) in page.ids.enumerated()
                where times.contains(page.lastEventTime(of: index..<(index + 1))) {
                    frames[id] = page.frame(index)
                    ids.insert(id)
                }
            }
            if reader.repeats > 0 { fault = "repeats \(Spoken.count(reader.repeats, "id"))" }
        } catch {
            guard error.reason == .damaged else { throw error }
            fault = "\(error)"
        }
    }

    func frame(of id: Int64) -> [UInt8]? { frames[id] }
}
