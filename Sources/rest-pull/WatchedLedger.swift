import Journal
import Bronze
import BronzeAccess
import BronzeProof
import Glibc
import Identity
import Ledger
import Posix
import Stage
import StageAWS

/// Where it says which ids are held.
enum HeldPlace {
    /// Path of a ledger or a file of records.
    case ledger(String)
    /// The URL of a bucket or directory with manifests.
    case bucket(String, BucketReading)

    /// As it was given.
    var name: String {
        switch self {
        case .ledger(let path): path
        case .bucket(let url, _): url
        }
    }

    /// True for a bucket.
    var isBucket: Bool { if case .bucket = self { true } else { false } }
}

/// What a sink holds, looked at while it may be writing: a ledger is read again when its file has
/// changed, and never locked; a bucket by its manifests.
struct WatchedLedger {
    /// A bucket is not read more often than this, seconds: each look lists it.
    private static let bucketPause = 60.0

    private let place: HeldPlace
    /// Size, change time and inode of what was read.
    private var seen: [Int] = []
    /// What is known of each sequence, of its newest numbering, under the name that frames have.
    private(set) var coverages: [SequenceID: Coverage] = [:]
    /// True once it was there.
    private(set) var wasRead = false
    private var hasTold = false
    /// When the file was changed last, s since the epoch.
    private var changed = 0.0

    init(_ place: HeldPlace) { self.place = place }

    /// Seconds since its last change, after which none of its holes can be younger; 0 for a bucket.
    var age: Double {
        changed == 0 ? 0 : Double(Clock.realtimeNanoseconds()) / 1e9 - changed
    }

    /// True for a bucket.
    var isBucket: Bool { place.isBucket }

    /// Seconds between two looks.
    ///
    /// - Parameter asked: what a person asked for.
    func pause(_ asked: Double) -> Double {
        if case .bucket = place { max(asked, Self.bucketPause) } else { asked }
    }

    /// Reads it if there is something to read.
    ///
    /// - Parameter follows: true waits for a ledger that does not exist yet.
    /// - Returns: false while it does not exist.
    mutating func read(follows: Bool, log: Log) throws -> Bool {
        switch place {
        case .ledger(let path): return try read(path, follows: follows, log)
        case .bucket(let url, let reading):
            let proof = try BucketProof.load(reading.source(url, log))
            for problem in proof.problems.prefix(20) {
                log.warning("\(url): \(problem.text)", cause: "bucket_problem")
            }
            coverages = Dictionary(
                uniqueKeysWithValues: proof.sequences.filter { $0.epoch <= 1 }
                    .map { ($0, proof.coverage(of: $0)) })
            wasRead = true
            return true
        }
    }

    /// Refuses a ledger that is not there, before anything is asked of the venue; one that is to be
    /// followed may come later.
    func check(follows: Bool) throws {
        guard case .ledger(let path) = place, !follows, try Self.status(path) == nil else { return }
        throw Self.absent(path)
    }

    /// Nil for a ledger that is not there, or has nothing yet.
    private static func status(_ path: String) throws(SystemError) -> stat? {
        guard let status = try Files.status(path), status.st_size > 0 else { return nil }
        return status
    }

    private static func absent(_ path: String) -> StageFailure {
        StageFailure(
            .usage,
            "no ledger at \(path): give the path of the file `ledger` in the state directory of a "
                + "sink, such as STATE/s3-put/ledger")
    }

    private mutating func read(_ path: String, follows: Bool, _ log: Log) throws -> Bool {
        guard let status = try Self.status(path) else {
            guard follows else { throw Self.absent(path) }
            if !hasTold { log.info("waiting for the ledger \(path)") }
            hasTold = true
            return false
        }
        let key = [
            Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
            Int(status.st_ino),
        ]
        changed = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1e9
        guard key != seen else { return true }
        var ledger = try Ledger(reading: path)
        for damage in ledger.takeDamages() {
            log.warning(
                "\(path) is damaged at byte \(damage.offset): the ids in these \(damage.length) bytes "
                    + "are fetched again", cause: "ledger_damage")
        }
        coverages = [:]
        for sequence in ledger.sequences where sequence.epoch == ledger.epoch(of: sequence) {
            // The venue serves the newest numbering; frames do not say which it is.
            var name = sequence
            name.epoch = 1
            coverages[name] = ledger.coverage(of: sequence)
        }
        if follows, !wasRead { log.info("watching the ledger \(path) for missing ids") }
        (seen, wasRead) = (key, true)
        return true
    }
}
