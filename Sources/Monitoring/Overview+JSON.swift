import Encoding

extension Overview {
    /// The whole overview.
    public var json: JSONValue {
        .object([
            ("timestamp", .string(Timestamp.milliseconds(nanoseconds: time))),
            ("service", .string(service)),
            ("status", .string(isHealthy ? "healthy" : "unhealthy")),
            ("uptime_seconds", .number(time.seconds(since: startTime))),
            ("stages_unseen", .integer(Int64(unseen))),
            ("stages", .array(stages.map { $0.json(at: time) })),
            ("links", .array(links.map(\.json))),
            ("problems", .array(problems.map(\.json))),
        ])
    }
}

extension Problem {
    /// Code, stage, message and since when.
    public var json: JSONValue {
        .object([
            ("code", .string(code.rawValue)), ("stage", .optional(stage)),
            ("message", .string(message)),
            ("since", .string(Timestamp.milliseconds(nanoseconds: since))),
            ("unhealthy", .bool(isUnhealthy)),
        ])
    }
}

extension Link {
    /// As answers have it.
    public var json: JSONValue {
        .object([
            ("from", .string(from)), ("to", .string(to)),
            ("bytes_between", .optional(bytesBetween)),
            ("records_per_second", .number(recordsPerSecond)),
        ])
    }
}

extension StageView {
    /// All of it.
    func json(at time: Int64) -> JSONValue {
        .object([
            ("id", .string(id)), ("stage", .string(stage)), ("instance", .string(instance)),
            ("visitor", .bool(isVisitor)),
            ("pipeline", .string(pipeline)), ("version", .string(version)),
            ("pid", .integer(Int64(pid))), ("state", .string(state)),
            ("state_since", .string(Timestamp.milliseconds(nanoseconds: stateSince))),
            ("status", .string(isHealthy ? "healthy" : "unhealthy")),
            ("uptime_seconds", .number(isRunning ? time.seconds(since: startTime) : 0)),
            ("heartbeat_age_seconds", .number(heartbeatAge)),
            ("waits_for", .string(waitsFor)),
            ("last_error", .optional(lastError?.text)),
            (
                "last_error_time",
                .optional(lastError.map { Timestamp.milliseconds(nanoseconds: $0.time) })
            ),
            (
                "rates",
                .object([
                    ("records_in", .number(rates.recordsIn)),
                    ("records_out", .number(rates.recordsOut)),
                    ("bytes_in", .number(rates.bytesIn)), ("bytes_out", .number(rates.bytesOut)),
                ])
            ),
            (
                "figures",
                .object(figures.sorted { $0.key < $1.key }.map { ($0.key, .integer($0.value)) })
            ),
            ("delays", .array(delays.map(\.json))),
            ("coverage", .array(coverage.map { $0.json(at: time) })),
            ("residue", .optional(residue)),
            ("problems", .array(problems.map { .string($0.rawValue) })),
        ])
    }
}

extension Delay {
    /// As answers have it.
    public var json: JSONValue {
        .object([
            ("name", .string(name)), ("count", .integer(Int64(clamping: count))),
            ("p50_ms", .number(median * 1000)), ("p99_ms", .number(high * 1000)),
        ])
    }
}

extension SequenceCoverage {
    func json(at time: Int64) -> JSONValue {
        .object([
            ("sequence", .string(sequence)), ("symbol", .string(symbol)), ("kind", .string(kind)),
            ("series", .string(series)), ("first_id", .integer(first)),
            ("last_id", .integer(last)), ("held_ids", .integer(held)),
            ("declared_ids", .integer(declared)), ("missing_ids", .integer(missing)),
            ("repaired_ids", .integer(repaired)),
            ("missing_per_million", .number(perMillion(missing))),
            ("repaired_per_million", .number(perMillion(repaired))),
            ("declared_per_million", .number(perMillion(declared))),
            ("holes_open", .integer(holes)),
            (
                "oldest_hole_seconds",
                oldestHole == 0 ? .null : .number(time.seconds(since: oldestHole))
            ),
            ("repair", .optional(repair)),
        ])
    }
}
