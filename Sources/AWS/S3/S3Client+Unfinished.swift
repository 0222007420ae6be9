import Encoding
import Posix
import Transport

extension S3Client {
    /// An upload in parts that was begun and neither completed nor aborted. S3 bills its parts.
    public struct UnfinishedUpload: Sendable, Equatable {
        /// Of the object that would be made.
        public let key: String
        /// Names the upload.
        public let uploadID: String
        /// When it was begun, seconds since the epoch; nil when the store does not say.
        public let begun: Int64?
    }

    /// The most pages of a listing that are read, each of up to 1000 uploads.
    private static let maximumPages = 100

    /// Uploads of a bucket that were begun and never ended.
    public mutating func unfinishedUploads(
        bucket: String, prefix: String
    ) throws(AWSError) -> [UnfinishedUpload] {
        var uploads: [UnfinishedUpload] = []
        var markers: [(String, String)] = []
        for _ in 0..<Self.maximumPages {
            var call = try call("ListMultipartUploads", "GET", bucket, nil)
            call.query = [("uploads", ""), ("prefix", prefix)] + markers
            call.maximumResponse = 8 << 20
            let answer = try send(call, bucket: bucket, key: nil).body
            for element in XMLText.elements("Upload", in: answer) {
                guard let key = XMLText.first("Key", in: element),
                    let id = XMLText.first("UploadId", in: element)
                else { throw malformed(call, "an upload without Key or UploadId") }
                let begun = XMLText.first("Initiated", in: element)
                    .flatMap(Timestamp.seconds(rfc3339:))
                uploads.append(UnfinishedUpload(key: key, uploadID: id, begun: begun))
            }
            let keyMarker = XMLText.first("NextKeyMarker", in: answer) ?? ""
            let idMarker = XMLText.first("NextUploadIdMarker", in: answer) ?? ""
            guard XMLText.first("IsTruncated", in: answer) == "true", !keyMarker.isEmpty
            else { break }
            markers = [("key-marker", keyMarker), ("upload-id-marker", idMarker)]
        }
        return uploads
    }

    /// Aborts what earlier runs left behind below a prefix.
    ///
    /// - Parameters:
    ///   - keys: objects that only the caller uploads, whatever the age of the upload.
    ///   - end: other uploads go when they were begun before it, seconds since the epoch; they may
    ///     be of another program that is at work. Nil leaves them.
    ///   - isOurs: whether a key is of a form that only this program's objects have; uploads of
    ///     other keys are left alone, however old they are.
    /// - Returns: how many were aborted.
    public mutating func abortUnfinished(
        bucket: String, prefix: String, keys: Set<String>, begunBefore end: Int64?,
        isOurs: (String) -> Bool
    ) throws(AWSError) -> Int {
        var count = 0
        for upload in try unfinishedUploads(bucket: bucket, prefix: prefix) {
            let isOld = upload.begun.flatMap { begun in end.map { begun < $0 } } ?? false
            guard keys.contains(upload.key) || isOld && isOurs(upload.key) else { continue }
            try abort(bucket: bucket, key: upload.key, uploadID: upload.uploadID)
            count += 1
        }
        return count
    }
}
