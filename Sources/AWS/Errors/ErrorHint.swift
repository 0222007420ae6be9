import Transport

/// What a user can do about a refusal, in a few words; empty when nothing is known.
enum ErrorHint {
    /// About an answer: as ``ErrorTable`` says, or better where the answer itself says more.
    ///
    /// - Parameter region: where the service says that the bucket is.
    static func text(
        code: String, service: String, message: String, status: Int, region: String?
    ) -> String {
        let known = ErrorTable.row(code, of: service)
        let row = known ?? ErrorTable.row("HTTP\(status)", of: service)
        switch row?.handling {
        case .signature:
            // Kinesis: "Signature expired: … is now earlier than …", "Signature not yet current".
            let isClock = ["expired", "not yet current"].contains { message.contains($0) }
            if isClock { return ErrorTable.clock }
        case .redirect:
            if let region, StreamReference.isWord(region) {
                return "the bucket is in \(region): set AWS_REGION=\(region)"
            }
        case .final where row?.category == .notPermitted && message.contains("kms:"):
            return "allow the KMS action that the message names, on the KMS key"
        default: break
        }
        let hint = row?.hint ?? ""
        // Such a row is about an answer that says no more than its status.
        guard known == nil, !code.hasPrefix("HTTP"), hint.hasPrefix(ErrorTable.noCode) else {
            return hint
        }
        return "this error is not documented for the service"
            + hint.dropFirst(ErrorTable.noCode.count)
    }

    /// About an exchange without an answer.
    static func text(_ kind: TransportError.Kind) -> String {
        switch kind {
        case .resolve: "check the endpoint's name, the region and DNS"
        case .connect: "is the endpoint up, and does HTTPS_PROXY or NO_PROXY have to be set?"
        case .tls: "AWS_CA_BUNDLE names a file of certificate authorities"
        case .proxy: "check HTTPS_PROXY and NO_PROXY"
        case .timeout, .tooLarge, .broken, .badRequest, .unreadable, .libcurl: ""
        }
    }
}
