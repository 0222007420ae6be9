import Posix
import Transport

extension S3Client {
    /// What tells a file's bytes from others.
    public struct FileChecksum: Sendable, CustomStringConvertible {
        /// Bytes.
        public let length: Int64
        /// Base64 CRC-32C of the whole.
        public let crc32c: String
        fileprivate let digest: FileDigest

        /// True when an object has the same bytes, as far as the store can say.
        public func isOf(_ facts: ObjectFacts) -> Bool { S3Client.isSame(facts, digest) }

        /// Length and checksum.
        public var description: String { "\(length) bytes, CRC-32C \(crc32c)" }
    }

    /// Reads the file of an upload.
    public func checksum(of upload: ObjectUpload) throws(AWSError) -> FileChecksum {
        let digest = try digest(upload)
        return FileChecksum(length: digest.length, crc32c: digest.crc32c, digest: digest)
    }

    /// Begins an upload in parts and aborts it: that needs a bucket that is there and the permission
    /// to store objects, and leaves nothing behind.
    public mutating func checkWriting(bucket: String, key: String) throws(AWSError) {
        var call = try call("CreateMultipartUpload", "POST", bucket, key)
        call.query = [("uploads", "")]
        call.headers += configuration.storage.headers.map { ($0[0], $0[1]) }
        call.body = .bytes([])
        let response = try send(call, bucket: bucket, key: key)
        guard let uploadID = XMLText.first("UploadId", in: response.body), !uploadID.isEmpty else {
            throw malformed(call, "the answer has no UploadId")
        }
        try abort(bucket: bucket, key: key, uploadID: uploadID)
    }
}
