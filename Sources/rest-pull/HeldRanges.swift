import Binance
import Bronze
import BronzeAccess
import BronzeProof
import Glibc
import Identity
import Journal
import Ledger
import Posix
import Records
import Stage
import StageAWS

/// What `--resume` found: the ids that are held already.
struct HeldRanges {
    private var coverages: [SequenceID: Coverage] = [:]

    /// Reads a ledger, a file of records, or what a sink stored: a URL, of which the manifests beside
    /// the objects say what is held (docs/verify.md). Nothing at the path means nothing is held yet.
    ///
    /// A record file may end in half a frame, after a kill. When standard output appends to that
    /// very file, the half is cut off first, so that what follows it can be read.
    ///
    /// - Parameter isRepeated: true when it was read before in this run, and has told all there is to
    ///   tell.
    init(_ place: HeldPlace, isRepeated: Bool = false, log: Log) throws {
        let path: String
        switch place {
        case .bucket(let url, let reading):
            try readBucket(url, reading, isRepeated: isRepeated, log: log)
            return
        case .ledger(let name): path = name
        }
        guard Files.exists(path) else {
            if !isRepeated { log.info("nothing to resume from yet: \(path) does not exist") }
            return
        }
        do throws(LedgerError) {
            var ledger = try Ledger(reading: path)
            for damage in ledger.takeDamages() where !isRepeated {
                log.warning(
                    "\(path) is damaged at byte \(damage.offset): the ids in these "
                        + "\(damage.length) bytes are fetched again")
            }
            // The venue serves the newest numbering; frames do not say which it is.
            for sequence in ledger.sequences where sequence.epoch == ledger.epoch(of: sequence) {
                var name = sequence
                name.epoch = 1
                coverages[name] = ledger.coverage(of: sequence)
            }
        } catch {
            guard case .notALedger = error else {
                // Here the ledger is input; a sink's own ledger is a file that failed.
                throw StageFailure(.badInput, "\(error)")
            }
            try readRecords(path, log: log)
        }
    }

    private mutating func readBucket(
        _ url: String, _ reading: BucketReading, isRepeated: Bool, log: Log
    ) throws {
        let source = try reading.source(url, log)
        let proof = try BucketProof.load(source)
        for problem in proof.problems.prefix(isRepeated ? 0 : 100) {
            log.warning("\(problem.text): its ids are fetched again", cause: "bucket_problem")
        }
        if proof.chains.isEmpty, !isRepeated {
            log.info("nothing to resume from yet: \(url) has no manifests")
        }
        coverages = proof.newestCoverages()
    }

    /// What is known of a sequence.
    func coverage(of sequence: SequenceID) -> Coverage {
        coverages[sequence] ?? Coverage()
    }

    private mutating func readRecords(_ path: String, log: Log) throws {
        var reader = FrameReader(try Descriptor.open(path, O_RDONLY))
        do {
            while try reader.fill() == .frames {
                while let frame = try reader.next() {
                    if let missing = frame.missingSequence {
                        // As in a ledger: what a cut connection missed may come when asked for.
                        guard let gap = frame.declaredGap else { continue }
                        coverages[missing, default: Coverage()].declared.insert(gap)
                    } else if !frame.isUnfinished {
                        let key = frame.sequence
                        coverages[key, default: Coverage()].held.insert(frame.occupiedIDs)
                    }
                }
            }
        } catch FrameError.truncated(let offset, let have, _) {
            guard try isStandardOutput(path) else {
                log.warning("\(path) ends in \(have) bytes of half a record, which do not count")
                return
            }
            guard ftruncate(1, Int(offset)) == 0 else {
                throw StageFailure(
                    .inputOutput,
                    "\(SystemError("cut half a record off", path)); open it with >> to append")
            }
            log.info("cut \(have) bytes of half a record off the end of \(path)")
        }
    }

    private func isStandardOutput(_ path: String) throws -> Bool {
        let output = try Descriptor.standardOutput().status()
        guard let file = try Files.status(path) else { return false }
        return output.st_ino == file.st_ino && output.st_dev == file.st_dev
    }
}
