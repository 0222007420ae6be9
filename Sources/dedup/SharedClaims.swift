import Encoding
import Glibc
import Identity
import Posix
import Records
import Redis
import Stage

/// Lets each record through on one of several hosts, by a server that all of them ask.
///
/// One host at a time has the lease of a symbol and passes its records on at once; the others keep
/// theirs for a while. A record's ids are claimed, a bit each, once the reader of standard output has
/// taken it, and not before: a host that is gone has claimed nothing that is not delivered. What the
/// others keep goes when it is claimed, and is passed on when it is not claimed in time. So a record
/// may pass on two hosts when one of them is in trouble, and is never left out on all
/// (docs/decisions/0103).
final class SharedClaims {
    /// What a run keeps to; times in seconds.
    struct Options: Sendable {
        let address: RedisAddress
        /// What the values' names begin with: the same on hosts that deliver to the same place.
        let name: String
        let authorities: String?
        let timeout: Double
        let lease: Double
        let expiry: Double
        let holdBytes: Int
    }

    private struct Sequence {
        /// `NAME:1.trade.BTCUSDT.0:`, before day and page.
        let prefix: [UInt8]
        let symbol: Int32
    }

    /// Claims of records that were written, to be made once the reader has taken them.
    private struct Mark {
        /// Bytes of standard output after them.
        let position: Int64
        let runs: [ClaimPages.Run]
    }

    /// Pause between two looks at what another host claims meanwhile, ns.
    private static let lookPause: Int64 = 50_000_000
    /// Records that one look asks for at most.
    private static let mostRecords = 1 << 16
    /// Pages whose expiry is remembered to be set.
    private static let mostPages = 1 << 16
    /// Claims that wait for the reader at most; beyond, the oldest are not made.
    private static let mostMarks = 1 << 16

    private let options: Options
    private var server: ClaimServer
    private var figures: ClaimFigures
    private var leases: SymbolLeases
    private var sequences: [Sequence] = []
    private var places: [SequenceID: Int32] = [:]
    private var last: (sequence: SequenceID, place: Int32)?
    private var batches: [RecordBatch] = []
    private var fresh: RecordBatch?
    private var held = 0
    private var marks: [Mark] = []
    private var asked = ClaimPages()
    private var passed = ClaimPages()
    private var keyed: [ClaimPages.Page: Int64] = [:]
    private var commands = RedisCommands()
    private var nextLook: Int64 = 0
    private var turns: Int64 = 0
    /// Records that another host passed on.
    private(set) var dropped: Int64 = 0
    /// Records that are kept for now.
    private(set) var waiting: Int64 = 0

    init(_ options: Options, in stage: borrowing Stage) throws {
        self.options = options
        server = try ClaimServer(options, log: stage.log)
        figures = ClaimFigures(stage.stats)
        leases = SymbolLeases(
            space: options.name, owner: server.owner, seconds: options.lease)
    }

    /// Readable when the server was reached, or was not.
    var descriptor: Int32 { server.descriptor }

    /// Longest wait for input, ms.
    var patience: Int32 {
        if !marks.isEmpty { return 5 }
        if !batches.isEmpty { return 20 }
        return Int32(clamping: max(50, Int64(options.lease * 300)))
    }

    /// Waits for the server, so that the first records are shared already.
    func waitForServer() { server.waitForFirst(seconds: max(1, options.timeout) + 0.5) }

    // MARK: - Records

    /// Takes a record that is new to this host.
    func take(_ frame: borrowing FrameView) {
        let isGap = frame.missingSequence != nil
        let sequence = frame.missingSequence ?? frame.sequence
        let isNumbered = sequence.numbering == .contiguous || sequence.numbering == .increasing
        let (first, last) = (frame.firstID, frame.lastID)
        let (width, overflow) = last.subtractingReportingOverflow(first)
        let isSmall = first >= 0 && !overflow && (0..<ClaimPages.widestRecord).contains(width)
        guard isNumbered, isSmall, !frame.isUnfinished else {
            return take(unclaimed: frame)
        }
        // An open time in µs: by seconds, the shortest interval.
        let isKline = sequence.template == RecordKind.kline.rawValue
        let ids = isKline ? first / 1_000_000...first / 1_000_000 : first...last
        let role: RecordBatch.Role =
            isGap ? .absence : frame.source == SourceCode.repair.rawValue ? .forced : .claim
        // Of a gap record the event time is when it was noticed.
        let day = Int32(truncatingIfNeeded: frame.eventTime / 86_400_000_000)
        keep(role, place: place(of: sequence), day: day, ids) { $0.append(frame.bytes) }
    }

    /// Takes a record that goes on in any case: a claim of its ids would keep a whole copy out on the
    /// other hosts.
    func take(unclaimed frame: borrowing FrameView) {
        keep(.plain, place: -1, day: 0, 0...0) { $0.append(frame.bytes) }
    }

