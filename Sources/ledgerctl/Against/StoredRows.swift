import Bronze
import BronzeAccess
import BronzeProof
import Identity
import Posix
import Records
import Stage
import Stats

/// The objects of a sequence by the stretches of time that their keys name.
struct StoredRows {
    let sequence: SequenceID
    private var objects: [Int64: [StoredObject]] = [:]
    /// Stretches that have objects, ascending.
    private(set) var stretches: [Range<Int64>] = []

    /// - Parameter range: what is asked about; objects that have nothing to do with it are left out.
    init(_ proof: BucketProof, _ sequence: SequenceID, _ range: ProofRange) {
        self.sequence = sequence
        for object in proof.objects
        where object.sequence == sequence && proof.faults[object.key] == nil
            && BucketProof.concerns(object, [sequence], range)
        {
            // Without a time that can be right there is nothing to compare by.
            guard let times = Partition.times(ofKey: object.key) else { continue }
            if objects[times.lowerBound] == nil { stretches.append(times) }
            objects[times.lowerBound, default: []].append(object)
        }
        stretches.sort { $0.lowerBound < $1.lowerBound }
    }

    /// Reads the records of objects of a stretch of time, in no order.
    ///
    /// - Parameter body: gets each record, also those of other times in the same objects.
    func read(
        _ times: Range<Int64>, _ examination: inout ObjectExamination, _ proof: inout BucketProof,
        in stage: borrowing Stage, _ body: (borrowing FrameView) -> Void
    ) throws {
        for stretch in stretches where stretch.overlaps(times) {
            for object in objects[stretch.lowerBound] ?? [] where proof.faults[object.key] == nil {
                stage.stats.heartbeat.beat()
                guard !stage.isStopping else {
                    throw StageFailure(.gaveUp, "stopped: nothing is proven")
                }
                if let problem = try examination.examine(object, body) { proof.note(problem) }
            }
        }
    }
}
