import AWS
import Identity
import Posix
import Sink
import Stage
import StageAWS
import Stats

/// What a run keeps to.
struct S3PutPlan: Sendable {
    let destination: Destination
    let form: ObjectForm
    /// Bytes of records after which an object is finished.
    let objectBytes: Int
    /// Seconds after an object's first record after which it is finished.
    let objectAge: Double
    /// Seconds without a record after which it is finished.
    let objectIdle: Double
    /// Directory of ledger, spool and staging.
    let state: String
    let spoolMax: Int
    let times: EventTimes
    let idLimits: IDLimits
    /// Sequences that may begin a new numbering.
    let newEpochs: Set<SequenceID>
    let drainTimeout: Double
    /// Seconds without a success after which a delivery that fails is given up.
    let giveUpAfter: Double
    /// Seconds that the destination has to answer before reading starts without its answer.
    let checkTimeout: Double
    /// True for a run that only asks whether objects could be stored.
    let onlyChecks: Bool
    /// Nil for a directory.
    let access: S3Access?

    /// Whose state it is; nil for one that lies inside its destination and moves with it.
    var owner: String? {
        if case .directory(let root) = destination, state.hasPrefix(root + "/") { return nil }
        return destination.description + (access?.location.endpoint.map { " at \($0)" } ?? "")
    }

    /// Bytes of a segment of the spool: it is given back segment by segment.
    var segmentBytes: Int64 { min(64 << 20, max(1 << 20, Int64(spoolMax) / 8)) }

    /// Makes the store, on the thread that will use it.
    ///
    /// - Parameters:
    ///   - onRetry: told of each request that is sent again.
    ///   - isAbandoned: true once nobody waits for a delivery any more.
    func makeStore(
        log: Log, credentials: CredentialsProvider?, figures: ServiceFigures,
        isAbandoned: @escaping @Sendable () -> Bool
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
                "\(retry.error); attempt \(retry.attempt + 1) in \(retry.delay) s",
                cause: "retry")
        }
        configuration.policy.shouldStop = isAbandoned
        do throws(AWSError) {
            return .bucket(
                BucketStore(
                    try S3Client(configuration, credentials: credentials), bucket: bucket,
                    prefix: prefix, condition: access.conditionalWrites, figures))
        } catch { throw StageFailure(error) }
    }

    /// Ends uploads in parts that earlier runs left. Whether that works is of no weight for the
    /// delivery.
    ///
    /// - Returns: how many.
    func abortLeftovers(of store: inout BucketStore, _ log: Log) -> Int {
        let own = (try? Manifest.keys(staging: state + "/staging")) ?? []
        let age = access?.abandonedUploads ?? 0
        let end = age > 0 ? Clock.realtimeNanoseconds() / 1_000_000_000 - Int64(age) : nil
        do throws(AWSError) {
            let count = try store.abortUploads(own: own, begunBefore: end)
            if count > 0 { log.info("\(count) uploads in parts of earlier runs were aborted") }
            return count
        } catch {
            log.debug("uploads of earlier runs could not be looked for: \(error)")
            return 0
        }
    }
}
