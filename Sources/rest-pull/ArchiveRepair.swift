import Stats
import Binance
import Encoding
import Identity
import Ledger
import Posix
import Records
import Stage

/// Looks in the archive for ids that the venue serves no more: a day's file is fetched once for all
/// ids that may be in it.
final class ArchiveRepair {
    /// What came of a sequence's ids.
    struct Verdict {
        let sequence: SequenceID
        /// Ids that the archive does not have either, with the evidence of both.
        let absent: [Unserved]
    }

    private struct Search {
        var unserved: [Unserved]
        /// The days that may have them, days since the epoch; nil when that is not known.
        var days: ClosedRange<Int64>?
        /// Not before this, monotonic ns.
        var notBefore: Int64 = 0
    }

    /// More days than these are no narrowing down of where ids may be.
    private static let maximumDays: Int64 = 40
    /// How long a day's file may be missing before that says that there will be none, µs.
    private static let publication: Int64 = 14 * Timestamp.day
    /// Pause before the archive is asked again for a file that is not there yet, ns.
    private static let pause: Int64 = 3600 * 1_000_000_000
    /// Bytes of evidence in a gap record.
    private static let maximumEvidence = 900

    private var client: ArchiveClient
    private let log: Log
    private var searches: [SequenceID: Search] = [:]
    /// Files that are not there yet, by name.
    private(set) var postponed: [String] = []

    init(_ options: ArchiveClient.Options, log: Log) throws {
        client = try ArchiveClient(options)
        client.report = { isWarning, text in
            if isWarning { log.warning("\(text)", cause: "archive") } else { log.debug("\(text)") }
        }
        self.log = log
    }

    /// True while something is to be looked for now.
    var isWaiting: Bool {
        let now = Clock.monotonicNanoseconds()
        return searches.values.contains { $0.notBefore <= now }
    }

    /// Adds ids of a sequence.
    func add(_ unserved: [Unserved], of sequence: SequenceID, _ coverage: Coverage?) {
        var search = searches[sequence] ?? Search(unserved: [])
        for part in unserved {
            if let times = coverage?.timeBounds(around: part.ids) {
                let days =
                    Timestamp.floor(
                        times.lowerBound, by: Timestamp.day)...Timestamp.floor(
                        times.upperBound, by: Timestamp.day)
                search.days =
                    search.days.map {
                        min($0.lowerBound, days.lowerBound)...max($0.upperBound, days.upperBound)
                    } ?? days
            }
            search.unserved.append(part)
        }
        search.notBefore = 0
        searches[sequence] = search
    }

    /// Looks for one sequence's ids and writes those that are found.
    func search(
        to output: inout PullOutput, in stage: borrowing Stage
    ) throws -> [Verdict] {
        let now = Clock.monotonicNanoseconds()
        guard
            let (sequence, search) = searches.filter({ $0.value.notBefore <= now })
                .min(by: { $0.key < $1.key })
        else { return [] }
        searches[sequence] = nil
        guard let days = search.days, days.upperBound - days.lowerBound < Self.maximumDays,
            let content = Self.content(of: sequence)
        else {
            return [
                verdict(sequence, search.unserved, IDSet(), "the day in the archive is not known")
            ]
        }
        var found = IDSet()
        var evidence: [String] = []
        var isPending = false
        for day in days where !stage.isStopping {
            let file = ArchiveFile(symbol: sequence.symbol, content: content, day: day)
            guard let outcome = try fetch(file, in: stage) else { break }
            evidence.append(outcome.evidence)
            switch outcome.result {
            case .success(let path):
                let ids = try give(
                    outcome, path, search.unserved, &found, to: &output, in: stage)
                if let ids { evidence.append("its ids are \(ids.lowerBound) to \(ids.upperBound)") }
                try? Files.remove(path)
            case .failure(let error):
                let isFresh =
                    file.times.upperBound > Clock.realtimeNanoseconds() / 1000 - Self.publication
                guard error.reason == .absent else {
                    log.warning("\(error)", cause: "archive")
                    isPending = true
                    continue
                }
                if isFresh {
                    isPending = true
                    if !postponed.contains(file.name) { postponed.append(file.name) }
                }
            }
        }
        let left = search.unserved.filter { !found.contains($0.ids) }
        guard !left.isEmpty, !stage.isStopping else { return [verdict(sequence, [], found, "")] }
        if isPending {
            log.info(
                "\(sequence.title): the archive may have the missing ids later",
                cause: "archive_later")
            var later = search
            later.unserved = left.flatMap { part in
                found.missing(in: part.ids).map {
                    Unserved(ids: $0, evidence: part.evidence, isUnkept: part.isUnkept)
                }
            }
            later.notBefore = now + Self.pause
            searches[sequence] = later
            return [verdict(sequence, [], found, "")]
        }
        return [verdict(sequence, left, found, evidence.joined(separator: "; "))]
    }

    private func verdict(
        _ sequence: SequenceID, _ unserved: [Unserved], _ found: IDSet, _ evidence: String
    ) -> Verdict {
        Verdict(
            sequence: sequence,
            absent: unserved.flatMap { part in
                found.missing(in: part.ids).map { ids in
                    let words = [part.evidence, evidence].filter { !$0.isEmpty }
                    return Unserved(
                        ids: ids,
                        evidence: String(
                            words.joined(separator: "; ").prefix(Self.maximumEvidence)),
                        isUnkept: part.isUnkept)
                }
            })
    }

    private static func content(of sequence: SequenceID) -> ArchiveFile.Content? {
        switch RecordKind(rawValue: sequence.template) {
        case .trade: .trades
        case .aggTrade: .aggTrades
        default: nil
        }
    }

    private func fetch(
        _ file: ArchiveFile, in stage: borrowing Stage
    ) throws -> ArchiveClient.Outcome? {
        client.submit(file)
        while !stage.isStopping {
            stage.stats.heartbeat.beat()
            if let outcome = try client.wait(timeout: 1, unless: stage.stopDescriptor) {
                return outcome
            }
        }
        return nil
    }

    /// Writes the rows that are wanted.
    ///
    /// - Returns: the first and last id of the file.
    private func give(
        _ outcome: ArchiveClient.Outcome, _ path: String, _ unserved: [Unserved],
        _ found: inout IDSet, to output: inout PullOutput, in stage: borrowing Stage
    ) throws -> ClosedRange<Int64>? {
        var reader = try ArchiveReader(
            path: path, of: outcome.file, source: .repair, ingestTime: outcome.arrival)
        var ids: ClosedRange<Int64>?
        while let page = try reader.next(), let first = page.ids.first, let last = page.ids.last {
            ids = (ids?.lowerBound ?? first)...last
            for part in unserved where part.ids.overlaps(first...last) {
                let start = page.ids.partitioningIndex { $0 >= part.ids.lowerBound }
                let end = page.ids.partitioningIndex { $0 > part.ids.upperBound }
                guard start < end else { continue }
                try output.give(start..<end, of: page)
                for id in page.ids[start..<end] { found.insert(id) }
            }
            stage.stats.heartbeat.beat()
            if stage.isStopping { break }
        }
        return ids
    }
}

extension [Int64] {
    /// The first index whose number is far enough; the numbers ascend.
    fileprivate func partitioningIndex(where isFar: (Int64) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isFar(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
