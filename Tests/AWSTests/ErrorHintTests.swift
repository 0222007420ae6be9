import Testing

@testable import AWS
@testable import Transport

/// What a person is told to do, and the class of the error.
struct ErrorHintTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let code: String
        var status = 400
        var message = "as told"
        var headers: [(String, String)] = []
        let category: AWSError.Category
        let hint: String
        var testDescription: String { code }
    }

    static let cases = [
        Case(
            code: "BrandNewException", category: .protocolBroken,
            hint: "this error is not documented for the service"),
        Case(
            code: "RequestTimeTooSkewed", status: 403, category: .notPermitted,
            hint: "set the clock"),
        Case(
            code: "InvalidSignatureException",
            message: "Signature expired: 20260101T000000Z is now earlier than 20260101T010000Z",
            category: .notPermitted, hint: "set the clock"),
        Case(
            code: "InvalidSignatureException", message: "The request signature does not match",
            category: .notPermitted, hint: "the secret access key is not the one"),
        Case(
            code: "PermanentRedirect", status: 301,
            headers: [("x-amz-bucket-region", "eu-central-1")], category: .configuration,
            hint: "the bucket is in eu-central-1: set AWS_REGION=eu-central-1"),
        Case(
            code: "AuthorizationHeaderMalformed",
            headers: [("x-amz-bucket-region", "x@[::1]?")], category: .configuration,
            hint: "check AWS_REGION"),
        Case(
            code: "NotImplemented", status: 501, category: .protocolBroken,
            hint: "--checksum md5"),
        Case(
            code: "KMSAccessDeniedException", category: .notPermitted,
            hint: "kms:GenerateDataKey"),
        Case(code: "KMSNotFoundException", category: .configuration, hint: "the KMS key"),
        Case(code: "KMSDisabledException", category: .configuration, hint: "the KMS key"),
        Case(code: "KMS.DisabledException", category: .configuration, hint: "the KMS key"),
        Case(
            code: "AccessDenied", status: 403,
            message: "User is not authorized to perform: kms:GenerateDataKey on resource k",
            category: .notPermitted, hint: "the KMS action that the message names"),
        Case(code: "KMSThrottlingException", category: .unavailable, hint: "slower"),
    ]

    @Test(arguments: cases)
    func `an error says what to do, and ends with the class that it is of`(_ sample: Case) throws {
        let body = "<Error><Code>\(sample.code)</Code><Message>\(sample.message)</Message></Error>"
        let error = try #require(
            AWSError(
                HTTPResponse(
                    status: sample.status, headers: sample.headers, body: Array(body.utf8)),
                service: "s3", operation: "PutObject", subject: "bucket/key"))
        #expect(error.category == sample.category, "\(error)")
        #expect(
            sample.hint.isEmpty ? error.hint.isEmpty : error.hint.contains(sample.hint),
            "\(error)")
    }

    @Test func `the secrets of a URL are in no error`() {
        let error = TransportError(
            kind: .connect, url: "http://user:s3cr3t@127.0.0.1:1/x",
            reason: "Unsupported proxy syntax in 'http://me:hush@proxy:3128'")
        #expect(error.description.contains("http://***@127.0.0.1:1/x"))
        #expect(!error.description.contains("s3cr3t") && !error.description.contains("hush"))
        do throws(AWSError) {
            _ = try ServiceLocation(
                "s3", environment: AWS.Environment { _ in nil }, region: "eu-west-1",
                endpoint: "http://user:s3cr3t@minio:9000")
            Issue.record("no error")
        } catch { #expect(!error.description.contains("s3cr3t"), "\(error)") }
    }
}
