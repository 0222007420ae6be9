import Encoding
import Posix
import Transport

extension S3Client {
    /// One object of a listing.
    public struct ListedObject: Sendable, Equatable {
        /// The whole key.
        public let key: String
        /// Bytes.
        public let length: Int64
        /// With its quotes; opaque.
        public let etag: String
        /// When it was stored, seconds since the epoch; nil when the store does not say.
        public let modified: Int64?
    }

    /// The most objects that one listing gives: a store that never ends is not believed.
    private static let maximumListed = 20_000_000

    /// Every object whose key begins with a prefix, in the order of the keys, page after page.
    ///
    /// - Throws: also when a page leads back to itself, or is not what ListObjectsV2 answers.
    public mutating func objects(
        bucket: String, prefix: String
    ) throws(AWSError) -> [ListedObject] {
        var objects: [ListedObject] = []
        var token: String?
        while true {
            var call = try call("ListObjectsV2", "GET", bucket, nil)
            // Keys are percent-encoded, since XML cannot hold every byte of one.
            call.query = [("list-type", "2"), ("prefix", prefix), ("encoding-type", "url")]
            if let token { call.query.append(("continuation-token", token)) }
            call.maximumResponse = 16 << 20
            let answer = try send(call, bucket: bucket, key: nil).body
            guard Self.isListing(answer) else {
                throw malformed(call, "the answer is not a listing of a bucket")
            }
            let isEncoded = XMLText.first("EncodingType", in: answer) == "url"
            for element in XMLText.elements("Contents", in: answer) {
                objects.append(try Self.object(element, isEncoded, call, self))
            }
            guard objects.count <= Self.maximumListed else {
                throw malformed(call, "more than \(Self.maximumListed) objects")
            }
            guard XMLText.first("IsTruncated", in: answer) == "true" else { return objects }
            let next = XMLText.first("NextContinuationToken", in: answer)
            guard let next, !next.isEmpty, next != token else {
                throw malformed(call, "a page that says it is not the last and leads nowhere")
            }
            token = next
        }
    }

    /// The element carries a namespace, so that its start tag is not just its name. One without an
    /// end was cut, and would pass for a shorter listing.
    private static func isListing(_ answer: [UInt8]) -> Bool {
        String(decoding: answer.prefix(512), as: UTF8.self).contains("<ListBucketResult")
            && String(decoding: answer.suffix(512), as: UTF8.self).contains("</ListBucketResult")
    }

    private static func object(
        _ element: [UInt8], _ isEncoded: Bool, _ call: ServiceCall, _ client: borrowing S3Client
    ) throws(AWSError) -> ListedObject {
        guard let text = XMLText.first("Key", in: element),
            let length = XMLText.first("Size", in: element).flatMap({ Int64($0) }), length >= 0,
            let key = isEncoded ? text.percentDecoded : text
        else { throw client.malformed(call, "an object without Key or Size") }
        return ListedObject(
            key: key, length: length, etag: XMLText.first("ETag", in: element) ?? "",
            modified: XMLText.first("LastModified", in: element)
                .flatMap(Timestamp.seconds(rfc3339:)))
    }

    /// Reads a part of an object.
    ///
    /// - Parameters:
    ///   - offset: of the first byte, below the object's length.
    ///   - count: bytes to read; fewer come at the object's end.
    ///   - etag: of the object that is meant; with another one the call fails with status 412.
    public mutating func read(
        bucket: String, key: String, at offset: Int64, count: Int, etag: String? = nil
    ) throws(AWSError) -> [UInt8] {
        guard count > 0 else { return [] }
        var call = try call("GetObject", "GET", bucket, key)
        call.headers.append(("Range", "bytes=\(offset)-\(offset + Int64(count) - 1)"))
        if let etag { call.headers.append(("If-Match", etag)) }
        call.maximumResponse = count
        call.timeout = S3Client.timeout(Int64(count))
        call.stallTimeout = configuration.stallTimeout
        let response = try send(call, bucket: bucket, key: key)
        guard response.status == 206 else {
            throw malformed(call, "the store does not read parts of objects")
        }
        return response.body
    }
}
