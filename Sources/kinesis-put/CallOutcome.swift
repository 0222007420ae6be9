import AWS

/// How a `PutRecords` call ended, and what follows from it: the whole table in one place.
enum CallOutcome {
    /// The service answered for each entry.
    case reply(PutRecordsReply)
    /// The answer cannot be read, or is for another number of entries: nothing is known of any.
    case unreadable(bytes: Int)
    /// No good answer came.
    case failure(KinesisFailure)

    /// What is to be done, in this order.
    enum Action: Equatable {
        /// The service works: the circuit stays closed, or closes.
        case recordSuccess
        /// The service fails: enough of these open the circuit.
        case recordFailure
        /// The stream works again.
        case endTrouble
        /// A record went to another shard than expected: read the shard map again.
        case readShards
        /// Entries that were not stored, by place, and whether the shard asked for less; all others
        /// were stored.
        case complete(failed: [Int: Bool])
        /// Send the whole call again. `isUnknown`: it may have been stored anyway.
        case retry(SendScheduler.RetryReason, isUnknown: Bool)
        /// Find the record that the service does not take; give it up when others pass.
        case isolate(mayGiveUp: Bool)
        /// The signature did not fit: count it.
        case recordMismatch
        /// Hold everything until a person has helped, and say so.
        case hold
        /// Remember what went wrong, for the message of a run that gives up.
        case remember(String)
        /// Say it, unless something was said a moment ago.
        case complain(String)
        /// Say that it is sent again; this is no failure of the service's.
        case mention(String)
    }

    /// Decides. Pure: the same arguments give the same actions.
    func decide(records: Int, health: StreamHealth) -> [Action] {
        switch self {
        case .reply(let reply): Self.actions(reply, health)
        case .unreadable(let bytes):
            [
                .complain("unreadable PutRecords response (\(bytes) bytes)"), .recordFailure,
                .remember("unreadable PutRecords response"), .retry(.transient, isUnknown: true),
            ]
        case .failure(let failure) where failure.isMismatch && health.mayBeChanged:
            [
                .recordSuccess, .recordMismatch, .complain("\(failure.error)"),
                .remember("\(failure.error)"), .retry(.transient, isUnknown: false),
            ]
        case .failure(let failure): Self.actions(failure, records, health)
        }
    }

    private static func actions(_ reply: PutRecordsReply, _ health: StreamHealth) -> [Action] {
        var actions: [Action] = [.recordSuccess]
        if health.trouble != nil { actions.append(.endTrouble) }
        if reply.hasStrayed { actions.append(.readShards) }
        var failed: [Int: Bool] = [:]
        for failure in reply.failures { failed[failure.index] = failure.isThrottle }
        // What is not stored for a moment is usual; any other reason is worth a line.
        if let strange = reply.failures.first(where: { !$0.isUsual }) {
            actions.append(.complain("an entry failed: \(strange.words)"))
        }
        if let last = reply.failures.last {
            let words =
                last.isThrottle
                ? "the shard is throttled (\(last.code)): \(last.message)"
                : "entries fail: \(last.words)"
            actions.append(.remember(words))
        }
        actions.append(.complete(failed: failed))
        return actions
    }

    private static func actions(
        _ failure: KinesisFailure, _ records: Int, _ health: StreamHealth
    ) -> [Action] {
        let words = "\(failure.error)"
        let isUnknown = failure.isOutcomeUnknown
        switch failure.remedy {
        case .transient:
            return [
                .recordFailure, .complain(words), .remember(words),
                .retry(.transient, isUnknown: isUnknown),
            ]
        case .throttle:
            return [
                .recordSuccess, .remember("the stream is throttled: \(words)"),
                .retry(.throttle, isUnknown: isUnknown),
            ]
        case .again:
            return [.recordSuccess, .mention(words), .retry(.again, isUnknown: false)]
        case .notReady:
            return [
                .recordSuccess, .complain(words), .remember(words),
                .retry(.notReady, isUnknown: false),
            ]
        case .attention:
            return [.recordSuccess, .hold, .retry(.attention, isUnknown: false)]
        case .badRequest, .tooLarge:
            return [
                .recordSuccess, .complain("\(words); looking for the record in \(records)"),
                .remember(words), .isolate(mayGiveUp: health.mayGiveUp),
            ]
        }
    }
}

extension PutRecordsReply.Failure {
    /// True for the two codes that the service documents for entries, and which pass by themselves.
    fileprivate var isUsual: Bool { isThrottle || code == "InternalFailure" }
}
