import Encoding
import Identity
import Posix
import Sink
import Stage

/// Going on from where an earlier run was ended.
extension ObjectSink {
    /// Delivers finished objects of an earlier run, books those that were delivered, and drops
    /// unfinished ones. Which records of the spool they have is known then; the spool's other
    /// records are taken in before anything is read.
    mutating func recover() throws {
        let staging = options.state + "/staging"
        for name in try Files.list(staging) where name.hasSuffix(StagingNote.suffix) {
            guard let object = try StagingNote.read("\(staging)/\(name)") else {
                try Files.remove("\(staging)/\(name)")
                continue
            }
            tally.recovered += object.records
            tally.waiting += object.records
            note(staged: object)
            if Files.exists(object.stagedPath) {
                uploader.deliver(object)
            } else {
                // It was delivered, and the ledger may not say so.
                completions.post(.delivered(object, isNew: false))
            }
        }
        if let manifest = chain.pending { manifests.deliver(manifest) }
        if !staged.isEmpty {
            log.info(
                "an earlier run left \(Spoken.count(staged.count, "finished object")); delivering")
        }
        try awaitDeliveries()
        guard failure == nil, staged.isEmpty, unbooked.isEmpty else { return try finish() }
        for name in try Files.list(staging) { try Files.remove("\(staging)/\(name)") }
        isRecovered = true
        holes.noteHoles(of: state.ledger, kinds: [.depthDiff])
        if intake.hasLeftovers {
            log.info(
                "an earlier run left \(intake.leftoverBytes) bytes in the spool; "
                    + "taking them in again")
        } else {
            try book()
        }
        publish()
    }
}
