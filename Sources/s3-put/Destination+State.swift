import Configuration
import ObjectWriting
import Sink
import Stage

extension Destination {
    /// Where the state is by default: inside a directory, else in the user's state
    /// directory under the bucket's name.
    var standardState: String {
        switch self {
        case .directory(let path): "\(path)/.s3-put"
        case .bucket(let bucket, let prefix):
            StatePlace.ofUser(
                tool: "s3-put", name: prefix.isEmpty ? bucket : "\(bucket)-\(prefix)",
                environment: Environment.all)
        }
    }
}
