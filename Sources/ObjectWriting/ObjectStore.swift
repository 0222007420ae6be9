package import AWS
import Encoding
import Posix
package import Stage
package import StageAWS

/// Puts finished files under their keys, each once.
package enum ObjectStore: ~Copyable {
    /// A directory.
    case directory(DirectoryStore)
    /// A bucket.
    case bucket(BucketStore)

    /// Makes the store, on the thread that will use it.
    ///
    /// - Parameters:
    ///   - access: nil for a directory.
    ///   - isAbandoned: true once the run no longer waits for a delivery.
    package static func make(
        _ destination: Destination, _ access: S3Access?, log: Log,
        credentials: CredentialsProvider?,
        figures: ServiceFigures, isAbandoned: @escaping @Sendable () -> Bool
    ) throws -> ObjectStore {
        guard case .bucket(let bucket, let prefix) = destination, let access, let credentials
        else {
            guard case .directory(let path) = destination else {
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

    /// Objects that are worth being placed before all are settled: names in a directory take a wait
    /// for the device each time, however many they are.
    package var batch: Int {
        switch self {
        case .directory: 64
        case .bucket: 1
        }
    }

    /// Delivers an object, which may be lost in a crash before ``settle()``.
    package mutating func place(_ object: FinishedFile) throws -> Placement {
        switch consume self {
        case .directory(var store):
            let result = Result { try store.place(object) }
            self = .directory(store)
            return try result.get()
        case .bucket(var store):
            let result = Result { try store.put(object) }
            self = .bucket(store)
            return try result.get()
        }
    }

    /// Makes durable what was placed.
    package mutating func settle() throws {
        switch consume self {
        case .directory(var store):
            let result = Result { try store.settle() }
            self = .directory(store)
            try result.get()
        case .bucket(let store): self = .bucket(store)
        }
    }

    /// Delivers an object durably.
    package mutating func put(_ object: FinishedFile) throws -> Placement {
        let placement = try place(object)
        try settle()
        return placement
    }

    /// Finds out whether objects could be stored, without storing one.
    package mutating func check() throws {
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

    /// Removes an object; one that is gone already is fine.
    package mutating func remove(_ key: String) throws {
        switch consume self {
        case .directory(let store):
            self = .directory(store)
            try store.remove(key)
        case .bucket(var store):
            let result = Result { try store.remove(key) }
            self = .bucket(store)
            try result.get()
        }
    }
}
