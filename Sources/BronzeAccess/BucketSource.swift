import AWS
import Posix

/// A bucket to read from.
final class BucketSource: ObjectPlace {
    private static let connections = 32

    private var client: S3Client
    private let bucket: String
    private let prefix: String

    init(_ reach: S3Reach, bucket: String, prefix: String) throws(AccessError) {
        var configuration = reach.configuration
        // As many connections: a bucket is read from many at a time.
        configuration.parallelParts = max(configuration.parallelParts, Self.connections)
        do throws(AWSError) {
            client = try S3Client(configuration, credentials: reach.credentials)
        } catch { throw AccessError(error) }
        self.bucket = bucket
        self.prefix = prefix
    }

    private func key(_ name: String) -> String {
        prefix.isEmpty ? name : name.isEmpty ? prefix : "\(prefix)/\(name)"
    }

    func list(prefix name: String) throws(AccessError) -> [ObjectEntry] {
        let start = prefix.isEmpty ? 0 : prefix.utf8.count + 1
        let objects: [S3Client.ListedObject]
        do throws(AWSError) {
            objects = try client.objects(
                bucket: bucket, prefix: prefix.isEmpty ? name : "\(prefix)/\(name)")
        } catch { throw AccessError(error) }
        var entries: [ObjectEntry] = []
        entries.reserveCapacity(objects.count)
        for object in objects {
            let key = String(decoding: Array(object.key.utf8.dropFirst(start)), as: UTF8.self)
            // A key that ends in a slash is what consoles make of a folder.
            guard !key.isEmpty, !key.hasSuffix("/") else { continue }
            entries.append(
                ObjectEntry(
                    key: key, length: object.length, etag: object.etag, modified: object.modified))
        }
        // S3 lists in the order of the keys' bytes; directory buckets and some stores do not.
        return entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }

    func facts(of name: String) throws(AccessError) -> ObjectEntry? {
        do throws(AWSError) {
            guard let facts = try client.head(bucket: bucket, key: key(name)) else { return nil }
            return ObjectEntry(key: name, length: facts.length, etag: facts.etag, modified: nil)
        } catch { throw AccessError(error) }
    }

    func read(
        _ name: String, at offset: Int64, count: Int, etag: String, appendingTo bytes: inout Bytes
    ) throws(AccessError) {
        do throws(AWSError) {
            let part = try client.read(
                bucket: bucket, key: key(name), at: offset, count: count,
                etag: etag.isEmpty ? nil : etag)
            bytes.append(part.span.bytes)
        } catch {
            // Beyond its end there is nothing, as with a file.
            if error.status == 416 { return }
            throw AccessError(error)
        }
    }

    func read(
        _ names: [String], etags: [String], limit: Int,
        _ body: (Int, Result<[UInt8], AccessError>) -> Void
    ) throws(AccessError) {
        do throws(AWSError) {
            try client.get(
                bucket: bucket, keys: names.map { key($0) }, limit: limit, etags: etags
            ) {
                body($0, $1.mapError { AccessError($0) })
            }
        } catch { throw AccessError(error) }
    }
}
