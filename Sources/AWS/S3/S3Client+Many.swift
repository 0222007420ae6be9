import Posix
import Transport

extension S3Client {
    /// Reads whole objects, many at a time: a round trip each would be most of the time.
    ///
    /// - Parameters:
    ///   - limit: longest object to take, bytes.
    ///   - etags: of the objects that are meant, none or one for each; see ``get(bucket:key:limit:etag:)``.
    ///   - body: gets each object's place among the keys and its content, in whatever order they come.
    /// - Throws: only when the service was not waited for any longer; what is wrong with one object
    ///   is in its result.
    public mutating func get(
        bucket: String, keys: [String], limit: Int, etags: [String] = [],
        _ body: (Int, Result<[UInt8], AWSError>) -> Void
    ) throws(AWSError) {
        guard let first = keys.first else { return }
        precondition(etags.isEmpty || etags.count == keys.count)
        // One alone: it follows where the bucket is, for all.
        body(
            0,
            result { client throws(AWSError) in
                try client.get(bucket: bucket, key: first, limit: limit, etag: etags.first)
            })
        var next = 1
        var waiting = 0
        defer { service.cancelAll() }
        while next < keys.count || waiting > 0 {
            while next < keys.count, waiting < Self.readsAtOnce {
                var call = try call("GetObject", "GET", bucket, keys[next])
                call.maximumResponse = limit
                call.timeout = S3Client.timeout(Int64(min(limit, 64 << 20)))
                if !etags.isEmpty { call.headers.append(("If-Match", etags[next])) }
                service.submit(call, token: next)
                next += 1
                waiting += 1
            }
            for completion in try service.wait(timeoutMilliseconds: 1000) {
                waiting -= 1
                body(
                    completion.token,
                    completion.result.map { $0.body })
            }
        }
    }

    /// Objects that are read at a time.
    private static let readsAtOnce = 32

    private mutating func result(
        _ call: (inout S3Client) throws(AWSError) -> [UInt8]
    ) -> Result<[UInt8], AWSError> {
        do throws(AWSError) { return .success(try call(&self)) } catch { return .failure(error) }
    }
}
