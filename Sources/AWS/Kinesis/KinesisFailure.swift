import Transport

/// A request to Kinesis that got no good answer, and what to do about it.
public struct KinesisFailure: Error, Sendable, Equatable {
    /// What to do.
    public enum Remedy: Sendable, Equatable {
        /// Send again at once: the credentials were renewed or the clock was set.
        case again
        /// Send again later, and less.
        case throttle
        /// Send again later.
        case transient
        /// The stream is being made or changed: send again in a while.
        case notReady
        /// Nothing helps but a person: hold the data and ask from time to time.
        case attention
        /// One of the records is not taken: never as it is; parts of the batch may pass.
        case badRequest
        /// Something on the way takes less at once.
        case tooLarge
    }

    /// What happened.
    public let error: AWSError
    /// What to do.
    public let remedy: Remedy
    /// True when the request may have done its work anyway.
    public let isOutcomeUnknown: Bool

    /// True when the service found other bytes than those that were signed: they may have changed on the
    /// way, or the secret is wrong.
    public var isMismatch: Bool {
        ["InvalidSignatureException", "SignatureDoesNotMatch"].contains(error.code)
    }

    /// The classes of Kinesis's errors; what is not here follows the rules of all services.
    ///
    /// Source: Amazon Kinesis Data Streams API Reference, "PutRecords", "Errors".
    init(_ error: AWSError) {
        self.error = error
        if let kind = error.transport {
            switch kind {
            case .timeout, .broken: (remedy, isOutcomeUnknown) = (.transient, true)
            case .resolve, .connect: (remedy, isOutcomeUnknown) = (.transient, false)
            case .tooLarge, .libcurl: (remedy, isOutcomeUnknown) = (.transient, true)
            case .tls, .proxy, .badRequest, .unreadable:
                (remedy, isOutcomeUnknown) = (.attention, false)
            }
            return
        }
        isOutcomeUnknown = error.status >= 500
        switch error.code {
        case "ResourceInUseException": remedy = .notReady
        case "InvalidArgumentException", "ValidationException", "SerializationException":
            remedy = .badRequest
        case _ where error.status == 413 || error.code == "RequestEntityTooLarge":
            remedy = .tooLarge
        default:
            switch RetryDecision(error, isSkewed: false, conflictIsFinal: false) {
            case .retry(.throttle): remedy = .throttle
            case .retry(.transient): remedy = .transient
            case .correctClock, .renewCredentials, .final:
                // A proxy's or a broken server's status says nothing of the request.
                remedy = error.status >= 500 || error.status == 408 ? .transient : .attention
            }
        }
    }

    init(_ error: AWSError, remedy: Remedy) {
        self.error = error
        self.remedy = remedy
        isOutcomeUnknown = false
    }
}
