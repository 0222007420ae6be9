import AWS
import Bronze
import BronzeAccess
import BronzeProof
import Configuration
import Digests
import Encoding
import Glibc
import Identity
import ObjectWriting
import Posix
import Records
import Sink
import Stage
import Stats

/// An object that others were merged into, before anybody can see it.
struct MergedObject {
    /// What the manifest will say.
    let claim: StoredObject
    /// The file.
    let file: FinishedFile
}

/// Makes few objects of the many of a partition, and proves that they hold the same.
final class PartitionMerge {
    /// How a partition ended.
    enum Outcome {
        /// The objects are in the bucket and were read back; no manifest lists them yet.
        case merged([StoredObject], repeats: Int64)
        /// Something is wrong with the partition; nothing of it was changed.
        case refused(BucketProblem)
    }

    /// What the objects are to be.
    struct Rules {
        /// Nil keeps the format that most of the records have.
        let format: ObjectFormat?
        /// Nil for the usual one of the format.
        let compression: ObjectCompression?
        /// Bytes of records after which an object is finished.
        let objectBytes: Int
    }

    /// Bytes that are written at once.
    private static let writeLength = 256 << 10

    private let rules: Rules
    private let directory: String
    private let heap: FrameHeap
    private var examination: ObjectExamination
    private var files = 0

    /// - Parameter directory: for files on the way.
    init(_ source: ObjectSource, _ rules: Rules, in directory: String) throws {
        self.rules = rules
        self.directory = directory
        heap = try FrameHeap(in: directory)
        examination = ObjectExamination(source)
    }

    /// Reads the objects of a partition, stores what they hold, and reads that back.
    func merge(
        _ unit: CompactionUnit, into store: inout ObjectStore, in stage: borrowing Stage
    ) throws -> Outcome {
        try heap.removeAll()
        for (index, object) in unit.objects.enumerated() {
            try Self.goOn(stage)
            if let problem = try examination.examine(object, { heap.append($0, of: index) }) {
                return .refused(problem)
            }
        }
        try heap.sort()
        let records: MergedRecords
        do { records = try MergedRecords(heap) } catch let conflict as MergedRecords.Conflict {
            let (one, other) = (
                unit.objects[Int(conflict.objects.0)].key, unit.objects[Int(conflict.objects.1)].key
            )
            return .refused(
                BucketProblem(
                    .objectContent, one,
                    "has another record of id \(conflict.id) than \(other): \(conflict.words)"))
        }
        let objects = try write(unit, records, in: stage)
        defer { for object in objects { try? Files.remove(object.file.path) } }
        for object in objects {
            guard case .conflicts(let theirs, let ours) = try store.put(object.file) else {
                continue
            }
            return .refused(
                BucketProblem(
                    .objectContent, object.file.key, "has other content: \(theirs), not \(ours)"))
        }
        if let problem = try difference(objects.map(\.claim), unit, records) {
            return .refused(problem)
        }
        return .merged(objects.map(\.claim), repeats: records.repeats)
    }

    private static func goOn(_ stage: borrowing Stage) throws {
        stage.stats.heartbeat.beat()
        guard !stage.isStopping else {
            throw StageFailure(
                .gaveUp, "stopped: what was merged so far is listed, the rest is as it was")
        }
    }

    // MARK: - Writing

    private func write(
        _ unit: CompactionUnit, _ records: MergedRecords, in stage: borrowing Stage
    ) throws -> [MergedObject] {
        let form = try form(of: unit.objects)
        var content = try ObjectContent(form)
        var output = Bytes(capacity: 2 * Self.writeLength)
        var stretches = ObservedStretches(unit.objects).all[...]
        var done: [MergedObject] = []
        var place = 0
        var previous = stretches.first?.previous
        while place < records.kept.count {
            try Self.goOn(stage)
            let start = heap.entries[records.kept[place]]
            while let stretch = stretches.first, stretch.ids.upperBound < start.first {
                stretches.removeFirst()
                previous = stretches.first?.previous
            }
            let end = stretches.first?.ids.upperBound ?? .max
            files += 1
            let file = try StagedFile("\(directory)/object-\(files)")
            var confirmed = ConfirmedIDs(unit.partition.sequence)
            confirmed.previous = previous
            var sources: Set<Int32> = []
            var bytes = 0
            try content.begin(unit.partition, firstID: start.first, to: &output)
            while place < records.kept.count {
                let first = records.kept[place]
                let entry = heap.entries[first]
                let isFull = bytes >= rules.objectBytes && entry.first != heap.entries[first - 1].first
                guard !isFull, entry.first <= end else { break }
                try heap.withFrame(of: entry) { frame in
                    bytes += frame.bytes.byteCount
                    confirmed.add(frame)
                    try content.append(frame, to: &output)
                }
                for same in first..<records.ends[place] { sources.insert(heap.entries[same].object) }
                if output.count >= Self.writeLength {
                    try file.append(output.span)
                    output.removeAll()
                }
                place += 1
            }
            previous = confirmed.exact.last
            try content.finish(
                metadata: ObjectFooter.pairs(
                    confirmed.sequence, records: confirmed.records, held: confirmed.held.ranges,
                    run: confirmed.run), to: &output)
            try file.append(output.span)
            output.removeAll()
            done.append(
                try finish(
                    file, unit, form, confirmed, firstID: start.first,
                    sources.map { unit.objects[Int($0)].key }.sorted()))
        }
        return done
    }

