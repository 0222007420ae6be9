import Testing

@testable import AWS

/// Which host a bucket is asked at, without a server.
struct S3EndpointTests {
    @Test(
        arguments: [
            ("s3.example.org", nil), ("http://", nil), ("http://h:0", nil), ("http://u@h", nil),
            ("http://h:70000", nil), ("http://h?x", nil),
            ("https://H:443/", "h"), ("http://[::1]:9/p/", "[::1]:9"), ("http://h:80", "h"),
        ] as [(String, String?)])
    func `endpoints are read`(_ text: String, _ authority: String?) {
        #expect(Endpoint(text)?.authority() == authority)
    }

    @Test(arguments: [
        ("bucket", "bucket.s3.eu-west-1.amazonaws.com", "/k"),
        ("my.bucket", "s3.eu-west-1.amazonaws.com", "/my.bucket/k"),
        ("Old_Name", "s3.eu-west-1.amazonaws.com", "/Old_Name/k"),
    ])
    func `AWS's own buckets are host names where TLS allows`(
        _ bucket: String, _ authority: String, _ path: String
    ) throws {
        let client = try S3Client(
            S3Configuration(region: "eu-west-1"),
            credentials: CredentialsProvider(Credentials(accessKeyID: "A", secretAccessKey: "S")))
        let call = try client.call("PutObject", "PUT", bucket, "k")
        #expect(call.authority == authority && call.path == path)
    }

    @Test(arguments: ["", "a/b", "a?b", "..", "é"]) func `no bucket name`(_ bucket: String) throws {
        let client = try S3Client(
            S3Configuration(region: "eu-west-1"),
            credentials: CredentialsProvider(Credentials(accessKeyID: "A", secretAccessKey: "S")))
        #expect(throws: AWSError.self) { try client.call("PutObject", "PUT", bucket, "k") }
    }
}
