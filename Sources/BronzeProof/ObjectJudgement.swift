import Bronze
import Digests
import Identity
import Ledger
import ObjectReading
import Posix
import Records
import Sink

/// Compares the bytes of objects with what their manifests say.
struct ObjectJudgement: ~Copyable {
    private var frames = Bytes(capacity: 1 << 20)
    /// Records that were counted.
    private(set) var records: Int64 = 0

    /// Adds records that were counted elsewhere.
    mutating func add(_ records: Int64) { self.records += records }

    /// Hashes an object, counts its records, and compares both with the claim.
    ///
    /// - Parameter body: gets each record, also those before whatever is wrong.
    /// - Returns: what is wrong; nil when the object is what its manifest says.
    mutating func judge(
        _ object: StoredObject, _ content: [UInt8], _ body: (borrowing FrameView) -> Void
    ) -> BucketProblem? {
        let hash = Hash.sha256(of: content)
        guard hash == object.sha256 else {
            return BucketProblem(
                .objectContent, object.key,
                "has changed since it was stored: SHA-256 is \(hash), not \(object.sha256)")
        }
        return recount(object, content, body)
    }

    /// The bytes are those that were stored: are they what the manifest claims?
    private mutating func recount(
        _ object: StoredObject, _ content: [UInt8], _ body: (borrowing FrameView) -> Void
    ) -> BucketProblem? {
        var found = ConfirmedIDs(object.sequence)
        var reader = ObjectReader(MemoryInput(content, name: object.key))
        var stranger: String?
        do {
            var isMore = true
            while isMore {
                frames.removeAll()
                isMore = try reader.read(into: &frames)
                try Self.forEachFrame(frames.span) { frame in
                    var sequence = frame.sequence
                    sequence.epoch = object.sequence.epoch
                    if sequence != object.sequence, stranger == nil {
                        stranger = frame.sequence.title
                    }
                    found.add(frame)
                    body(frame)
                }
            }
        } catch {
            return BucketProblem(.objectContent, object.key, "cannot be read: \(error)")
        }
        records += found.records
        if let stranger {
            return BucketProblem(
                .objectContent, object.key,
                "has a record of \(stranger), and is listed as \(object.sequence.title)")
        }
        let differences = [
            found.records == object.records
                ? nil : "\(found.records) records, not \(object.records)",
            found.held.ranges == object.ids ? nil : "other ids than its manifest says",
            found.records == 0
                || (found.firstTime, found.lastTime) == (object.firstTime, object.lastTime)
                ? nil : "other event times than its manifest says",
            object.run == nil
                || (found.exact.first == object.run?.first && found.exact.last == object.run?.last)
                ? nil : "another first or last id than its manifest says",
        ].compactMap { $0 }
        guard let difference = differences.first else { return nil }
        return BucketProblem(.objectContent, object.key, "has \(difference)")
    }

    private static func forEachFrame(
        _ frames: RawSpan, _ body: (borrowing FrameView) throws -> Void
    ) throws {
        var place = 0
        while place < frames.byteCount {
            // The reader checked them: whole frames, one after another.
            let length = Int(
                UInt32(
                    bigEndian: frames.unsafeLoadUnaligned(fromByteOffset: place, as: UInt32.self)))
            try body(FrameView(frames.extracting(place..<(place + length))))
            place += length
        }
    }
}
