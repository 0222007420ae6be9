import Posix
import Records
import Spool
import Stage

/// Going on from where an earlier run was ended.
extension Sink {
    /// Delivers finished objects of an earlier run, drops unfinished ones, and takes the spool's
    /// records in again; the ledger refuses those that were delivered.
    mutating func recover() throws {
        let staging = plan.state + "/staging"
        for name in try Files.list(staging) where name.hasSuffix(SealedObject.manifestSuffix) {
            guard let object = try SealedObject(manifest: "\(staging)/\(name)"),
                Files.exists(object.stagedPath)
            else {
                try Files.remove("\(staging)/\(name)")
                continue
            }
            sealed[object.stagedPath] = object
            tally.recovered += object.records
            tally.waiting += object.records
            committer.deliver(object)
        }
        // The spool stays whole meanwhile: which of its records these objects have is known once
        // the ledger has them.
        try awaitDeliveries()
        try requireDelivered()
        for name in try Files.list(staging) { try Files.remove("\(staging)/\(name)") }
        try takeSpoolIn()
        isRecovered = true
        try releaseSpool()
        publish()
    }

    private mutating func takeSpoolIn() throws {
        guard !spool.isEmpty else { return }
        log.info("an earlier run left \(spool.bytes) bytes in the spool; taking them in again")
        let replay: Spool.Replay
        do throws(SpoolError) { replay = try spool.replay() } catch { throw StageFailure(error) }
        now = Now()
        try replay.forEach { position, entry in
            var rest = entry
            while rest.byteCount > 0 {
                let frame = try FrameView(firstIn: rest)
                tally.recovered += 1
                _ = try take(frame, spoolStart: position)
                rest = rest.extracting(droppingFirst: frame.bytes.byteCount)
            }
        }
    }
}
