import Journal
import Ledger
import ObjectWriting
import Posix
import Records
import Sink
import Spool
import Stage
import Stats

/// What taking records in and delivering objects both work on: the state on disk, the objects that
/// are open, and the figures.
struct SinkState: ~Copyable {
    var options: S3PutOptions
    let log: Log
    var directory: StateDirectory
    var intake: Intake
    var held: HeldIDs
    var open: OpenObjects
    /// Ids whose records were put aside, and of which the bucket is to be told.
    var asides = PutAsideNotes()
    /// Of objects in conflict of which the bucket is not told yet: until the gap record is in the spool, their
    /// records stay in it, and are not built again.
    var untold: [Booking] = []
    /// What was found wrong in the spool, and is to be told once all that is whole was read.
    private var damages: [Damage]
    /// Records from here on wait for a person's decision: they stay in the spool.
    var undecidedFrom: RecordPosition?
    var room: DiskRoom
    var figures: ObjectFigures
    var tally = SinkTally()

    /// Opens the state of a destination, with what an earlier run left in it.
    init(_ options: S3PutOptions, in stage: borrowing Stage) throws {
        let log = stage.log
        var directory = try StateDirectory(
            options.state, stage: "s3-put", claims: options.owner.map { [("objects", $0)] } ?? [],
            log: log)
        try Layout.note(in: options.state, directory.ledger, options.destination, log)
        let spool = try Spool(
            directory: options.state + "/spool", segmentBytes: options.segmentBytes,
            maximumBytes: .max, damaged: options.state + "/damaged")
        let staging = options.state + "/staging"
        try Files.makeDurableDirectories(staging)
        var figures = ObjectFigures(stage.stats, state: options.state, spoolMax: options.spoolMax)
        figures.common.tornBytes.add(Int(directory.ledger.tornBytes + spool.tornBytes))
        figures.noteChange(of: directory.ledger.sequences)
        open = OpenObjects(staging: staging, known: Set(directory.ledger.sequences))
        directory.ledger.keepProgress(onlyIn: [spool.id])
        log.report(directory.ledger.takeDamages(), of: "ledger")
        var intake = Intake(spool)
        damages = intake.takeDamages()
        log.report(damages, of: "spool")
        room = DiskRoom(directory.reserve, of: options.state, log)
        self.options = options
        self.log = log
        self.directory = directory
        self.intake = intake
        self.figures = figures
        held = HeldIDs(options.idLimits, renewable: options.newEpochs)
    }

    // MARK: - The disk

    /// Hands the records of one read to the spool, as one entry. Where there is no room they stay
    /// in memory, nothing more is read, and what is open is delivered: the reserve is for what frees the
    /// spool, its manifest and the ledger.
    mutating func closeBatch() throws {
        try flushQuarantine()
        guard intake.hasOpenBatch else { return }
        do throws(SpoolError) { try intake.closeBatch() } catch {
            guard error.isNoRoom else { throw error }
            noteNoRoom()
        }
    }

    /// Notes records that damage of the spool has made unreadable: to be called once the others were read,
    /// which tell what ids there are.
    mutating func noteDamages() {
        guard !damages.isEmpty else { return }
        asides.add(damages, &held, &directory.ledger)
        damages = []
    }

    mutating func flushQuarantine() throws {
        do throws(SystemError) {
            try room.reserve.spending { () throws(SystemError) in try directory.quarantine.flush() }
        } catch {
            guard error.isNoRoom else { throw error }
            noteNoRoom()
        }
    }

    mutating func noteNoRoom() { room.runShort(spoolBytes: intake.spool.bytes) }

    /// Reads on once there is room again.
    ///
    /// - Parameter isBooked: false while delivered objects are not in the ledger.
    mutating func lookForRoom(isBooked: Bool) throws {
        if !room.reserve.isHeld { room.reserve.retake() }
        guard room.isShort else { return }
        try closeBatch()
        guard !intake.hasOpenBatch, room.reserve.isHeld, isBooked else { return }
        room.recover()
    }

    /// Forces to the device what has waited long enough, or all that waits.
    mutating func syncIfDue(all: Bool = false) throws {
        do throws(SpoolError) {
            try intake.sync(
                now: Clock.monotonicNanoseconds(), interval: all ? 0 : options.syncInterval)
        } catch {
            guard error.isNoRoom else { throw error }
            noteNoRoom()
        }
    }
}
