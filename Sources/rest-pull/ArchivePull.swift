import Stats
import Ledger
import Binance
import Encoding
import Identity
import Posix
import Records
import Stage

/// A pull from the archive as asked for on the command line, resolved; values only.
struct ArchiveOptions {
    let files: [ArchiveFile]
    /// µs since the epoch: what happened outside is left out of the files.
    let times: Range<Int64>
    /// The part of the asked time that has not happened yet, in words; nil when all of it has.
    let notYet: String?
    let client: ArchiveClient.Options
    /// Files stay in the directory after they were read.
    let keepsFiles: Bool
    let limit: Int?
    /// A ledger or a file of records whose ids are left out.
    let resume: HeldPlace?
    let source: SourceCode
}

/// Writes the rows of the archive's files as records, file after file.
struct ArchivePull: ~Copyable {
    /// Files that are fetched ahead of the one that is read.
    private static let ahead = 3
    /// A day that ended this long ago has its file for certain, µs: publication has stopped for up
    /// to a week and was made up for later.
    private static let publication: Int64 = 14 * Timestamp.day
    /// Names that a message has.
    private static let maximumNames = 20

    private let options: ArchiveOptions
    private let held: HeldRanges?
    private var client: ArchiveClient
    private var writer: FrameWriter
    private var counters: PullCounters
    /// The last id of each sequence that the files had.
    private var last: [SequenceID: Int64] = [:]
    private var written: [SequenceID: Int] = [:]
    /// What is not there, in words, and what cannot be believed.
    private var lacks: [String] = []
    private var suspects: [String] = []
    /// The first id of each sequence that the files had.
    private var first: [SequenceID: Int64] = [:]
    /// Files that do not exist before the first one that does: the symbol may not have been listed.
    private var early: [SequenceID: [String]] = [:]
    /// Sequences of which there is a file.
    private var found: Set<SequenceID> = []

    init(
        _ options: ArchiveOptions, held: HeldRanges?, writer: consuming FrameWriter,
        in stage: borrowing Stage
    ) throws {
        self.options = options
        self.held = held
        self.writer = writer
        client = try ArchiveClient(options.client)
        client.report = { [log = stage.log] isWarning, text in
            if isWarning { log.warning("\(text)", cause: "archive") } else { log.debug("\(text)") }
        }
        counters = PullCounters(stage)
    }

    mutating func run(in stage: borrowing Stage) throws {
        stage.enter(.running)
        var queue = options.files[...]
        while !stage.isStopping, !queue.isEmpty || client.outstanding > 0 {
            while client.outstanding < Self.ahead, let file = queue.popFirst() {
                if !isFull(file.sequence) { client.submit(file) }
            }
            let outcome = try client.wait(timeout: 1, unless: stage.stopDescriptor)
            stage.stats.heartbeat.beat()
            guard let outcome else { continue }
            switch outcome.result {
            case .success(let path): try take(outcome, path, in: stage)
            case .failure(let error): try note(error, of: outcome, in: stage)
            }
        }
        try writer.flush()
        publish()
        try finish(in: stage)
    }

    private func isFull(_ sequence: SequenceID) -> Bool {
        options.limit.map { written[sequence, default: 0] >= $0 } ?? false
    }

    // MARK: - Files

    private mutating func take(
        _ outcome: ArchiveClient.Outcome, _ path: String, in stage: borrowing Stage
    ) throws {
        let sequence = outcome.file.sequence
        found.insert(sequence)
        if outcome.isUnchecked {
            stage.log.warning(
                "\(outcome.file.name) has no CHECKSUM in the archive: only its own CRC")
        }
        var rows = 0
        do {
            var reader = try ArchiveReader(
                path: path, of: outcome.file, source: options.source, ingestTime: outcome.arrival)
            while let page = try reader.next() {
                if first[sequence] == nil { first[sequence] = page.ids.first }
                rows += try write(page, of: outcome.file)
                stage.stats.heartbeat.beat()
                // The files behind this one come meanwhile.
                try client.poke()
                if stage.isStopping || isFull(sequence) { break }
            }
            if reader.repeats > 0 {
                suspects.append(
                    "\(outcome.file.name) repeats \(Spoken.count(reader.repeats, "id"))")
            }
            for (id, reason) in reader.unkept.prefix(Self.maximumNames) {
                suspects.append("\(outcome.file.name) id \(id): \(reason)")
            }
        } catch let error as ArchiveError where error.reason == .damaged {
            // The other files are worth having.
            suspects.append("\(error)")
            stage.log.error("\(error)")
        }
        try writer.flush()
        publish()
        stage.log.info("\(outcome.file.name): \(Spoken.count(rows, "record"))")
        if !options.keepsFiles { try? Files.remove(path) }
    }

