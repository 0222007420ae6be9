import Encoding
import Posix
public import Transport

/// Amazon S3, or a store that speaks its interface. One thread; the parts of an
/// object are sent side by side.
///
/// Source: Amazon S3 API Reference, 2006-03-01.
public struct S3Client: ~Copyable {
    var service: ServiceClient
    let configuration: S3Configuration
    private var route: S3Route

    /// A client without connections.
    ///
    /// - Throws: when the endpoint is no URL, or MD5 is asked for and the library has none.
    public init(
        _ configuration: S3Configuration, credentials: CredentialsProvider
    ) throws(AWSError) {
        let endpoint = try S3Client.endpoint(configuration.endpoint)
        if configuration.checksum == .md5, !HashKey.isComputable {
            throw AWSError(
                .configuration, service: "s3", operation: "start",
                message: "OpenSSL refuses MD5 here, as in FIPS mode; choose another checksum")
        }
        let service = try ServiceClient(
            service: "s3", region: configuration.region, credentials: credentials,
            policy: configuration.policy, authorities: configuration.authorities,
            connections: max(2, configuration.parallelParts))
        route = S3Route(configuration, endpoint: endpoint)
        self.configuration = configuration
        self.service = service
    }

    private static func endpoint(_ text: String?) throws(AWSError) -> Endpoint? {
        guard let text else { return nil }
        if let endpoint = Endpoint(text) { return endpoint }
        throw AWSError(
            .configuration, service: "s3", operation: "start",
            message: "the endpoint \(text.withoutUserInfo) is not "
                + "http[s]://host[:port][/prefix]; user names and passwords are not part of it")
    }

    /// Whether calls pass, now.
    public var circuit: CircuitBreaker.State { service.circuit }

    /// Retries that may still be spent, in tokens of 500.
    public var retryTokens: Int { service.retryTokens }

    // MARK: - Calls

    /// Asks for an object's headers.
    ///
    /// - Returns: nil when there is no such object.
    public mutating func head(bucket: String, key: String) throws(AWSError) -> ObjectFacts? {
        var call = try call("HeadObject", "HEAD", bucket, key)
        if configuration.checksum == .crc32c {
            call.headers.append(("x-amz-checksum-mode", "ENABLED"))
        }
        do throws(AWSError) {
            return ObjectFacts(try send(call, bucket: bucket, key: key))
        } catch {
            if error.status == 404 { return nil }
            throw error
        }
    }

    /// Reads a whole object.
    ///
    /// - Parameters:
    ///   - limit: longest object to take, bytes.
    ///   - etag: of the object that is meant; with another one the call fails with status 412.
    public mutating func get(
        bucket: String, key: String, limit: Int, etag: String? = nil
    ) throws(AWSError) -> [UInt8] {
        var call = try call("GetObject", "GET", bucket, key)
        call.maximumResponse = limit
        call.timeout = S3Client.timeout(Int64(limit))
        if let etag { call.headers.append(("If-Match", etag)) }
        return try send(call, bucket: bucket, key: key).body
    }

    /// Removes an object; one that is gone already is fine. In a bucket with versions the older ones
    /// stay.
    public mutating func delete(bucket: String, key: String) throws(AWSError) {
        do throws(AWSError) {
            _ = try send(
                try call("DeleteObject", "DELETE", bucket, key), bucket: bucket, key: key)
        } catch {
            if error.status != 404 || error.code == "NoSuchBucket" { throw error }
        }
    }

    /// Asks whether the bucket is there and may be used.
    public mutating func checkBucket(_ bucket: String) throws(AWSError) {
        _ = try send(try call("HeadBucket", "HEAD", bucket, nil), bucket: bucket, key: nil)
    }

    /// Sends; a bucket in another region or at another host is followed there, and the request is
    /// signed again.
    mutating func send(_ call: ServiceCall, bucket: String, key: String?) throws(AWSError)
        -> HTTPResponse
    {
        var call = call
        var followed = 0
        while true {
            do throws(AWSError) {
                return try service.send(call)
            } catch {
                guard followed < S3Route.longestChain, follow(error, bucket) else { throw error }
                followed += 1
                let target = route.target(of: bucket, key)
                call.endpoint = target.endpoint
                call.authority = target.authority
                call.path = target.path
            }
        }
    }

    /// Takes over where a refusal says that a bucket is.
    ///
    /// - Returns: false when it says nothing, nothing new, or what must not be followed.
    mutating func follow(_ error: AWSError, _ bucket: String) -> Bool {
        guard route.follow(error, bucket) else { return false }
        service.region = route.region
        return true
    }

    // MARK: - Forms

    /// A call on a bucket or an object, at the endpoint and in the style that are set.
    func call(
        _ operation: String, _ method: String, _ bucket: String, _ key: String?
    ) throws(AWSError) -> ServiceCall {
        let subject = key.map { "\(bucket)/\($0)" } ?? bucket
        func refusal(_ message: String) -> AWSError {
            AWSError(
                .configuration, service: "s3", operation: operation, message: message,
                subject: subject)
        }
        if let reason = Self.refusal(ofBucket: bucket) { throw refusal(reason) }
        if let key {
            // 1024 bytes: S3 User Guide, "Naming Amazon S3 objects".
            guard (1...1024).contains(key.utf8.count) else {
                throw refusal("an object key has 1 to 1024 bytes")
            }
        }
        let target = route.target(of: bucket, key)
        var call = ServiceCall(
            operation: operation, subject: subject, method: method, endpoint: target.endpoint,
            authority: target.authority, path: target.path)
        call.isSigned = !configuration.isAnonymous
        if let owner = configuration.expectedBucketOwner {
            call.headers.append(("x-amz-expected-bucket-owner", owner))
        }
        return call
    }

    /// Time for a body, seconds: half a minute, and 100 kB/s at the least.
    static func timeout(_ length: Int64) -> Double { 30 + Double(length) / 100_000 }
}
