import Transport

/// What to do about an answer or its absence.
enum RetryDecision: Equatable {
    /// Send again after a pause.
    case retry(RetryQuota.Reason)
    /// Correct the clock's offset, then send again at once, one time.
    case correctClock
    /// Renew the credentials, then send again at once, one time.
    case renewCredentials
    /// Give up.
    case final

    /// Judges a failed call by ``ErrorTable``, and by the status where the code is not in it.
    ///
    /// - Parameter isSkewed: the service's clock and ours are far apart.
    init(_ error: AWSError, isSkewed: Bool, conflictIsFinal: Bool) {
        if let kind = error.transport {
            let isRetryable: Bool =
                switch kind {
                case .resolve, .connect, .timeout, .broken: true
                case .tls, .tooLarge, .badRequest, .unreadable, .libcurl, .proxy: false
                }
            self = isRetryable ? .retry(.transient) : .final
            return
        }
        let handling = ErrorTable.row(error.code, of: error.service)?.handling
        if handling == .clock || isSkewed && (error.status == 403 || handling == .signature) {
            self = .correctClock
        } else if handling == .credentials
            || error.operation.hasPrefix("Head") && [400, 403].contains(error.status)
        {
            // An answer to HEAD has no body, and so no code.
            self = .renewCredentials
        } else if handling == .throttle || error.status == 429 {
            self = .retry(.throttle)
        } else if handling == .conflict {
            self = conflictIsFinal ? .final : .retry(.transient)
        } else if handling == .transient || [500, 502, 503, 504].contains(error.status) {
            self = .retry(.transient)
        } else {
            self = .final
        }
    }
}

extension AWSError.Category {
    /// What an answer with an error means to the caller: as ``ErrorTable`` says, and by the status
    /// where the code is not in it.
    init(code: String, service: String, status: Int, retriesHelp: Bool) {
        if let row = ErrorTable.row(code, of: service) {
            self = row.category
        } else if (300..<400).contains(status) {
            self = .configuration
        } else if [401, 403, 407, 451, 511].contains(status) {
            self = .notPermitted
        } else if retriesHelp || status >= 500 && status != 501 {
            self = .unavailable
        } else {
            self = .protocolBroken
        }
    }
}