    private func finish(
        _ file: StagedFile, _ unit: CompactionUnit, _ form: ObjectForm,
        _ confirmed: ConfirmedIDs, firstID: Int64, _ replaced: [String]
    ) throws -> MergedObject {
        let path = file.memory?.path ?? "\(directory)/object-\(files)"
        if file.memory == nil { try Descriptor.open(path, O_RDONLY).sync() }
        let name = ObjectName(confirmed, firstID: firstID).merged(checksum: file.checksum.value)
        let key = "\(unit.partition.path)/\(name)\(form.suffix)"
        var claim = StoredObject(
            key: key, bytes: file.length, sha256: file.sha256, confirmed)
        claim.replaces = replaced
        return MergedObject(
            claim: claim,
            file: FinishedFile(
                key: key, path: path, contentType: form.contentType, records: confirmed.records))
    }

    /// The form that most of the records have, but for what was asked for.
    private func form(of objects: [StoredObject]) throws -> ObjectForm {
        var records: [String: Int64] = [:]
        for object in objects {
            let name = object.key.split(separator: "/").last ?? ""
            let ending = name.drop { $0 != "." }.dropFirst()
            records[String(ending), default: 0] += max(1, object.records)
        }
        let ending = records.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key ?? ""
        let parts = ending.split(separator: ".")
        guard let format = rules.format ?? parts.first.flatMap({ ObjectFormat(rawValue: "\($0)") })
        else {
            throw StageFailure(
                .badInput, "\(objects[0].key): the format of a name that ends so is not known")
        }
        var compression = rules.compression
        if compression == nil, rules.format == nil, format == .sbe || format == .ndjson {
            compression = parts.count == 1 ? ObjectCompression.none : parts[1] == "gz" ? .gzip : .zstd
        }
        return try ObjectForm(format, compression)
    }

    // MARK: - The proof

    /// Reads what was stored, and compares it with what was read, record by record and id by id.
    private func difference(
        _ claims: [StoredObject], _ unit: CompactionUnit, _ records: MergedRecords
    ) throws -> BucketProblem? {
        var place = 0
        var words: String?
        for claim in claims {
            let problem = try examination.examine(claim) { frame in
                guard words == nil else { return }
                guard place < records.kept.count else {
                    words = "has more records than were merged"
                    return
                }
                words = differs(frame, heap.entries[records.kept[place]])
                place += 1
            }
            if let problem { return problem }
            if let words { return BucketProblem(.objectContent, claim.key, words) }
        }
        var before = IDSet()
        var after = IDSet()
        for object in unit.objects { for range in object.ids { before.insert(range) } }
        for claim in claims { for range in claim.ids { after.insert(range) } }
        guard place == records.kept.count, before == after else {
            return BucketProblem(
                .objectContent, claims.first?.key ?? unit.objects[0].key,
                "holds other ids than the objects that it was made of")
        }
        return nil
    }

    private func differs(_ frame: borrowing FrameView, _ entry: FrameHeap.Entry) -> String? {
        let read = frame.bytes.withUnsafeBytes { Array($0) }
        do {
            return try heap.withFrame(of: entry) { kept in
                if kept.bytes.withUnsafeBytes({ $0.elementsEqual(read) }) { return nil }
                let other = try FrameView(read.span.bytes)
                guard kept.ingestTime == other.ingestTime, kept.source == other.source,
                    kept.flags == other.flags
                else { return "does not read back as it was written: id \(entry.first)" }
                return try kept.difference(from: other).map {
                    "does not read back as it was written: id \(entry.first): \($0)"
                }
            }
        } catch { return "cannot be compared with what it was made of: \(error)" }
    }
}
