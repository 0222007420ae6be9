import AWS
public import BronzeAccess
import Posix
public import Stage

extension BucketReading {
    /// The place of a URL for a tool without options of its own for buckets: region, endpoint and
    /// credentials are those of the environment and of the files that the AWS CLI reads.
    public static func source(ofSurroundings text: String, _ log: Log) throws -> ObjectSource {
        var policy = RetryPolicy()
        policy.onRetry = { log.warning("attempt \($0.attempt + 1) follows: \($0.error)") }
        return try ObjectSource(ObjectURL(text), policy: policy) {
            let location = try ServiceLocation(
                "s3", environment: .process, region: nil, endpoint: nil)
            var configuration = S3Configuration(location)
            configuration.policy = policy
            return S3Reach(
                configuration,
                CredentialsProvider(environment: .process, region: location.region))
        }
    }

    /// Whose state a ledger of this place is, as s3-put writes it into its state directory.
    ///
    /// - Throws: `.usage` for a place that no sink writes to.
    public func owner(of text: String) throws -> String {
        switch try ObjectURL(text) {
        case .file(let path): return "file://\(path)"
        case .bucket(let bucket, let prefix):
            let location = try ServiceLocation(
                "s3", environment: environment, region: region, endpoint: endpoint)
            let place = "s3://\(bucket)" + (prefix.isEmpty ? "" : "/\(prefix)")
            return place + (location.endpoint.map { " at \($0)" } ?? "")
        case .publicBucket:
            throw StageFailure(
                .usage,
                "\(text) is for reading only: name the bucket as s3-put --to does, s3://BUCKET/PREFIX"
            )
        }
    }
}