    /// Takes a gap record that was made here.
    func take(
        gap ids: ClosedRange<Int64>, of sequence: SequenceID, reason: GapReason,
        source: SourceCode, eventTime: Int64, ingestTime: Int64?, evidence: String
    ) {
        let isSmall = ids.upperBound - ids.lowerBound < ClaimPages.widestRecord
        let isKline = sequence.template == RecordKind.kline.rawValue
        let day = Int32(truncatingIfNeeded: eventTime / 86_400_000_000)
        let role: RecordBatch.Role = isSmall && !isKline ? .absence : .plain
        let place = role == .plain ? -1 : place(of: sequence)
        keep(role, place: place, day: day, role == .plain ? 0...0 : ids) { bytes in
            bytes.append(
                gap: ids, of: sequence, reason: reason, source: source, eventTime: eventTime,
                ingestTime: ingestTime ?? Clock.realtimeNanoseconds(), evidence: evidence)
        }
    }

    private func keep(
        _ role: RecordBatch.Role, place: Int32, day: Int32, _ ids: ClosedRange<Int64>,
        _ write: (inout Bytes) -> Void
    ) {
        let now = fresh?.arrived ?? Clock.monotonicNanoseconds()
        let batch = fresh ?? RecordBatch(arrived: now)
        fresh = batch
        if place >= 0 { leases.note(sequences[Int(place)].symbol, at: now) }
        batch.append(role, place: place, day: day, ids, write)
    }

    private func place(of sequence: SequenceID) -> Int32 {
        if let last, last.sequence == sequence { return last.place }
        let place: Int32
        if let known = places[sequence] {
            place = known
        } else {
            place = Int32(sequences.count)
            let kind = RecordKind.name(template: sequence.template)
            let name =
                "\(options.name):\(sequence.venue).\(kind).\(sequence.symbol).\(sequence.series):"
            sequences.append(
                Sequence(prefix: Array(name.utf8), symbol: leases.number(of: sequence.symbol)))
            places[sequence] = place
        }
        last = (sequence, place)
        return place
    }

    // MARK: - Turns

    /// Passes on and drops what can be by now, and claims what the reader has taken.
    func turn(_ writer: inout FrameWriter) throws {
        if let fresh {
            batches.append(fresh)
            held += fresh.size
            self.fresh = nil
        }
        let now = Clock.monotonicNanoseconds()
        if let connection = server.connection(at: now) {
            do throws(RedisFailure) {
                try askLeases(connection, at: now)
                try askClaims(connection, at: now)
            } catch {
                lose(error)
            }
        }
        try settle(&writer, at: now)
        if let connection = server.connection(at: now) {
            do throws(RedisFailure) { try claim(connection, writer.bytesWritten, at: now) } catch {
                lose(error)
            }
        }
        waiting = batches.reduce(0) { $0 + Int64($1.open) }
        figures.show(
            isDown: !server.isUp, dropped: dropped, leases: leases.count(at: now),
            evictions: server.evictions)
    }

    /// True while records are kept, or claims not made.
    var isBusy: Bool { !batches.isEmpty || !marks.isEmpty }

    /// Waits for what is still open, passes on what nothing was heard of, and gives up the leases.
    func drain(_ writer: inout FrameWriter, seconds: Double) throws {
        let end = Clock.monotonicNanoseconds() + Int64(seconds * 1e9)
        try turn(&writer)
        while isBusy, server.isUp, Clock.monotonicNanoseconds() < end {
            _ = poll(nil, 0, 5)
            try turn(&writer)
        }
        try settle(&writer, at: Clock.monotonicNanoseconds(), passingAll: true)
        let now = Clock.monotonicNanoseconds()
        guard let connection = server.connection(at: now) else { return }
        leases.release(at: now, &commands)
        // They run out by themselves, too.
        try? connection.exchange(&commands, by: deadline) { _, _ in }
    }

    private func lose(_ failure: RedisFailure) {
        server.lose(failure)
        leases.forget()
        marks.removeAll()
        keyed.removeAll()
        asked.removeAll()
        chosen.removeAll()
    }

    private var deadline: Int64 { Clock.monotonicNanoseconds() + Int64(options.timeout * 1e9) }

    private func askLeases(_ connection: RedisConnection, at now: Int64) throws(RedisFailure) {
        // A second time for what a dead process of this host had: see LeaseOwner.
        for _ in 0..<2 {
            guard now >= leases.nextTurn else { return }
            leases.ask(at: now, &commands)
            guard commands.count > 0 else { return }
            var leases = leases
            try connection.exchange(&commands, by: deadline) { number, reply in
                leases.hear(number, reply)
            }
            self.leases = leases
            guard leases.canTakeOver else { return }
        }
    }

    /// Records that the server was asked about, with their pieces.
    private var chosen: [(batch: RecordBatch, index: Int, pieces: Range<Int32>)] = []

