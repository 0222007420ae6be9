import BronzeAccess
import Encoding
import ObjectReading
import Posix
import Records
import Stage
import StageAWS

/// The sequences of the inputs, each a list of objects.
struct CatPlan {
    /// Bytes of whole objects that all sequences may have open together; one of a part's length
    /// is fetched whole in any case.
    private static let mostOpenBytes: Int64 = 256 << 20
    private static let shortest: Int64 = 4 << 20

    private var groups: [[SequenceStream.Part]] = []
    /// What fetches ahead, once it is known how many sequences there are.
    private var ahead: [Ahead] = []

    /// Fetches objects of one input ahead, when it is told to.
    private final class Ahead {
        let objects: StoredObjects
        var prefetch: ObjectPrefetch?

        init(_ objects: StoredObjects) { self.objects = objects }

        func input(_ object: StoredObjects.Object) -> any ObjectInput {
            if let content = prefetch?.take(object.entry) {
                return MemoryInput(content, name: object.name)
            }
            return object.input()
        }
    }

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
                try add(try StoredObjects(input, reading, stage.log), selected, input)
            } else {
                for object in try RecordSource(input, reading, in: stage).objects(in: stage) {
                    mayRepeat = mayRepeat || !groups.isEmpty
                    groups.append([SequenceStream.Part(firstID: .min, open: { object })])
                }
            }
        }
    }

    private mutating func add(
        _ stored: StoredObjects, _ selected: SelectedRecords, _ input: String
    ) throws {
        let objects = try stored.all()
        let ahead = Ahead(stored)
        self.ahead.append(ahead)
        var isEmpty = true
        for object in objects {
            let key = StoredKey(object.entry.key)
            guard key.mayHold(selected) else { continue }
            isEmpty = false
            if key.ids == nil { mayRepeat = true }
            let part = SequenceStream.Part(
                firstID: key.ids?.lowerBound ?? .min,
                announce: { ahead.prefetch?.announce(object.entry) },
                open: { ahead.input(object) })
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

    /// Gives a stream for each sequence, from the beginning, to `body`; objects of a bucket are fetched
    /// ahead meanwhile.
    func withStreams(
        _ selected: SelectedRecords, _ body: ([SequenceStream]) throws -> Void
    ) throws {
        let longest = max(Self.shortest, Self.mostOpenBytes / Int64(max(1, groups.count)))
        for ahead in ahead {
            ahead.prefetch = try ahead.objects.prefetch(
                longest: min(longest, ObjectPrefetch.mostBytes))
        }
        defer {
            for ahead in ahead {
                ahead.prefetch?.close()
                ahead.prefetch = nil
            }
        }
        try body(groups.map { SequenceStream($0, selected) })
    }
}
