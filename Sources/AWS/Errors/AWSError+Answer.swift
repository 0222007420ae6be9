import Encoding
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
        let isPage = isGood && operation != "GetObject" && Self.isWebPage(response)
        if isGood && !mayHideError && !isPage { return nil }
        let answer = ErrorAnswer(response)
        if isGood && !answer.hasCode && !isPage { return nil }
        let code = isPage ? "HTMLPage" : answer.code
        let message = isPage ? "a web page instead of an answer" : answer.message
        let status =
            !isGood || isPage
            ? response.status : answer.code == "PreconditionFailed" ? 412 : 500
        let error = AWSError(
            .unavailable, service: service, operation: operation, code: code,
            message: message, status: status)
        let verdict = RetryDecision(error, isSkewed: false, conflictIsFinal: false)
        var retriesHelp = false
        if case .retry = verdict { retriesHelp = true }
        let region =
            response.header("x-amz-bucket-region") ?? XMLText.first("Region", in: response.body)
        self.init(
            AWSError.Category(
                code: code, service: service, status: status, retriesHelp: retriesHelp),
            service: service, operation: operation, code: code, message: message,
            status: status, requestID: answer.requestID, subject: subject,
            hint: ErrorHint.text(
                code: code, service: service, message: message, status: status, region: region),
            bucketRegion: region,
            location: response.header("location")
                ?? XMLText.first("Endpoint", in: response.body).map { "https://\($0)/" })
    }

    /// True for a page that a sign-in portal or a firewall shows in the place of the service: taken
    /// for an answer, it would count as a success.
    private static func isWebPage(_ response: HTTPResponse) -> Bool {
        let type = response.header("content-type")?.lowercased() ?? ""
        guard !type.hasPrefix("text/html"), !type.hasPrefix("application/xhtml") else {
            return !response.body.isEmpty
        }
        let start = response.body.drop { [0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF].contains($0) }
            .prefix(14)
        let text = String(decoding: start, as: UTF8.self).lowercased()
        return text.hasPrefix("<!doctype html") || text.hasPrefix("<html")
    }

    /// An exchange that got no whole response.
    init(_ error: TransportError, service: String, operation: String, subject: String) {
        let category: Category =
            switch error.kind {
            case .tls, .badRequest: .configuration
            case .proxy: .notPermitted
            case .unreadable: .inputOutput
            case .tooLarge: .protocolBroken
            case .resolve, .connect, .timeout, .broken, .libcurl: .unavailable
            }
        self.init(
            category, service: service, operation: operation, message: "\(error)",
            subject: subject, hint: ErrorHint.text(error.kind), transport: error.kind)
    }
}
