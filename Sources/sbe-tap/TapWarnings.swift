import Binance
import Posix
import Stage

/// What a tap tells an operator of, each a few times at most.
struct TapWarnings {
    /// Streams without data that are named one by one.
    private static let maximumNamedStreams = 10

    private let plan: TapOptions
    private let subscriptions: Subscriptions
    private let log: Log
    private var hasToldOfSilence = false
    private var hasToldOfVersion = false
    private var nextReaderWarning: Int64 = 0
    /// When ids that restarted may be told of again, monotonic ns, and how many there were.
    private var behind: (nextWarning: Int64, known: Int) = (0, 0)

    init(_ plan: TapOptions, _ subscriptions: Subscriptions, log: Log) {
        self.plan = plan
        self.subscriptions = subscriptions
        self.log = log
    }

    /// Tells of a slow reader, at most once in ten seconds.
    mutating func tellOfReader(_ output: inout OutputBuffer) {
        for notice in output.notices { log.warning("spill file: \(notice)") }
        output.notices.removeAll()
        guard let trouble = output.trouble else { return }
        let now = Clock.monotonicNanoseconds()
        guard now >= nextReaderWarning else { return }
        nextReaderWarning = now + 10_000_000_000
        log.warning(
            "the reader is slow: \(trouble)",
            ["buffered": "\(output.buffered)", "filed": "\(output.spilled)"])
    }

    /// Tells of a newer schema, and of streams that bring nothing but copies.
    mutating func tellOfStreams(_ merge: inout StreamMerge) {
        tellOfVersion(merge)
        tellOfRestartedIDs(&merge)
    }

    /// Tells once of messages in a newer version of the schema than is known here.
    private mutating func tellOfVersion(_ merge: borrowing StreamMerge) {
        guard !hasToldOfVersion, merge.newestVersion > Stream.TradesStreamEventDecoder.schemaVersion
        else { return }
        hasToldOfVersion = true
        log.info(
            "the venue sends a newer version of its stream schema: new fields are ignored",
            ["version": "\(merge.newestVersion)"])
    }

    /// Names streams that bring only what was there, at most once a minute: all of it is dropped.
    private mutating func tellOfRestartedIDs(_ merge: inout StreamMerge) {
        let count = merge.counts.behind
        let now = Clock.monotonicNanoseconds()
        guard count > behind.known, now >= behind.nextWarning else { return }
        behind = (now + 60_000_000_000, count)
        for sequence in merge.streams.map(\.sequence).filter({ $0.idBehind != .min }).prefix(10) {
            log.error(
                "ids restarted below the last one seen; records are dropped as duplicates. "
                    + "Restart to follow the new numbering, and begin a new epoch in the sinks",
                [
                    "stream": "\(sequence.subscription.label)", "id": "\(sequence.idBehind)",
                    "newest": "\(sequence.last)",
                ])
        }
        merge.forgetBehind()
    }

    /// Names streams that had no data, once: the venue says nothing about a symbol that it does not
    /// have. A few are named one by one, all of them by number.
    ///
    /// - Parameters:
    ///   - start: when the first connection was open, monotonic ns.
    ///   - now: monotonic ns.
    ///   - isEnd: true to tell of it now, however short the time was.
    mutating func tellOfSilence(
        _ merge: borrowing StreamMerge, since start: Int64, at now: Int64, isEnd: Bool = false
    ) {
        guard !hasToldOfSilence, !plan.capturesRaw else { return }
        let seconds = Double(now - start) / 1e9
        guard isEnd || seconds >= plan.firstDataTimeout else { return }
        hasToldOfSilence = true
        let planned = subscriptions.members.map { merge.streams[$0.place].sequence }
        let silent = planned.filter { !$0.hasBegun }
        for sequence in silent.prefix(Self.maximumNamedStreams) {
            log.warning(
                "no data yet: does the venue list this symbol?",
                ["stream": "\(sequence.subscription.label)", "seconds": "\(Int(seconds))"])
        }
        guard silent.count > Self.maximumNamedStreams else { return }
        log.warning(
            "no data yet from many streams",
            [
                "streams": "\(silent.count)", "of": "\(planned.count)",
                "named": "\(Self.maximumNamedStreams)",
            ])
    }
}
