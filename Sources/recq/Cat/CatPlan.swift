import BronzeAccess
import Encoding
import ObjectReading
import Posix
import Records
import Stage
import StageAWS

/// The sequences of the inputs, each a list of objects.
struct CatPlan {
    private var groups: [[SequenceStream.Part]] = []
    private var places: [String: Int] = [:]
    /// True when an input may hold records that another one holds too, and no key says so.
    private(set) var mayRepeat = false

    /// Lists the inputs and leaves out what cannot hold records of the selection.
    ///
    /// - Throws: `StageFailure` with 69 when an input that is a place has nothing of it.
    init(
        _ inputs: [String], _ selected: SelectedRecords, _ reading: BucketReading,
        in stage: borrowing Stage
    ) throws {
        for input in inputs {
            if input != Inputs.standardInput,
                try ObjectURL.isURL(input) || RecordSource.isDirectory(input)
            {
                try add(try StoredObjects(input, reading, stage.log).all(), selected, input)
            } else {
                for object in try RecordSource(input, reading, in: stage).objects(in: stage) {
                    mayRepeat = mayRepeat || !groups.isEmpty
                    groups.append([SequenceStream.Part(firstID: .min) { object }])
                }
            }
        }
    }

    private mutating func add(
        _ objects: [StoredObjects.Object], _ selected: SelectedRecords, _ input: String
    ) throws {
        var isEmpty = true
        for object in objects {
            let key = StoredKey(object.entry.key)
            guard key.mayHold(selected) else { continue }
            isEmpty = false
            if key.ids == nil { mayRepeat = true }
            let part = SequenceStream.Part(firstID: key.ids?.lowerBound ?? .min) { object.input() }
            if let place = places[key.group] {
                groups[place].append(part)
            } else {
                places[key.group] = groups.count
                groups.append([part])
            }
        }
        if isEmpty {
            throw StageFailure(
                .unavailable,
                "\(input): no matching records in \(Spoken.count(objects.count, "object"))")
        }
    }

    /// A stream for each sequence, from the beginning.
    func streams(_ selected: SelectedRecords) -> [SequenceStream] {
        groups.map { SequenceStream($0, selected) }
    }
}
