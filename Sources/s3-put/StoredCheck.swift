import AWS
import BronzeAccess
import Digests
import ObjectWriting
import Posix
import Stage

/// Whether objects of an earlier run are at the destination: asked for those whose bytes were in memory
/// when it ended.
final class StoredCheck: Sendable {
    /// Longest object that is looked at, bytes.
    private static let longestObject = 4 << 30

    private let options: S3PutOptions
    private let credentials: CredentialsProvider?
    private let log: Log

    init(_ options: S3PutOptions, _ credentials: CredentialsProvider?, _ log: Log) {
        self.options = options
        self.credentials = credentials
        self.log = log
    }

    /// A way to read what is at a destination.
    static func source(
        of options: S3PutOptions, _ credentials: CredentialsProvider?
    ) throws -> ObjectSource {
        try ObjectSource(ObjectURL(options.destination.description)) {
            guard let access = options.access, let credentials else {
                throw StageFailure(.bug, "a bucket without a way to it")
            }
            return S3Reach(access.configuration(), credentials)
        }
    }

    /// The key under which an object's bytes are stored; nil when they are not.
    func key(of object: StagedObject) throws -> String? {
        let source = try Self.source(of: options, credentials)
        do {
            return try [object.key, object.keyByContent].lazy.compactMap { $0 }.first {
                try has($0, object, source)
            }
        } catch let error as AccessError where error.reason == .notPermitted {
            log.warning(
                "whether \(object.key) was stored cannot be found out, since reading is not permitted; "
                    + "its records are stored again. If it was, verify will name it: \(error)",
                cause: "stored_check")
            return nil
        }
    }

    private func has(
        _ key: String, _ object: StagedObject, _ source: ObjectSource
    ) throws -> Bool {
        do throws(AccessError) {
            let bytes = try source.read(key, limit: Self.longestObject)
            return Int64(bytes.count) == object.bytes && Hash.sha256(of: bytes) == object.sha256
        } catch {
            guard error.reason != .notFound else { return false }
            throw error
        }
    }
}
