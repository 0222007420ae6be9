import Transport

/// What a user can do about a refusal, in a few words; empty when nothing is known.
enum ErrorHint {
    /// About an answer.
    ///
    /// - Parameter region: where the service says that the bucket is.
    static func text(code: String, message: String, status: Int, region: String?) -> String {
        switch code {
        case "NoSuchBucket": return "create the bucket, or check its name and the endpoint"
        case "ResourceNotFoundException":
            return "create the stream, or check its name, the region and the endpoint"
        case "RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture": return clock
        case "SignatureDoesNotMatch", "InvalidSignatureException", "AuthFailure":
            // Kinesis: "Signature expired: … is now earlier than …", "Signature not yet current".
            let isClock = ["expired", "not yet current"].contains { message.contains($0) }
            return isClock ? clock : "the secret access key is not the one of this key id"
        case "InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException":
            return "the endpoint does not know this key id"
        case "ExpiredToken", "ExpiredTokenException": return "renew the temporary credentials"
        case "AuthorizationHeaderMalformed", "IllegalLocationConstraintException",
            "PermanentRedirect", "TemporaryRedirect":
            return region.flatMap { StreamReference.isWord($0) ? $0 : nil }
                .map { "the bucket is in \($0): set AWS_REGION=\($0)" } ?? "check AWS_REGION"
        case "KMSAccessDeniedException", "KMS.AccessDeniedException":
            return "allow kms:GenerateDataKey (and kms:Decrypt) on the KMS key of the stream or "
                + "bucket"
        case "KMSNotFoundException", "KMS.NotFoundException", "KMSDisabledException",
            "KMS.DisabledException", "KMSInvalidStateException", "KMS.InvalidStateException",
            "KMS.KMSInvalidStateException":
            return "enable or restore the KMS key of the stream or bucket, or encrypt it with "
                + "another one"
        case "KMSOptInRequired": return "the account has no subscription to KMS"
        case "AccessDenied", "AccessDeniedException", "HTTP403":
            return message.contains("kms:")
                ? "allow the KMS action that the message names, on the KMS key"
                : "check the policy of the user or role, and of the resource"
        default:
            return status == 501
                ? "the store does not know a header of this request, a checksum or If-None-Match: try "
                    + "--checksum md5, or --conditional-writes head" : ""
        }
    }

    private static let clock = "set the clock of this host (it should follow an NTP server)"

    /// About an exchange without an answer.
    static func text(_ kind: TransportError.Kind) -> String {
        switch kind {
        case .resolve: "check the endpoint's name, the region and DNS"
        case .connect: "is the endpoint up, and does HTTPS_PROXY or NO_PROXY have to be set?"
        case .tls: "AWS_CA_BUNDLE names a file of certificate authorities"
        case .timeout, .tooLarge, .broken, .badRequest, .unreadable, .libcurl: ""
        }
    }
}
