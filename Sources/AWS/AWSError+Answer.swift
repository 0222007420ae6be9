import Transport

extension AWSError {
    /// The error that a response holds; nil for a good one.
    ///
    /// - Parameter mayHideError: the service may say 200 and put an error into the body.
    init?(
        _ response: HTTPResponse, service: String, operation: String, subject: String,
        mayHideError: Bool = false
    ) {
        let isGood = (200..<300).contains(response.status)
        if isGood && !mayHideError { return nil }
        let answer = ErrorAnswer(response)
        if isGood && !answer.hasCode { return nil }
        let status = !isGood ? response.status : answer.code == "PreconditionFailed" ? 412 : 500
        let error = AWSError(
            .unavailable, service: service, operation: operation, code: answer.code,
            message: answer.message, status: status)
        let verdict = Verdict(error, isSkewed: false, conflictIsFinal: false)
        var retriesHelp = false
        if case .retry = verdict { retriesHelp = true }
        self.init(
            AWSError.Category(code: answer.code, status: status, retriesHelp: retriesHelp),
            service: service, operation: operation, code: answer.code, message: answer.message,
            status: status, requestID: answer.requestID, subject: subject,
            hint: AWSError.hint(answer.code),
            bucketRegion: response.header("x-amz-bucket-region")
                ?? XMLText.first("Region", in: response.body))
    }

    /// An exchange that got no whole response.
    init(_ error: TransportError, service: String, operation: String, subject: String) {
        let category: Category =
            switch error.kind {
            case .tls, .badRequest: .configuration
            case .unreadable: .inputOutput
            case .tooLarge: .protocolBroken
            case .resolve, .connect, .timeout, .broken, .libcurl: .unavailable
            }
        self.init(
            category, service: service, operation: operation, message: "\(error)",
            subject: subject, transport: error.kind)
    }

    private static func hint(_ code: String) -> String {
        switch code {
        case "NoSuchBucket": "create the bucket, or check its name and the endpoint"
        case "ResourceNotFoundException":
            "create the stream, or check its name, the region and the endpoint"
        case "SignatureDoesNotMatch", "InvalidSignatureException":
            "the secret access key is not the one of this key id"
        case "InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException":
            "the endpoint does not know this key id"
        case "AccessDenied", "AccessDeniedException", "HTTP403":
            "check the policy of the user or role, and of the resource"
        case "ExpiredToken", "ExpiredTokenException": "renew the temporary credentials"
        case "AuthorizationHeaderMalformed", "PermanentRedirect": "check AWS_REGION"
        default: ""
        }
    }
}
