import Encoding
import Posix
import Transport

extension S3Client {
    /// How often an upload is begun again after another writer was in the way.
    private static let starts = 3

    /// Stores a file in parts, several at once; aborts when that fails. Memory holds no part: each
    /// is read from the file while it is sent.
    mutating func putParts(_ upload: ObjectUpload, _ digest: FileDigest) throws(AWSError) {
        var start = 1
        while true {
            let (uploadID, isWhole) = try create(upload, digest)
            do throws(AWSError) {
                let etags = try putParts(upload, digest, uploadID: uploadID)
                try complete(upload, digest, isWhole, uploadID: uploadID, etags: etags)
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
                    || follow(error, upload.bucket)
                guard isConflict, start < Self.starts else { throw error }
                start += 1
            }
        }
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

    /// - Returns: the upload's id, and whether the store will take a checksum of the whole object:
    ///   those that do not say so know checksums of parts only (MiniStack 1.5.33).
    private mutating func create(
        _ upload: ObjectUpload, _ digest: FileDigest
    ) throws(AWSError) -> (id: String, isWhole: Bool) {
        var call = try call("CreateMultipartUpload", "POST", upload.bucket, upload.key)
        call.query = [("uploads", "")]
        call.headers += headers(upload, digest)
        if configuration.checksum == .crc32c {
            call.headers.append(("x-amz-checksum-algorithm", "CRC32C"))
            call.headers.append(("x-amz-checksum-type", "FULL_OBJECT"))
        }
        call.body = .bytes([])
        let response = try send(call, bucket: upload.bucket, key: upload.key)
        guard let uploadID = XMLText.first("UploadId", in: response.body), !uploadID.isEmpty else {
            throw malformed(call, "the answer has no UploadId")
        }
        return (uploadID, response.header("x-amz-checksum-type") == "FULL_OBJECT")
    }

    /// Sends all parts, so many at once as is set, fewer while the store asks for patience.
    ///
    /// - Returns: their ETags in order.
    private mutating func putParts(
        _ upload: ObjectUpload, _ digest: FileDigest, uploadID: String
    ) throws(AWSError) -> [String] {
        var etags = [String](repeating: "", count: digest.parts.count)
        var next = 0
        var window = max(1, configuration.parallelParts)
        do throws(AWSError) {
            while next < digest.parts.count || service.inFlight > 0 {
                while next < digest.parts.count, service.inFlight < window {
                    service.submit(
                        try call(digest.parts[next], number: next + 1, uploadID, upload),
                        token: next)
                    next += 1
                }
                let throttles = service.rules.throttles
                for completion in try service.wait(timeoutMilliseconds: 60_000) {
                    let response = try completion.result.get()
                    guard let etag = response.header("etag"), !etag.isEmpty else {
                        throw AWSError(
                            .protocolBroken, service: "s3", operation: "UploadPart",
                            message: "the answer has no ETag", status: 200,
                            subject: "\(upload.bucket)/\(upload.key)")
                    }
                    etags[completion.token] = etag
                    window = min(window + 1, max(1, configuration.parallelParts))
                }
                if service.rules.throttles > throttles { window = max(1, window / 2) }
            }
            return etags
        } catch {
            service.cancelAll()
            throw error
        }
    }

    private func call(
        _ part: FileDigest.Part, number: Int, _ uploadID: String, _ upload: ObjectUpload
    ) throws(AWSError) -> ServiceCall {
        var call = try call("UploadPart", "PUT", upload.bucket, upload.key)
        call.query = [("partNumber", "\(number)"), ("uploadId", uploadID)]
        attach(part, of: upload, to: &call)
        call.mayHideError = true
        return call
    }

    private mutating func complete(
        _ upload: ObjectUpload, _ digest: FileDigest, _ isWhole: Bool, uploadID: String,
        etags: [String]
    ) throws(AWSError) {
        var call = try call("CompleteMultipartUpload", "POST", upload.bucket, upload.key)
        call.query = [("uploadId", uploadID)]
        var body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        for (index, etag) in etags.enumerated() {
            body +=
                "<Part><PartNumber>\(index + 1)</PartNumber><ETag>\(XMLText.escaped(etag))</ETag>"
            if configuration.checksum == .crc32c {
                body += "<ChecksumCRC32C>\(digest.parts[index].crc32c)</ChecksumCRC32C>"
            }
            body += "</Part>"
        }
        let bytes = Array((body + "</CompleteMultipartUpload>").utf8)
        call.body = .bytes(bytes)
        call.payload = .hash(Hex.text(SHA256.of(bytes)))
        call.headers.append(("content-type", "application/xml"))
        if sendsCondition(upload) { call.headers.append(("if-none-match", "*")) }
        if configuration.checksum == .crc32c {
            if isWhole {
                call.headers.append(("x-amz-checksum-crc32c", digest.crc32c))
                call.headers.append(("x-amz-checksum-type", "FULL_OBJECT"))
            }
            call.headers.append(("x-amz-mp-object-size", "\(digest.length)"))
        }
        // S3 may take minutes to join the parts.
        call.timeout = 600
        call.conflictIsFinal = true
        call.mayHideError = true
        let response = try send(call, bucket: upload.bucket, key: upload.key)
        if XMLText.first("ETag", in: response.body) == nil {
            try find(upload, digest, after: call, response)
        }
    }

    func malformed(_ call: ServiceCall, _ message: String) -> AWSError {
        AWSError(
            .protocolBroken, service: "s3", operation: call.operation, message: message,
            status: 200, subject: call.subject)
    }
}
