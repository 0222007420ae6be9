import AWS
import Posix
import Stage

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
    let region: String?
    let endpoint: String?

    /// Makes the store, on the thread that will use it.
    ///
    /// - Parameter isAbandoned: true once nobody waits for a delivery any more.
    func makeStore(
        log: Log, isAbandoned: @escaping @Sendable () -> Bool
    ) throws -> ObjectStore {
        switch destination {
        case .directory(let path): return .directory(path)
        case .bucket(let bucket, let prefix):
            do throws(AWSError) {
                var configuration = S3Configuration(
                    try ServiceLocation(
                        "s3", environment: .process, region: region, endpoint: endpoint))
                configuration.policy.onRetry = { retry in
                    log.warning("\(retry.error); attempt \(retry.attempt + 1) in \(retry.delay) s")
                }
                configuration.policy.shouldStop = isAbandoned
                let client = try S3Client(configuration, credentials: CredentialsProvider())
                return .bucket(client, name: bucket, prefix: prefix)
            } catch { throw StageFailure(error) }
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
