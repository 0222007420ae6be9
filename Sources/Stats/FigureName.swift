/// The names of figures that stages write and healthd knows, in one place for both. Figures that
/// healthd only passes on are named where they are written.
public enum FigureName {
    // MARK: - What comes and goes

    /// Counter: records taken in.
    public static let recordsIn = "records_in"
    /// Counter: bytes taken in.
    public static let bytesIn = "bytes_in"
    /// Counter: records passed on, or confirmed by the service.
    public static let recordsOut = "records_out"
    /// Counter: bytes passed on, or confirmed by the service.
    public static let bytesOut = "bytes_out"
    /// Counter: records taken again from the spool of an earlier run.
    public static let recordsRecovered = "records_recovered"
    /// Gauge: records taken in, neither passed on nor confirmed.
    public static let recordsWaiting = "records_waiting"
    /// Counter, by symbol and stream: records of a source.
    public static let streamRecords = "stream_records"
    /// Counter, by stream: records that Kinesis has confirmed.
    public static let streamRecordsOut = "stream_records_out"
    /// Counter: objects delivered.
    public static let objectsOut = "objects_out"
    /// Counter: gap records made.
    public static let gapRecordsOut = "gap_records_out"
    /// Counter: messages of a stream.
    public static let messages = "messages"
    /// Counter: calls of a service.
    public static let requests = "requests"

    // MARK: - What is left out

    /// Counter: records that came before.
    public static let duplicates = "duplicates"
    /// Counter: records that were not asked for.
    public static let filtered = "filtered"
    /// Counter: records that the ledger holds.
    public static let recordsRefused = "records_refused"
    /// Counter, by reason: records put aside.
    public static let recordsQuarantined = "records_quarantined"

    // MARK: - Times

    /// Gauge: when the last record came, ns since the epoch.
    public static let lastRecordTime = "last_record_time_ns"
    /// Gauge: when the oldest record that is not delivered was taken in, ns since the epoch.
    public static let oldestWaitingTime = "oldest_waiting_time_ns"
    /// Gauge: since when the oldest finished object waits, ns since the epoch.
    public static let oldestDueTime = "oldest_due_time_ns"
    /// Histogram: from the venue's time to receipt.
    public static let eventDelay = "event_delay"
    /// Histogram: from receipt to standard output.
    public static let outputDelay = "output_delay"
    /// Histogram: from receipt to the service's confirmation.
    public static let acknowledgementDelay = "ack_delay"
    /// Histogram, by operation: calls of a service.
    public static let requestDuration = "request_duration"

    // MARK: - Trouble

    /// Counter: messages that cannot be decoded.
    public static let decodeErrors = "decode_errors"
    /// Gauge: connections that are open.
    public static let connectionsOpen = "connections_open"
    /// Gauge: 0 closed, 1 half-open, 2 open.
    public static let breakerState = "breaker_state"
    /// Counter: answers of the venue that asked for fewer requests.
    public static let rateLimited = "rate_limited"
    /// Counter, by stream: calls in which a shard asked for less.
    public static let throttles = "throttles"
    /// Counter: entries of calls that were not stored.
    public static let failedEntries = "failed_entries"
    /// Counter: requests of the venue sent again.
    public static let requestRetries = "request_retries"
    /// Counter: requests of a service sent again.
    public static let retries = "retries"
    /// Counter: calls sent again after a failure.
    public static let retriesTransient = "retries_transient"
    /// Counter: calls sent again once a person has helped.
    public static let retriesHeld = "retries_held"
    /// Counter, by cause: connections lost or refused.
    public static let reconnects = "reconnects"
    /// Counter: snapshots that could not be fetched.
    public static let snapshotFailures = "snapshot_failures"
    /// Counter: bytes that a crash left half written.
    public static let tornBytes = "torn_bytes"

    /// Gauge: 1 while dedup cannot ask what other hosts passed on.
    public static let claimsUnavailable = "shared_claims_unavailable"

    // MARK: - Room

    /// Gauge: bytes that wait on disk.
    public static let spoolBytes = "spool_bytes"
    /// Gauge: most bytes that may wait on disk.
    public static let spoolMaximum = "spool_max_bytes"
    /// Gauge: bytes that wait for the reader, in memory.
    public static let bufferBytes = "buffer_bytes"
    /// Gauge: bytes free on the disk of the state.
    public static let diskFree = "disk_free_bytes"
    /// Gauge: size of that disk.
    public static let diskSize = "disk_size_bytes"
    /// Gauge: bytes kept for a full disk; 0 once they had to be given up.
    public static let diskReserve = "disk_reserve_bytes"
    /// Gauge: objects put aside because the destination has others of their names.
    public static let objectsConflicting = "objects_conflicting"

    /// Gauge: since when an output of fan-out waits, ns since the epoch; 0: it has everything; label output.
    public static let outputBehind = "output_behind_since_ns"

    // MARK: - Holes

    /// Gauge: ranges of ids that dedup has not seen.
    public static let holesOpen = "holes_open"
    /// What the names of the following begin with; labels symbol, kind, and series where there is
    /// one.
    public static let ledger = "ledger_"
    /// Gauge: first id held.
    public static let ledgerFirst = "ledger_first_id"
    /// Gauge: last id held.
    public static let ledgerLast = "ledger_last_id"
    /// Gauge: ids held.
    public static let ledgerHeld = "ledger_held_ids"
    /// Gauge: ids that will not come, as declared.
    public static let ledgerDeclared = "ledger_declared_ids"
    /// Gauge: ids missing between those held.
    public static let ledgerMissing = "ledger_missing_ids"
    /// Counter: ids of holes that were filled.
    public static let ledgerRepaired = "ledger_repaired_ids"
    /// Gauge: ranges of ids missing.
    public static let ledgerHoles = "ledger_holes_open"
    /// Gauge: since when the oldest hole is known, ns since the epoch; 0 for none.
    public static let ledgerOldestHole = "ledger_oldest_hole_time_ns"
    /// Gauge: first id of that hole.
    public static let ledgerHoleFirst = "ledger_hole_first_id"
    /// Gauge: last id of that hole.
    public static let ledgerHoleLast = "ledger_hole_last_id"

    /// Every name of this list but the prefix ``ledger``, and those that only some sinks write.
    public static let all: Set<String> = [
        recordsIn, bytesIn, recordsOut, bytesOut, recordsRecovered, recordsWaiting, streamRecords,
        streamRecordsOut, objectsOut, gapRecordsOut, messages, requests, duplicates, filtered,
        recordsRefused, recordsQuarantined, lastRecordTime, oldestWaitingTime, oldestDueTime,
        eventDelay, outputDelay, acknowledgementDelay, requestDuration, decodeErrors,
        connectionsOpen, breakerState, rateLimited, throttles, failedEntries, requestRetries,
        retries, retriesTransient, retriesHeld, reconnects, snapshotFailures, tornBytes, spoolBytes,
        spoolMaximum, bufferBytes, diskFree, diskSize, holesOpen, ledgerFirst, ledgerLast,
        ledgerHeld, ledgerDeclared, ledgerMissing, ledgerRepaired, ledgerHoles, ledgerOldestHole,
        ledgerHoleFirst, ledgerHoleLast, claimsUnavailable, outputBehind,
    ]
}