    private func askClaims(_ connection: RedisConnection, at now: Int64) throws(RedisFailure) {
        asked.removeAll()
        chosen.removeAll(keepingCapacity: true)
        let looks = now >= nextLook
        if looks { nextLook = now + Self.lookPause }
        search: for batch in batches {
            for index in batch.entries.indices where batch.entries[index].isOpen {
                let entry = batch.entries[index]
                guard entry.role == .claim || entry.role == .absence else { continue }
                let isOwn = leases.isOwn(sequences[Int(entry.place)].symbol, at: now)
                guard isOwn || looks else { continue }
                if chosen.count >= Self.mostRecords { break search }
                let pieces = asked.add(entry.first...entry.last, day: entry.day, place: entry.place)
                chosen.append((batch, index, pieces))
            }
        }
        guard !chosen.isEmpty else { return }
        for run in asked.runs {
            commands.begin(words: 5)
            commands.word("BITFIELD")
            name(run.page)
            commands.word("GET")
            commands.word(UInt8(ascii: "u"), Int64(run.width))
            commands.word(Int64(run.start))
        }
        var isWrong = false
        var values = [Int64](repeating: 0, count: asked.runs.count)
        try connection.exchange(&commands, by: deadline) { number, reply in
            guard let value = reply.onlyInteger else {
                isWrong = true
                return
            }
            values[number] = value
        }
        guard !isWrong else {
            throw RedisFailure(.protocolError, "its answer to BITFIELD is not a number")
        }
        for (number, value) in values.enumerated() { asked.note(value, of: number) }
    }

    /// Writes the name of a page as a word.
    private func name(_ page: ClaimPages.Page) {
        var name = Bytes(capacity: 128)
        let prefix = sequences[Int(page.place)].prefix
        name.append(prefix.span.bytes)
        name.append(decimal: Int64(page.day))
        name.append(UInt8(ascii: ":"))
        name.append(decimal: page.number)
        commands.word(name.span)
    }

    // MARK: - What becomes of records

    private func settle(
        _ writer: inout FrameWriter, at now: Int64, passingAll: Bool = false
    ) throws {
        passed.removeAll()
        let isUp = server.isUp
        turns += 1
        for (batch, index, pieces) in chosen {
            batch.entries[index].answered = turns
            guard asked.hasAll(pieces) else { continue }
            batch.drop(index)
            dropped += 1
        }
        chosen.removeAll(keepingCapacity: true)
        let patience = Int64(options.lease * 2e9)
        for batch in batches {
            let isOver = passingAll || !isUp || now - batch.arrived >= patience
            let isTooMuch = held > options.holdBytes
            for index in batch.entries.indices where batch.entries[index].isOpen {
                let entry = batch.entries[index]
                let isFree = entry.role == .plain || entry.role == .forced
                let isOwn =
                    !isFree && entry.answered == turns
                    && leases.isOwn(sequences[Int(entry.place)].symbol, at: now)
                guard isFree || isOver || isTooMuch || isOwn else { continue }
                if !isFree, !isOwn, isUp { figures.noteTakeover() }
                try batch.pass(index, to: &writer)
                if isUp, entry.role == .claim || entry.role == .forced {
                    _ = passed.add(entry.first...entry.last, day: entry.day, place: entry.place)
                }
            }
            if batch.open == 0 { held -= batch.size }
        }
        batches.removeAll { $0.open == 0 }
        try writer.flush()
        if !passed.runs.isEmpty {
            marks.append(Mark(position: writer.bytesWritten, runs: passed.runs))
            if marks.count > Self.mostMarks { marks.removeFirst(Self.mostMarks / 2) }
        }
    }

    /// Claims what the reader of standard output has taken.
    private func claim(
        _ connection: RedisConnection, _ written: Int64, at now: Int64
    ) throws(RedisFailure) {
        guard !marks.isEmpty else { return }
        let taken = written - Int64(PeekedPipe.content(1))
        var count = 0
        let seconds = Int64(options.expiry)
        while count < marks.count, marks[count].position <= taken {
            for run in marks[count].runs {
                commands.begin(words: 6)
                commands.word("BITFIELD")
                name(run.page)
                commands.word("SET")
                commands.word(UInt8(ascii: "u"), Int64(run.width))
                commands.word(Int64(run.start))
                commands.word(Int64(bitPattern: UInt64(1) << UInt64(run.width) - 1))
                // Each page gets its time again when a quarter of it is over.
                if keyed[run.page, default: .min] > now { continue }
                if keyed.count >= Self.mostPages { keyed.removeAll() }
                keyed[run.page] = now + seconds * 250_000_000
                commands.begin(words: 3)
                commands.word("EXPIRE")
                name(run.page)
                commands.word(seconds)
            }
            count += 1
        }
        guard count > 0 else { return }
        marks.removeFirst(count)
        try connection.exchange(&commands, by: deadline) { _, _ in }
    }
}
