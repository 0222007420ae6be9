import Transport

/// What S3 says of an object.
public struct ObjectFacts: Sendable, Equatable {
    /// Bytes.
    public let length: Int64
    /// With its quotes; opaque.
    public let etag: String
    /// Base64 CRC-32C of the whole object, if S3 knows it.
    public let crc32c: String?
    /// User metadata, names in lower case without `x-amz-meta-`.
    public let metadata: [String: String]

    init(_ response: HTTPResponse) {
        length = response.header("content-length").flatMap { Int64($0) } ?? -1
        etag = response.header("etag") ?? ""
        // Of an object made of parts, the checksum may be one of the parts' checksums; a store that
        // does not say which kind it is is not believed.
        let isOfParts = etag.contains("-")
        let isWhole =
            response.header("x-amz-checksum-type").map { $0 == "FULL_OBJECT" } ?? !isOfParts
        let checksum = response.header("x-amz-checksum-crc32c")
        crc32c = isWhole && checksum?.contains("-") == false ? checksum : nil
        var metadata: [String: String] = [:]
        for (name, value) in response.headers where name.lowercased().hasPrefix("x-amz-meta-") {
            metadata[String(name.lowercased().dropFirst(11))] = value
        }
        self.metadata = metadata
    }
}
