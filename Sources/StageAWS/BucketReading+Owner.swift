import AWS
import BronzeAccess
import Posix
import Stage

extension BucketReading {
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