    /// Writes what of a page was asked for.
    ///
    /// - Returns: how many records.
    private mutating func write(
        _ page: borrowing Page, of file: ArchiveFile
    ) throws -> Int {
        let sequence = file.sequence
        counters.took(page.count)
        var wanted = rows(of: page, file)
        if let known = last[sequence] {
            // A row that the file before had as well.
            while let first = wanted.first, page.ids[first] <= known { wanted.removeFirst() }
        }
        var count = 0
        let coverage = held?.coverage(of: sequence)
        var row = wanted.lowerBound
        while row < wanted.upperBound {
            let left = options.limit.map { $0 - written[sequence, default: 0] } ?? .max
            guard left > 0 else { break }
            if coverage?.held.contains(page.ids[row]...page.ids[row]) == true {
                last[sequence] = page.ids[row]
                row += 1
                continue
            }
            var end = row + 1
            while end < wanted.upperBound, end - row < left, page.ids[end] == page.ids[end - 1] + 1,
                coverage?.held.contains(page.ids[end]...page.ids[end]) != true
            { end += 1 }
            try declareHole(
                before: page.ids[row], at: page.lastEventTime(of: row..<(row + 1)), file)
            try writer.append(frames: page.frames(of: row..<end), count: end - row)
            let frame = try FrameView(firstIn: page.frames(of: (end - 1)..<end))
            counters.wrote(end - row, last: frame, isLive: false)
            last[sequence] = page.ids[end - 1]
            written[sequence, default: 0] += end - row
            count += end - row
            row = end
        }
        counters.left(page.count - count)
        return count
    }

    /// Rows of a page that happened in the asked time.
    private func rows(of page: borrowing Page, _ file: ArchiveFile) -> Range<Int> {
        if options.times.lowerBound <= file.times.lowerBound,
            options.times.upperBound >= file.times.upperBound
        {
            return 0..<page.count
        }
        var (first, end) = (0, page.count)
        while first < end, page.lastEventTime(of: first..<(first + 1)) < options.times.lowerBound {
            first += 1
        }
        while end > first, page.lastEventTime(of: (end - 1)..<end) >= options.times.upperBound {
            end -= 1
        }
        return first..<end
    }

    /// Tells those downstream of ids that the files skip. Klines that are absent may never have been.
    private mutating func declareHole(
        before id: Int64, at time: Int64, _ file: ArchiveFile
    ) throws {
        if case .klines = file.content { return }
        guard let known = last[file.sequence], id > known + 1 else { return }
        let hole = (known + 1)...(id - 1)
        let coverage = held?.coverage(of: file.sequence)
        for range in coverage?.held.missing(in: hole) ?? [hole] {
            try writer.append(
                gap: range, of: file.sequence, reason: .missed, source: options.source,
                eventTime: time)
            counters.declared()
            lacks.append("\(file.sequence.title) ids \(range.lowerBound) to \(range.upperBound)")
        }
    }

    private mutating func note(
        _ error: ArchiveError, of outcome: ArchiveClient.Outcome, in stage: borrowing Stage
    ) throws {
        let sequence = outcome.file.sequence
        switch error.reason {
        case .absent:
            let now = Clock.realtimeNanoseconds() / 1000
            let isFresh = outcome.file.times.upperBound > now - Self.publication
            if isFresh {
                stage.log.warning(
                    "\(outcome.file.name) is not in the archive: files are published some hours after their "
                        + "day, sometimes days later")
            }
            guard found.contains(sequence) else {
                early[sequence, default: []].append(outcome.file.name)
                return
            }
            lacks.append(outcome.file.name)
            if !isFresh { stage.log.warning("\(outcome.file.name) is not in the archive") }
        case .mismatched, .damaged:
            suspects.append("\(error)")
            stage.log.error("\(error)")
        case .unavailable, .system, .configuration: throw error
        }
    }

    private mutating func publish() {
        counters.note(
            requests: client.counts.requests, retries: client.counts.retries,
            bytes: client.counts.bytes)
        counters.publish(bytesOut: writer.bytesWritten)
    }

    // MARK: - The end

    private func finish(in stage: borrowing Stage) throws {
        var lacks = lacks
        for (sequence, names) in early.sorted(by: { $0.key < $1.key }) {
            let range = Self.range(names)
            guard found.contains(sequence) else {
                lacks.append(range)
                continue
            }
            // Ids begin at 0 or 1. Klines do not tell whether there were any before.
            if let id = first[sequence], id > 1, sequence.kind != .kline {
                lacks.append("\(range) (the first file that exists begins with id \(id))")
            } else {
                stage.log.info("\(sequence.title): no files of \(range), as before a listing")
            }
        }
        // Where --limit ends it before, the rest was not asked for.
        if let notYet = options.notYet, !options.files.allSatisfy({ isFull($0.sequence) }) {
            lacks.insert(notYet, at: 0)
        }
        if stage.isStopping { throw StageFailure(.gaveUp, "stopped before the last file") }
        if !suspects.isEmpty {
            throw StageFailure(
                .protocolBroken, "some files of the archive are damaged: \(Self.listed(suspects))")
        }
        guard lacks.isEmpty else {
            throw StageFailure(
                .unavailable,
                "the archive is incomplete; missing: \(Self.listed(lacks)). rest-pull "
                    + "without --source archive asks the REST API for it")
        }
    }

    private static func range(_ names: [String]) -> String {
        let (first, last) = (names.first ?? "", names.last ?? "")
        return first == last ? first : "\(first) to \(last)"
    }

    private static func listed(_ words: [String]) -> String {
        let more = words.count - maximumNames
        return words.prefix(maximumNames).joined(separator: "; ")
            + (more > 0 ? "; and \(more) more" : "")
    }
}
