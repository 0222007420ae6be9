import AWS
import Posix
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
    let drainTimeout: Double
    /// Seconds without a success after which a delivery that fails is given up.
    let giveUpAfter: Double
    /// Nil for a directory.
    let access: S3Access?

    /// Whose state it is; nil for one that lies inside its destination and moves with it.
    var owner: String? {
        if case .directory(let root) = destination, state.hasPrefix(root + "/") { return nil }
        return destination.description + (access?.location.endpoint.map { " at \($0)" } ?? "")
    }

    /// Makes the store, on the thread that will use it.
    ///
    /// - Parameter isAbandoned: true once nobody waits for a delivery any more.
    func makeStore(
        log: Log, credentials: CredentialsProvider?, figures: ServiceFigures,
        abortedUploads: Counter,
        isAbandoned: @escaping @Sendable () -> Bool
    ) throws -> ObjectStore {
        guard case .bucket(let bucket, let prefix) = destination, let access, let credentials
        else {
            guard case .directory(let path) = destination else {
                throw StageFailure(.bug, "a bucket without a way to it")
            }
            return .directory(path)
        }
        var configuration = access.configuration()
        configuration.policy.onRetry = { retry in
            figures.note(retry)
            log.warning("\(retry.error); attempt \(retry.attempt + 1) in \(retry.delay) s")
        }
        configuration.policy.shouldStop = isAbandoned
        do throws(AWSError) {
            var client = try S3Client(configuration, credentials: credentials)
            abortedUploads.add(abortLeftOvers(&client, bucket, prefix, log))
            return .bucket(client, name: bucket, prefix: prefix, figures)
        } catch { throw StageFailure(error) }
    }

    /// Ends uploads in parts that earlier runs left: those of objects that lie in our own state,
    /// and old ones below the prefix. Whether that works is of no weight for the delivery.
    private func abortLeftOvers(
        _ client: inout S3Client, _ bucket: String, _ prefix: String, _ log: Log
    ) -> Int {
        let folder = prefix.isEmpty ? "" : prefix + "/"
        let own = (try? SealedObject.keys(staging: state + "/staging")) ?? []
        let age = access?.abandonedUploads ?? 0
        let end = age > 0 ? Clock.realtimeNanoseconds() / 1_000_000_000 - Int64(age) : nil
        do throws(AWSError) {
            let count = try client.abortUnfinished(
                bucket: bucket, prefix: folder, keys: Set(own.map { folder + $0 }),
                begunBefore: end)
            if count > 0 { log.info("\(count) uploads in parts of earlier runs were aborted") }
            return count
        } catch {
            log.debug("uploads of earlier runs could not be looked for: \(error)")
            return 0
        }
    }
}

extension Destination {
    /// Where the state lies when nobody says: inside a directory, else in the user's state
    /// directory under the bucket's name.
    var standardState: String {
        switch self {
        case .directory(let path): return "\(path)/.s3-put"
        case .bucket(let bucket, let prefix):
            let environment = Environment.all
            let home =
                environment["XDG_STATE_HOME"] ?? (environment["HOME"] ?? "/var/lib")
                + "/.local/state"
            let name = prefix.isEmpty ? bucket : "\(bucket)-\(prefix)"
            return "\(home)/bitcoin-ingestor/s3-put/" + name.replacing("/", with: "-")
        }
    }
}
