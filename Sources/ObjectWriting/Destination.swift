import AWS
import Posix
package import Stage

/// Where objects go.
package enum Destination: Sendable, Equatable {
    /// A directory.
    case directory(String)
    /// A bucket and a prefix without slashes at its ends.
    case bucket(String, prefix: String)

    /// Takes `s3://BUCKET/PREFIX` or `file:///DIRECTORY`.
    package init(_ text: String) throws(StageFailure) {
        if text.hasPrefix("file://") {
            var path = String(text.dropFirst(7))
            while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
            guard !path.isEmpty else {
                throw StageFailure(.usage, "\"\(text)\" does not name a directory")
            }
            // A URL with a host, as file managers write it.
            if path.hasPrefix("localhost/") { path.removeFirst("localhost".count) }
            if path == "~" || path.hasPrefix("~/") {
                throw StageFailure(
                    .usage,
                    "\(text): ~ is not replaced inside a URL; write file://$HOME\(path.dropFirst())"
                )
            }
            if path.hasPrefix("$") {
                throw StageFailure(
                    .usage, "\(text): $NAME is not replaced here; in a file write ${NAME}")
            }
            self = .directory(path)
        } else if text.hasPrefix("s3://") {
            let parts = text.dropFirst(5).split(separator: "/", omittingEmptySubsequences: false)
            let bucket = String(parts.first ?? "")
            guard !bucket.isEmpty else {
                throw StageFailure(.usage, "\"\(text)\" does not name a bucket")
            }
            if let reason = S3Client.refusal(ofBucket: bucket) {
                throw StageFailure(.usage, "\(text): \(reason)")
            }
            let prefix = parts.dropFirst().filter { !$0.isEmpty }.joined(separator: "/")
            if let reason = Self.refusal(ofPrefix: prefix) {
                throw StageFailure(.usage, "\(text): \(reason)")
            }
            self = .bucket(bucket, prefix: prefix)
        } else {
            let isPath = text.hasPrefix("/") || text.hasPrefix(".") || !text.contains(":")
            let hint = isPath && !text.isEmpty ? "; did you mean file://\(text)?" : ""
            throw StageFailure(
                .usage, "\"\(text)\" is neither s3://BUCKET/PREFIX nor file:///DIRECTORY\(hint)")
        }
    }

    /// Longest prefix, bytes: a key has at most 1024, of which partitions and names need the rest.
    private static let longestPrefix = 700

    /// Why keys cannot begin with this; nil when they can.
    private static func refusal(ofPrefix prefix: String) -> String? {
        if prefix.split(separator: "/").contains(where: { $0 == "." || $0 == ".." }) {
            return ". and .. do not name directories in a bucket; leave them out of the prefix"
        }
        if prefix.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            return "the prefix has a control character"
        }
        return prefix.utf8.count <= longestPrefix
            ? nil : "the prefix is longer than \(longestPrefix) bytes"
    }

    /// What a person would type.
    package var description: String {
        switch self {
        case .directory(let path): "file://\(path)"
        case .bucket(let name, let prefix): "s3://\(name)" + (prefix.isEmpty ? "" : "/\(prefix)")
        }
    }
}
