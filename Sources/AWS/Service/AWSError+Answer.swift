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
        let verdict = RetryDecision(error, isSkewed: false, conflictIsFinal: false)
        var retriesHelp = false
        if case .retry = verdict { retriesHelp = true }
        let region =
            response.header("x-amz-bucket-region") ?? XMLText.first("Region", in: response.body)
        self.init(
            AWSError.Category(code: answer.code, status: status, retriesHelp: retriesHelp),
            service: service, operation: operation, code: answer.code, message: answer.message,
            status: status, requestID: answer.requestID, subject: subject,
            hint: ErrorHint.text(
                code: answer.code, message: answer.message, status: status, region: region),
            bucketRegion: region)
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
            subject: subject, hint: ErrorHint.text(error.kind), transport: error.kind)
    }
}
