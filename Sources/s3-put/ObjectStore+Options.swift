import AWS
import Encoding
import ObjectWriting
import Posix
import Stage
import StageAWS

extension ObjectStore {
    /// The store of a run, on the thread that will use it.
    static func make(
        _ options: S3PutOptions, log: Log, credentials: CredentialsProvider?,
        figures: ServiceFigures, isAbandoned: @escaping @Sendable () -> Bool
    ) throws -> ObjectStore {
        try make(
            options.destination, options.access, log: log, credentials: credentials,
            figures: figures, isAbandoned: isAbandoned)
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

    /// Ends uploads in parts that earlier runs left. Whether that works does not matter to the
    /// delivery.
    ///
    /// - Returns: how many.
    private static func abortLeftovers(
        of store: inout BucketStore, _ options: S3PutOptions, _ log: Log
    ) -> Int {
        let own = (try? NoteFile.left(in: options.state + "/staging").map(\.key)) ?? []
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
