import AWS
import Encoding
import ObjectWriting
import Posix
import Stage
import StageAWS

/// Puts finished files under their keys, each once.
enum ObjectStore: ~Copyable {
    case directory(DirectoryStore)
    case bucket(BucketStore)

    /// Makes the store, on the thread that will use it.
    ///
    /// - Parameter isAbandoned: true once the run no longer waits for a delivery.
    static func make(
        _ options: S3PutOptions, log: Log, credentials: CredentialsProvider?,
        figures: ServiceFigures, isAbandoned: @escaping @Sendable () -> Bool
    ) throws -> ObjectStore {
        guard case .bucket(let bucket, let prefix) = options.destination,
            let access = options.access, let credentials
        else {
            guard case .directory(let path) = options.destination else {
                throw StageFailure(.bug, "a bucket without a way to it")
            }
            return .directory(DirectoryStore(root: path))
        }
        var configuration = access.configuration()
        configuration.policy.onRetry = { retry in
            figures.note(retry)
            log.warning(
                "\(retry.error); attempt \(retry.attempt + 1) in \(Spoken.seconds(retry.delay))",
                cause: "retry")
        }
        configuration.policy.shouldStop = isAbandoned
        configuration.onMove = { bucket, asked, region in
            log.info(
                "the bucket \(bucket) is in \(region), not in \(asked): set AWS_REGION=\(region)",
                cause: "region")
        }
        return .bucket(
            BucketStore(
                try S3Client(configuration, credentials: credentials), bucket: bucket,
                prefix: prefix, condition: access.conditionalWrites, figures))
    }

    /// Delivers an object.
    mutating func put(_ object: StagedObject) throws -> Placement {
        switch consume self {
        case .directory(var store):
            let result = Result { try store.put(object.file) }
            self = .directory(store)
            return try result.get()
        case .bucket(var store):
            let result = Result { try store.put(object.file) }
            self = .bucket(store)
            return try result.get()
        }
    }

    /// Ends uploads in parts that earlier runs left.
    ///
    /// - Returns: how many.
    mutating func abortLeftovers(_ options: S3PutOptions, _ log: Log) -> Int {
        switch consume self {
        case .directory(let store):
            self = .directory(store)
            return 0
        case .bucket(var store):
            let count = Self.abortLeftovers(of: &store, options, log)
            self = .bucket(store)
            return count
        }
    }

    /// Finds out whether objects could be stored, without storing one.
    mutating func check() throws {
        switch consume self {
        case .directory(let store):
            let result = Result { try store.check() }
            self = .directory(store)
            try result.get()
        case .bucket(var store):
            let result = Result { try store.check() }
            self = .bucket(store)
            try result.get()
        }
    }

    /// Ends uploads in parts that earlier runs left. Whether that works does not matter to the
    /// delivery.
    ///
    /// - Returns: how many.
    private static func abortLeftovers(
        of store: inout BucketStore, _ options: S3PutOptions, _ log: Log
    ) -> Int {
        let own = (try? StagingNote.keys(staging: options.state + "/staging")) ?? []
        let age = options.access?.abandonedUploads ?? 0
        let end = age > 0 ? Clock.realtimeNanoseconds() / 1_000_000_000 - Int64(age) : nil
        do throws(AWSError) {
            let count = try store.abortUploads(own: own, begunBefore: end)
            if count > 0 {
                log.info("aborted \(Spoken.count(count, "unfinished upload")) of earlier runs")
            }
            return count
        } catch {
            log.debug("cannot look for uploads of earlier runs: \(error)")
            return 0
        }
    }
}
