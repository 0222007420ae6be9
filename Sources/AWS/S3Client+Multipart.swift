import Posix
import Transport

extension S3Client {
    /// An upload in parts that was begun and neither completed nor aborted. S3 bills its parts.
    public struct UnfinishedUpload: Sendable, Equatable {
        /// Of the object that would be made.
        public let key: String
        /// Names the upload.
        public let uploadID: String
    }

    /// How often an upload is begun anew after another writer was in the way.
    private static let starts = 3

    /// Stores a file in parts, one after the other; aborts when that fails.
    mutating func putParts(_ upload: ObjectUpload, _ digest: FileDigest) throws(AWSError) {
        var start = 1
        while true {
            let uploadID = try create(upload, digest)
            do throws(AWSError) {
                var etags: [String] = []
                for (index, part) in digest.parts.enumerated() {
                    etags.append(try put(part, number: index + 1, uploadID: uploadID, upload))
                }
                try complete(upload, digest, uploadID: uploadID, etags: etags)
                return
            } catch {
                // After a lost reply the upload may be complete and its id gone.
                if error.code == "NoSuchUpload", error.operation == "CompleteMultipartUpload",
                    let facts = try? head(bucket: upload.bucket, key: upload.key),
                    S3Client.isSame(facts, digest)
                {
                    return
                }
                // An abort that fails leaves parts behind, for the bucket's lifecycle rule.
                try? abort(bucket: upload.bucket, key: upload.key, uploadID: uploadID)
                let isConflict =
                    error.code == "ConditionalRequestConflict" || error.code == "NoSuchUpload"
                guard isConflict, start < Self.starts else { throw error }
                start += 1
            }
        }
    }

    /// Uploads of a bucket that were begun and never ended, up to 1000.
    public mutating func unfinishedUploads(
        bucket: String, prefix: String
    ) throws(AWSError) -> [UnfinishedUpload] {
        var call = try call("ListMultipartUploads", "GET", bucket, nil)
        call.query = [("uploads", ""), ("prefix", prefix)]
        let response = try send(call, bucket: bucket, key: nil)
        let ids = XMLText.all("UploadId", in: response.body)
        let keys = XMLText.all("Key", in: response.body)
        guard ids.count == keys.count else {
            throw malformed(call, "upload ids and keys differ in number")
        }
        return zip(keys, ids).map { UnfinishedUpload(key: $0, uploadID: $1) }
    }

    /// Ends an upload without an object; one that is gone is fine.
    public mutating func abort(
        bucket: String, key: String, uploadID: String
    ) throws(AWSError) {
        var call = try call("AbortMultipartUpload", "DELETE", bucket, key)
        call.query = [("uploadId", uploadID)]
        do throws(AWSError) {
            _ = try send(call, bucket: bucket, key: key)
        } catch {
            if error.status != 404 { throw error }
        }
    }

    // MARK: - Steps

    private mutating func create(
        _ upload: ObjectUpload, _ digest: FileDigest
    ) throws(AWSError) -> String {
        var call = try call("CreateMultipartUpload", "POST", upload.bucket, upload.key)
        call.query = [("uploads", "")]
        call.headers += headers(upload, digest)
        if configuration.usesChecksums {
            call.headers.append(("x-amz-checksum-algorithm", "CRC32C"))
            call.headers.append(("x-amz-checksum-type", "FULL_OBJECT"))
        }
        call.body = .bytes([])
        let response = try send(call, bucket: upload.bucket, key: upload.key)
        guard let uploadID = XMLText.first("UploadId", in: response.body), !uploadID.isEmpty else {
            throw malformed(call, "the answer has no UploadId")
        }
        return uploadID
    }

    private mutating func put(
        _ part: FileDigest.Part, number: Int, uploadID: String, _ upload: ObjectUpload
    ) throws(AWSError) -> String {
        var call = try call("UploadPart", "PUT", upload.bucket, upload.key)
        call.query = [("partNumber", "\(number)"), ("uploadId", uploadID)]
        attach(part, of: upload, to: &call)
        let response = try send(call, bucket: upload.bucket, key: upload.key)
        guard let etag = response.header("etag"), !etag.isEmpty else {
            throw malformed(call, "the answer has no ETag")
        }
        return etag
    }

    private mutating func complete(
        _ upload: ObjectUpload, _ digest: FileDigest, uploadID: String, etags: [String]
    ) throws(AWSError) {
        var call = try call("CompleteMultipartUpload", "POST", upload.bucket, upload.key)
        call.query = [("uploadId", uploadID)]
        var body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        for (index, etag) in etags.enumerated() {
            body +=
                "<Part><PartNumber>\(index + 1)</PartNumber><ETag>\(XMLText.escaped(etag))</ETag>"
            if configuration.usesChecksums {
                body += "<ChecksumCRC32C>\(digest.parts[index].crc32c)</ChecksumCRC32C>"
            }
            body += "</Part>"
        }
        let bytes = Array((body + "</CompleteMultipartUpload>").utf8)
        call.body = .bytes(bytes)
        call.payload = .hash(Text.hex(SHA256.of(bytes)))
        call.headers.append(("content-type", "application/xml"))
        if upload.onlyIfAbsent { call.headers.append(("if-none-match", "*")) }
        if configuration.usesChecksums {
            call.headers.append(("x-amz-checksum-crc32c", digest.crc32c))
            call.headers.append(("x-amz-checksum-type", "FULL_OBJECT"))
            call.headers.append(("x-amz-mp-object-size", "\(digest.length)"))
        }
        // S3 may take minutes to join the parts.
        call.timeout = 600
        call.conflictIsFinal = true
        call.mayHideError = true
        _ = try send(call, bucket: upload.bucket, key: upload.key)
    }

    private func malformed(_ call: ServiceCall, _ message: String) -> AWSError {
        AWSError(
            .protocolBroken, service: "s3", operation: call.operation, message: message,
            status: 200, subject: call.subject)
    }
}
