/// How things are called for CloudWatch: the names of the service that this replaces, and ours.
enum PeriodNames {
    /// The names of the service that this replaces; they also have a sum over everything.
    static let reference: Set<String> = [
        "MessagesProcessed", "RecordsWrittenS3", "RecordsSentKinesis", "Errors",
        "SBEMessagesReceived", "SBEDecodeErrors", "KinesisTotalRecords", "KinesisFailedRecords",
        "KinesisBatchesSent", "S3FilesWritten", "S3RecordsWritten", "S3BytesWritten",
    ]

    /// What a stage's counter counts into.
    static func counts(stage: String, metric: String) -> [String] {
        own(metric) + old(stage, metric)
    }

    private static func own(_ metric: String) -> [String] {
        switch metric {
        case "records_in": ["RecordsIn"]
        case "records_out": ["RecordsOut"]
        case "bytes_in": ["BytesIn"]
        case "bytes_out": ["BytesOut"]
        case "duplicates": ["Duplicates"]
        case "gap_records_out": ["Gaps"]
        case "records_quarantined": ["Quarantined", "Errors"]
        case "decode_errors", "request_retries", "retries": ["Errors"]
        default: []
        }
    }

    private static func old(_ stage: String, _ metric: String) -> [String] {
        switch (stage, metric) {
        case ("sbe-tap", "records_out"), ("rest-pull", "records_out"): ["MessagesProcessed"]
        case ("sbe-tap", "messages"): ["SBEMessagesReceived"]
        case ("sbe-tap", "decode_errors"), ("sbe-tap", "records_quarantined"): ["SBEDecodeErrors"]
        case ("s3-put", "records_out"): ["RecordsWrittenS3", "S3RecordsWritten"]
        case ("s3-put", "objects_out"): ["S3FilesWritten"]
        case ("s3-put", "bytes_out"): ["S3BytesWritten"]
        case ("kinesis-put", "records_out"): ["RecordsSentKinesis", "KinesisTotalRecords"]
        case ("kinesis-put", "failed_entries"): ["KinesisFailedRecords", "KinesisTotalRecords"]
        case ("kinesis-put", "requests"): ["KinesisBatchesSent"]
        default: []
        }
    }

    /// What a stage's histogram is called; nil for those that are not exported.
    static func durations(_ metric: String) -> String? {
        switch metric {
        case "output_delay", "ack_delay", "delivery_delay": "ProcessingDelay"
        case "event_delay": "EventDelay"
        case "request_duration": "RequestDuration"
        default: nil
        }
    }
}
