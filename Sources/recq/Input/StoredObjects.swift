import BronzeAccess
import ObjectReading
import Posix
import Stage
import StageAWS

/// The objects of a directory or a bucket.
struct StoredObjects {
    /// One object, and how it is read.
    struct Object {
        let entry: ObjectEntry
        fileprivate let source: ObjectSource

        /// For messages.
        var name: String { entry.key.isEmpty ? source.url : "\(source.url)/\(entry.key)" }

        /// Its bytes, in parts as they are needed.
        func input() -> any ObjectInput {
            let (source, entry) = (source, entry)
            return RemoteInput(name: name, length: entry.length) { offset, count, bytes in
                try source.read(
                    entry.key, at: offset, count: count, etag: entry.etag, appendingTo: &bytes)
            }
        }
    }

    private let source: ObjectSource
    private let input: String
    private let reading: BucketReading
    private let log: Log

    init(_ input: String, _ reading: BucketReading, _ log: Log) throws {
        self.input = input
        self.reading = reading
        self.log = log
        source = try reading.source(input, log)
    }

    /// What fetches objects of a bucket ahead; nil for a directory, which gains nothing by it.
    ///
    /// - Parameter longest: bytes of an object that is fetched whole.
    func prefetch(longest: Int64) throws -> ObjectPrefetch? {
        guard source.isRemote else { return nil }
        let (input, reading, log) = (input, reading, log)
        return try ObjectPrefetch(longest: longest) { try reading.source(input, log) }
    }

    /// All objects, sorted by key. What begins with `_` or a dot, such as manifests, is not data.
    func all() throws -> [Object] {
        let objects = try source.list().filter { entry in
            !entry.key.split(separator: "/").contains { $0.hasPrefix("_") || $0.hasPrefix(".") }
        }.map { Object(entry: $0, source: source) }
        guard !objects.isEmpty else {
            throw StageFailure(.unavailable, "\(input): no objects")
        }
        return objects
    }
}
