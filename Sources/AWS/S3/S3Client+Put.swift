import Glibc
import Posix
import Transport

extension S3Client {
    /// Metadata that carries the checksum of the whole object, base64 CRC-32C: also for stores
    /// that do not keep checksums.
    static let checksumMetadata = "content-crc32c"

    /// The most parts of an upload (S3 User Guide, "Amazon S3 multipart upload limits").
    private static let maximumParts: Int64 = 10_000
    /// The shortest part but the last, bytes (the same place).
    private static let minimumPart: Int64 = 5 << 20
    /// The longest body of one request, bytes (the same place).
    private static let maximumPart: Int64 = 5 << 30

    /// Stores a file: in one request, or in parts when it is long. Memory does not grow with it.
    ///
    /// Safe to repeat: where the object is there already, its length and checksum are compared
    /// with the file's.
    public mutating func put(_ upload: ObjectUpload) throws(AWSError) -> PutOutcome {
        let digest = try digest(upload)
        if upload.onlyIfAbsent, configuration.conditionalWrites == .head,
            let facts = try head(bucket: upload.bucket, key: upload.key)
        {
            return S3Client.isSame(facts, digest) ? .existedSame : .existedOther
        }
        do throws(AWSError) {
            if digest.length <= configuration.multipartThreshold {
                try putWhole(upload, digest)
            } else {
                try putParts(upload, digest)
            }
            return .created
        } catch {
            guard upload.onlyIfAbsent, error.status == 412 else { throw error }
        }
        guard let facts = try head(bucket: upload.bucket, key: upload.key) else {
            throw AWSError(
                .unavailable, service: "s3", operation: "PutObject", code: "PreconditionFailed",
                message: "the object existed and is gone", status: 412,
                subject: "\(upload.bucket)/\(upload.key)")
        }
        return S3Client.isSame(facts, digest) ? .existedSame : .existedOther
    }

    /// Equal length, and the checksum that the store computed or the one that the writer noted;
    /// without either there is no proof, and the answer is no.
    ///
    /// The note alone suffices: compatible stores keep no checksum, or one of another algorithm
    /// under this name (moto 5.2.1 without the module crc32c).
    static func isSame(_ facts: ObjectFacts, _ digest: FileDigest) -> Bool {
        facts.length == digest.length
            && [facts.crc32c, facts.metadata[checksumMetadata]].contains(digest.crc32c)
    }

    /// True when the store is asked not to replace the object.
    func sendsCondition(_ upload: ObjectUpload) -> Bool {
        upload.onlyIfAbsent && configuration.conditionalWrites == .header
    }

    // MARK: - One request

    private mutating func putWhole(_ upload: ObjectUpload, _ digest: FileDigest) throws(AWSError) {
        var call = try call("PutObject", "PUT", upload.bucket, upload.key)
        call.headers += headers(upload, digest)
        if sendsCondition(upload) { call.headers.append(("if-none-match", "*")) }
        attach(digest.parts[0], of: upload, to: &call)
        call.mayHideError = true
        let response = try send(call, bucket: upload.bucket, key: upload.key)
        // AWS answers 200 with an ETag; compatible stores may leave that out.
        let isProper = response.status == 200 && configuration.endpoint != nil
        if !isProper, response.header("etag") == nil {
            try find(upload, digest, after: call, response)
        }
    }

    /// Looks for an object after an answer that S3 does not give to a write, such as an empty one of
    /// a proxy: taken for a success, it would lose the object. Where the object may not be looked
    /// at, the answer is believed.
    mutating func find(
        _ upload: ObjectUpload, _ digest: FileDigest, after call: ServiceCall,
        _ response: HTTPResponse
    ) throws(AWSError) {
        do throws(AWSError) {
            let facts = try head(bucket: upload.bucket, key: upload.key)
            if facts?.length == digest.length { return }
        } catch {
            guard ![403, 405, 501].contains(error.status) else { return }
            throw error
        }
        throw AWSError(
            .unavailable, service: "s3", operation: call.operation,
            message: "the answer is not that of S3, and the object is not there",
            status: response.status, subject: call.subject,
            hint: "does a proxy answer instead of the service?")
    }

    /// Gives a call a part of the file as its body.
    func attach(_ part: FileDigest.Part, of upload: ObjectUpload, to call: inout ServiceCall) {
        call.body =
            part.length == 0
            ? .bytes([]) : .file(path: upload.path, offset: part.offset, length: part.length)
        call.timeout = S3Client.timeout(part.length)
        call.stallTimeout = configuration.stallTimeout
        switch configuration.checksum {
        case .crc32c: call.headers.append(("x-amz-checksum-crc32c", part.crc32c))
        case .md5: call.headers.append(("content-md5", part.md5))
        case .none: break
        }
        call.payload = part.sha256.isEmpty ? .unsigned : .hash(part.sha256)
    }

    /// Headers that describe the object, for PutObject and CreateMultipartUpload.
    func headers(_ upload: ObjectUpload, _ digest: FileDigest) -> [(String, String)] {
        [
            ("content-type", upload.contentType),
            ("x-amz-meta-\(S3Client.checksumMetadata)", digest.crc32c),
        ]
            + upload.metadata.map { ("x-amz-meta-\($0.0.lowercased())", $0.1) } + upload.headers
            + configuration.storage.headers.map { ($0[0], $0[1]) }
    }

    // MARK: - Preparation

    func digest(_ upload: ObjectUpload) throws(AWSError) -> FileDigest {
        do throws(SystemError) {
            guard let status = try Files.status(upload.path) else {
                throw SystemError("open", upload.path, code: ENOENT)
            }
            // TLS protects the body, and a checksum goes with it; else the signature covers it.
            let isTLS = configuration.endpoint?.lowercased().hasPrefix("http://") != true
            let length = Int64(status.st_size)
            let isWhole = length <= min(configuration.multipartThreshold, Self.maximumPart)
            return try FileDigest(
                path: upload.path, partLength: isWhole ? max(length, 1) : partLength(length),
                hashing: !isTLS || configuration.checksum != .crc32c,
                summing: configuration.checksum == .md5)
        } catch {
            throw AWSError(
                .inputOutput, service: "s3", operation: "PutObject", message: "\(error)",
                subject: "\(upload.bucket)/\(upload.key)")
        }
    }

    private func partLength(_ length: Int64) -> Int64 {
        let needed = (length + Self.maximumParts - 1) / Self.maximumParts
        let wanted = max(configuration.partLength, Self.minimumPart, needed)
        return (wanted + 0xF_FFFF) / 0x10_0000 * 0x10_0000
    }
}
